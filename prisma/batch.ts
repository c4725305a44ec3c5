/**
 * Batches what is requested at the same time: one statement, one round trip and one commit for many items.
 *
 * Invariants:
 * - An item never waits for others to come, only for batches in flight.
 * - A batch is bounded in items and weight; items keep their order of arrival.
 * - Each caller gets the result of its own item.
 * - An error that one item may have caused reaches no other item: each is run again by itself.
 * - Any other error rejects all that wait, so that no queue is worked off against an unavailable database.
 */

export interface BatchOptions<Item, Result> {
  /** Runs all of the items or none. @returns their results, in their order */
  run(items: readonly Item[]): Promise<readonly Result[]>;
  /** Whether one of the items may have caused the error. */
  isDueToItem(error: unknown): boolean;
  weightOf(item: Item): number;
  maxItems: number;
  /** Of a batch; a heavier item is a batch of its own. */
  maxWeight: number;
  /** Batches at a time. */
  maxInFlight: number;
}

interface Waiter<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** @returns a function that runs one item, in a batch with those that arrive meanwhile */
export function createBatcher<Item, Result>(
  options: BatchOptions<Item, Result>,
): (item: Item) => Promise<Result> {
  const waiting: Waiter<Item, Result>[] = [];
  let inFlight = 0;

  async function runAll(waiters: readonly Waiter<Item, Result>[]): Promise<void> {
    try {
      const results = await options.run(waiters.map(({ item }) => item));
      waiters.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      if (!options.isDueToItem(error)) {
        for (const { reject } of [...waiters, ...waiting.splice(0)]) reject(error);
      } else if (waiters.length === 1) {
        waiters[0]?.reject(error);
      } else {
        for (const waiter of waiters) await runAll([waiter]);
      }
    }
  }

  function startNext(): void {
    while (waiting.length > 0 && inFlight < options.maxInFlight) {
      inFlight += 1;
      void runAll(waiting.splice(0, sizeOfNext(waiting, options))).finally(() => {
        inFlight -= 1;
        startNext();
      });
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      startNext();
    });
}

/** How many of the waiting items the next batch has, at least one. */
function sizeOfNext<Item, Result>(
  waiting: readonly Waiter<Item, Result>[],
  { weightOf, maxItems, maxWeight }: BatchOptions<Item, Result>,
): number {
  let size = 0;
  let weight = 0;
  for (const { item } of waiting.slice(0, maxItems)) {
    weight += weightOf(item);
    if (size > 0 && weight > maxWeight) break;
    size += 1;
  }
  return size;
}
