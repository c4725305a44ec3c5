/**
 * Pauses of a subscription, in which the time of its failed payments stands still. Pure; safe for workflows.
 *
 * Invariant: an instant is never moved earlier, and the order of two instants never changes.
 */

/** A pause that has ended, by the customer's time. RFC 3339. */
export interface Pause {
  from: string;
  to: string;
}

/**
 * Moves an instant later by the pauses that began before it.
 * @param sinceMs the failure from which the instant is counted: what of a pause lies before it does not count
 * @returns milliseconds since 1970
 */
export function laterByPauses(ms: number, sinceMs: number, pauses: readonly Pause[]): number {
  let movedMs = ms;
  for (const { from, to } of pauses.toSorted((a, b) => Date.parse(a.from) - Date.parse(b.from))) {
    const fromMs = Math.max(Date.parse(from), sinceMs);
    if (fromMs >= movedMs) return movedMs;
    movedMs += Math.max(0, Date.parse(to) - fromMs);
  }
  return movedMs;
}
