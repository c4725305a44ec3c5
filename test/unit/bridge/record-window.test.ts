import fc from 'fast-check';
import { RecordWindow, type WindowLimits } from '../../../bridge/consumer/record-window';
import type { ReceivedRecord } from '../../../bridge/kafka/port';

const wide: WindowLimits = { parallel: 8, held: 1_000, bytesInProgress: 1_000_000, ahead: 1_000 };
const recordOf = (key: string | null, offset: number, bytes = 1): ReceivedRecord => ({
  topic: 't',
  partition: 0,
  offset: String(offset),
  key: key === null ? null : Buffer.from(key),
  value: Buffer.alloc(bytes),
  headers: {},
});

/** A window whose records finish when the test says so. */
function playedWindow(limits: WindowLimits = wide) {
  const begun: ReceivedRecord[] = [];
  const running = new Map<string, (isDone: boolean) => void>();
  const window = new RecordWindow(limits, (record) => {
    begun.push(record);
    return new Promise((resolve) => {
      running.set(record.offset, resolve);
    });
  });
  const finish = async (offset: number, isDone = true): Promise<void> => {
    running.get(String(offset))?.(isDone);
    running.delete(String(offset));
    await settled();
  };
  return { window, begun, running, finish };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));
const offsets = (records: ReceivedRecord[]) => records.map(({ offset }) => Number(offset));

const keys = fc.array(fc.constantFrom('a', 'b', 'c', null), { maxLength: 30 });
const order = fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 30 });

describe('RecordWindow', () => {
  it('handles every record once, in order within a key, and is done without a hole, whatever finishes first', async () => {
    await fc.assert(
      fc.asyncProperty(keys, fc.integer({ min: 1, max: 8 }), order, async (list, parallel, finishing) => {
        const { window, begun, running, finish } = playedWindow({ ...wide, parallel });
        list.forEach((key, offset) => window.take(recordOf(key, offset)));
        const finished = new Set<number>();
        for (let turn = 0; finished.size < list.length; turn += 1) {
          expect(running.size).toBeLessThanOrEqual(parallel);
          const keysInProgress = [...running.keys()]
            .map((at) => list[Number(at)])
            .filter((key) => key !== null);
          expect(new Set(keysInProgress).size).toBe(keysInProgress.length);
          const inProgress = [...running.keys()].map(Number);
          const offset = inProgress[(finishing[turn % finishing.length] ?? 0) % inProgress.length] ?? -1;
          await finish(offset);
          finished.add(offset);
          const firstOpen = list.findIndex((_, at) => !finished.has(at));
          const prefix = firstOpen === -1 ? list.length : firstOpen;
          expect(window.doneUpTo).toBe(prefix === 0 ? undefined : String(prefix - 1));
        }
        expect(offsets(begun).toSorted((one, other) => one - other)).toEqual(list.map((_, offset) => offset));
        for (const key of ['a', 'b', 'c']) {
          const ofKey = offsets(begun.filter((record) => record.key?.toString() === key));
          expect(ofKey).toEqual(ofKey.toSorted((one, other) => one - other));
        }
      }),
    );
  });

  it('begins nothing once it is stopped, and is at rest when what was begun has ended', async () => {
    const { window, begun, finish } = playedWindow({ ...wide, parallel: 2 });
    ['a', 'a', 'b', 'c'].forEach((key, offset) => window.take(recordOf(key, offset)));
    let isStopped = false;
    const rest = window.stop().then(() => (isStopped = true));
    await finish(0);
    expect(isStopped).toBe(false);
    await finish(2, false);
    await rest;
    expect(offsets(begun)).toEqual([0, 2]);
    expect([window.doneUpTo, window.firstInProgress]).toEqual(['0', '1']);
  });

  it.each<[string, Partial<WindowLimits>, number, number]>([
    ['records', { held: 3 }, 1, 3],
    ['bytes', { bytesInProgress: 300 }, 100, 3],
    ['bytes, but holds one record of any size', { bytesInProgress: 300 }, 1_000, 1],
  ])('has room for so many %s', async (_, limits, bytes, wanted) => {
    const { window, finish } = playedWindow({ ...wide, ...limits });
    let taken = 0;
    for (; window.hasRoom; taken += 1) window.take(recordOf(null, taken, bytes));
    expect(taken).toBe(wanted);
    await finish(0);
    expect(window.hasRoom).toBe(true);
  });

  it('lets others pass one that is stuck, but not further than a crash may repeat', async () => {
    const { window, finish } = playedWindow({ ...wide, ahead: 10 });
    window.take(recordOf('stuck', 0));
    let taken = 1;
    for (; window.hasRoom; taken += 1) {
      window.take(recordOf('free', taken));
      await finish(taken);
    }
    expect(taken).toBe(10);
    expect(window.doneUpTo).toBeUndefined();
    const free = window.mostlyFree();
    await finish(0);
    await free;
    expect([window.doneUpTo, window.hasRoom]).toEqual(['9', true]);
  });

  it('tells whether anything was finished in time', async () => {
    const { window, finish } = playedWindow();
    window.take(recordOf('a', 0));
    expect(await window.progress(1)).toBe(false);
    const progress = window.progress(60_000);
    await finish(0);
    expect(await progress).toBe(true);
  });
});
