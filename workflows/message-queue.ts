/**
 * Messages of one workflow, handled one at a time in the order of their coming.
 *
 * A handler adds its work and waits for the answer; the main function takes one when its turn comes.
 */
export interface MessageQueue {
  /** Resolves with the work's result, or rejects with its refusal, when its turn has come. */
  add<T>(work: () => Promise<T>): Promise<T>;
  hasWork(): boolean;
  /** Runs the oldest work to its end; its failure goes to the one who asked, not to the caller. */
  takeOne(): Promise<void>;
}

export function createMessageQueue(): MessageQueue {
  const waiting: (() => Promise<void>)[] = [];
  return {
    add: (work) =>
      new Promise((resolve, reject) => {
        waiting.push(() => work().then(resolve, reject));
      }),
    hasWork: () => waiting.length > 0,
    takeOne: async () => {
      await waiting.shift()?.();
    },
  };
}
