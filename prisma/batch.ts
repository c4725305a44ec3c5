/**
 * Doing at once what waits at the same time: one statement, one round trip and one commit for many.
 *
 * Owns: who goes with whom, and whom a failure meets. Does not own what is done. Invariants: nobody waits for company,
 * only for those who are under way; a company is bounded in number and weight; everybody gets the answer of their own,
 * and goes in the order of arrival; what only one of them is to blame for meets nobody else; when nobody is, all who
 * wait hear of it, so that no queue is worked off against a database that is away.
 */

export interface BatchOptions<Item, Result> {
  /** Does all of them or none. @returns what became of each, in their order */
  run(items: readonly Item[]): Promise<readonly Result[]>;
  /** Whether one of the items may be to blame; then each is done by itself. */
  mayBlameOne(error: unknown): boolean;
  weightOf(item: Item): number;
  maxItems: number;
  /** Of a company; who is heavier goes alone. */
  maxWeight: number;
  /** Companies at a time. */
  maxUnderWay: number;
}

interface Waiter<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** @returns does one item, in the company of those that come meanwhile */
export function createBatcher<Item, Result>(
  options: BatchOptions<Item, Result>,
): (item: Item) => Promise<Result> {
  const waiting: Waiter<Item, Result>[] = [];
  let underWay = 0;

  async function doAll(waiters: readonly Waiter<Item, Result>[]): Promise<void> {
    try {
      const results = await options.run(waiters.map(({ item }) => item));
      waiters.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      if (!options.mayBlameOne(error)) {
        for (const { reject } of [...waiters, ...waiting.splice(0)]) reject(error);
      } else if (waiters.length === 1) {
        waiters[0]?.reject(error);
      } else {
        for (const waiter of waiters) await doAll([waiter]);
      }
    }
  }

  function startNext(): void {
    while (waiting.length > 0 && underWay < options.maxUnderWay) {
      underWay += 1;
      void doAll(waiting.splice(0, sizeOfNext(waiting, options))).finally(() => {
        underWay -= 1;
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

/** How many of those who wait go next, at least one. */
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
