import fc from 'fast-check';
import { handleInWindow } from '../../../bridge/record-window';

interface Rec {
  offset: number;
  key: string | null;
}

/** Finishes handlers in an order that the property chooses. */
async function run(keys: (string | null)[], size: number, order: number[], stopAfter = Infinity) {
  const records = keys.map((key, offset): Rec => ({ offset, key }));
  const begun: Rec[] = [];
  const done: number[] = [];
  const running = new Map<number, (isDone: boolean) => void>();
  let most = 0;
  let stopping = false;
  const all = handleInWindow(records, {
    size,
    keyOf: ({ key }) => key,
    handle: (record) => {
      begun.push(record);
      return new Promise((resolve) => {
        running.set(record.offset, resolve);
        most = Math.max(most, running.size);
      });
    },
    onDone: ({ offset }) => void done.push(offset),
    isStopping: () => stopping,
  });
  let finished = 0;
  for (let turn = 0; turn < keys.length * 4 + 4; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    const offsets = [...running.keys()];
    if (offsets.length === 0) break;
    const offset = offsets[(order[turn % order.length] ?? 0) % offsets.length] ?? 0;
    if (finished >= stopAfter) stopping = true;
    running.get(offset)?.(!stopping);
    running.delete(offset);
    finished += 1;
  }
  await all;
  return { begun, done, most };
}

const keys = fc.array(fc.constantFrom('a', 'b', 'c', null), { maxLength: 30 });
const order = fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 30 });

describe('handleInWindow', () => {
  it('handles every record once, tells offsets without a gap, and never holds more than its size', async () => {
    await fc.assert(
      fc.asyncProperty(keys, fc.integer({ min: 1, max: 8 }), order, async (list, size, finishing) => {
        const { begun, done, most } = await run(list, size, finishing);
        expect(begun).toHaveLength(list.length);
        expect(done).toEqual(list.map((_, offset) => offset));
        expect(most).toBeLessThanOrEqual(size);
      }),
    );
  });

  it('begins the records of one key in their order', async () => {
    await fc.assert(
      fc.asyncProperty(keys, order, async (list, finishing) => {
        const { begun } = await run(list, 8, finishing);
        for (const key of ['a', 'b', 'c']) {
          const offsets = begun.filter((record) => record.key === key).map(({ offset }) => offset);
          expect(offsets).toEqual([...offsets].sort((one, other) => one - other));
        }
      }),
    );
  });

  it('when it is stopped, tells a prefix only and begins nothing after an unfinished record of the same key', async () => {
    await fc.assert(
      fc.asyncProperty(keys, order, fc.nat({ max: 10 }), async (list, finishing, stopAfter) => {
        const { done } = await run(list, 4, finishing, stopAfter);
        expect(done).toEqual(done.map((_, offset) => offset));
      }),
    );
  });
});
