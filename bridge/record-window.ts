/**
 * Handling the records of one partition side by side, each key in order.
 *
 * Owns: which record may run now, and how far the partition is done without a gap. Does not own commits or retries.
 * Invariants: records of one key run one after the other in their order; `onDone` is told offsets of a prefix without
 * holes only; at most `size` records are in hand; after a record that was not finished none of its key is begun.
 */
export interface WindowOptions<R> {
  /** How many records may be in hand at once. */
  size: number;
  /** Null: the record has no key and waits for nobody. */
  keyOf(record: R): string | null;
  /** False: it was not finished (the window is stopping). Must not reject. */
  handle(record: R): Promise<boolean>;
  /** Called with each record whose predecessors are all done, in order. */
  onDone(record: R): void;
  /** No further record is begun once this is true. */
  isStopping(): boolean;
}

/** Runs through `records`; resolves when none is in hand any more. */
export async function handleInWindow<R>(records: readonly R[], options: WindowOptions<R>): Promise<void> {
  const tails = new Map<string, Promise<boolean>>();
  const done = new Set<number>();
  const inHand = new Set<Promise<void>>();
  let told = 0;

  const tell = (index: number): void => {
    done.add(index);
    for (let next = records[told]; next !== undefined && done.delete(told); next = records[told]) {
      told += 1;
      options.onDone(next);
    }
  };

  const begin = (record: R, index: number): void => {
    const key = options.keyOf(record);
    const before = (key === null ? undefined : tails.get(key)) ?? Promise.resolve(true);
    const finished = before.then((earlier) => earlier && !options.isStopping() && options.handle(record));
    if (key !== null) tails.set(key, finished);
    const settled: Promise<void> = finished.then((isDone) => {
      inHand.delete(settled);
      if (key !== null && isDone && tails.get(key) === finished) tails.delete(key);
      if (isDone) tell(index);
    });
    inHand.add(settled);
  };

  for (const [index, record] of records.entries()) {
    if (options.isStopping()) break;
    begin(record, index);
    if (inHand.size >= options.size) await Promise.race(inHand);
  }
  await Promise.all(inHand);
}
