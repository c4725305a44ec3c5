/**
 * The messages of one workflow, processed one at a time in the order of their arrival.
 *
 * Invariants:
 * - The main function takes one message when its turn comes.
 * - A request that is repeated while it waits is processed once: callers who ask again add no work to a busy queue.
 * - Work without a caller that fails is repeated later, on a durable timer, and blocks nothing meanwhile.
 */
import { TemporalFailure } from '@temporalio/workflow';

export interface MessageQueue {
  /**
   * Adds work with a caller: resolves with its result, or rejects with its refusal, after its turn.
   * @param requestId of what is asked for: while it has no outcome, all who ask for it share one
   */
  submit<T>(requestId: string, work: () => Promise<T>): Promise<T>;
  /** Adds work without a caller: when it fails it is repeated, with a growing delay. */
  enqueue(work: () => Promise<void>): void;
  /** As {@link enqueue}, not before `delayMs` have passed. */
  enqueueLater(work: () => Promise<void>, delayMs: number): void;
  hasWork(): boolean;
  /** Milliseconds until delayed work may be taken; null: none is delayed. */
  waitMs(): number | null;
  /** Runs the oldest work to its end; its failure goes to its caller, not to the one who takes it. */
  takeOne(): Promise<void>;
}

interface Delayed {
  atMs: number;
  backOffMs: number;
  work: () => Promise<void>;
}

const firstBackOffMs = 1_000;
const longestBackOffMs = 60_000;

export function createMessageQueue(): MessageQueue {
  const waiting: (() => Promise<void>)[] = [];
  const requested = new Map<string, Promise<unknown>>();
  const delayed: Delayed[] = [];

  /** @param backOffMs how long the work waits when it fails */
  const retried = (work: () => Promise<void>, backOffMs: number) => async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof TemporalFailure)) throw error;
      delayed.push({
        atMs: Date.now() + backOffMs,
        backOffMs: Math.min(backOffMs * 2, longestBackOffMs),
        work,
      });
    }
  };

  /** Moves delayed work that may be taken now behind the work that arrived before. */
  function releaseDelayed(): void {
    for (let index = 0; index < delayed.length;) {
      const next = delayed[index];
      if (next === undefined || next.atMs > Date.now()) index += 1;
      else {
        delayed.splice(index, 1);
        waiting.push(retried(next.work, next.backOffMs));
      }
    }
  }

  return {
    submit<T>(requestId: string, work: () => Promise<T>) {
      const shared = requested.get(requestId);
      // The same request has the same kind of result.
      if (shared !== undefined) return shared as Promise<T>;
      const outcome = new Promise<T>((resolve, reject) => {
        waiting.push(async () => {
          await work().then(resolve, reject);
          requested.delete(requestId);
        });
      });
      requested.set(requestId, outcome);
      return outcome;
    },
    enqueue: (work) => void waiting.push(retried(work, firstBackOffMs)),
    enqueueLater: (work, delayMs) =>
      void delayed.push({ atMs: Date.now() + delayMs, backOffMs: firstBackOffMs, work }),
    hasWork: () => waiting.length > 0,
    waitMs() {
      if (delayed.length === 0) return null;
      return Math.max(1, Math.min(...delayed.map(({ atMs }) => atMs)) - Date.now());
    },
    async takeOne() {
      releaseDelayed();
      await waiting.shift()?.();
    },
  };
}
