/**
 * Messages of one workflow, handled one at a time in the order of their coming.
 *
 * A handler adds its work and waits for the answer; what was only told waits for nobody. Invariants: the main function
 * takes one when its turn comes; what could not be done for now is taken up again after a while, on a durable timer,
 * and holds up nothing meanwhile.
 */
import { TemporalFailure } from '@temporalio/workflow';

export interface MessageQueue {
  /** Resolves with the work's result, or rejects with its refusal, when its turn has come. */
  ask<T>(work: () => Promise<T>): Promise<T>;
  /** Nobody waits: when it fails it is done again, later and later. */
  enqueue(work: () => Promise<void>): void;
  /** As `tell`, not before `delayMs` have passed. */
  enqueueLater(work: () => Promise<void>, delayMs: number): void;
  hasWork(): boolean;
  /** Milliseconds until what waits may be taken; null: nothing waits for a time. */
  waitMs(): number | null;
  /** Runs the oldest work to its end; its failure goes to the one who asked, not to the caller. */
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
  const delayed: Delayed[] = [];

  /** @param backOffMs how long it waits when it fails */
  const tried = (work: () => Promise<void>, backOffMs: number) => async (): Promise<void> => {
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

  /** Moves what may be taken now behind what came before it. */
  function wake(): void {
    for (let index = 0; index < delayed.length;) {
      const next = delayed[index];
      if (next === undefined || next.atMs > Date.now()) index += 1;
      else {
        delayed.splice(index, 1);
        waiting.push(tried(next.work, next.backOffMs));
      }
    }
  }

  return {
    ask: (work) =>
      new Promise((resolve, reject) => {
        waiting.push(() => work().then(resolve, reject));
      }),
    enqueue: (work) => void waiting.push(tried(work, firstBackOffMs)),
    enqueueLater: (work, delayMs) =>
      void delayed.push({ atMs: Date.now() + delayMs, backOffMs: firstBackOffMs, work }),
    hasWork: () => waiting.length > 0,
    waitMs() {
      if (delayed.length === 0) return null;
      return Math.max(1, Math.min(...delayed.map(({ atMs }) => atMs)) - Date.now());
    },
    async takeOne() {
      wake();
      await waiting.shift()?.();
    },
  };
}
