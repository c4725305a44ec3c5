/**
 * When the row has to be looked at although nobody asks: a step could not reach the database.
 *
 * Messages go on meanwhile; the look backs off while the database stays away.
 */
export interface SecondLook {
  /** How long to wait for it; null: there is none to take. */
  waitMs(): number | null;
  /** A commit is in doubt: nobody heard whether it was made. */
  whenDecided(): void;
  /** The look itself failed. */
  later(): void;
  /** The row was seen. */
  done(): void;
}

/** A commit that nobody heard of is decided by then: the database ends statements and transactions earlier. */
const decidedAfterMs = 15_000;
const firstBackOffMs = 1_000;
const longestBackOffMs = 60_000;

export function createSecondLook(): SecondLook {
  let atMs: number | null = null;
  let backOffMs = firstBackOffMs;
  return {
    waitMs: () => (atMs === null ? null : Math.max(1, atMs - Date.now())),
    whenDecided() {
      atMs = Date.now() + decidedAfterMs;
    },
    later() {
      atMs = Date.now() + backOffMs;
      backOffMs = Math.min(backOffMs * 2, longestBackOffMs);
    },
    done() {
      atMs = null;
      backOffMs = firstBackOffMs;
    },
  };
}
