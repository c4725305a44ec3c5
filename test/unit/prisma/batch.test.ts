import { createBatcher, type BatchOptions } from '../../../prisma/batch';

class Refused extends Error {}

/** What follows from an answer happens in microtasks alone. */
async function nothingElseToDo(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Runs that end when the test says so. */
function held(more: Partial<BatchOptions<string, string>> = {}) {
  const runs: { items: readonly string[]; end: (error?: Error) => Promise<void> }[] = [];
  const run = (items: readonly string[]): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      const end = (fault?: Error): Promise<void> => {
        if (fault === undefined) resolve(items.map((item) => item.toUpperCase()));
        else reject(fault);
        return nothingElseToDo();
      };
      runs.push({ items, end });
    });
  const one = createBatcher({
    run,
    isDueToItem: (error) => error instanceof Refused,
    weightOf: (item) => item.length,
    maxItems: 3,
    maxWeight: 100,
    maxInFlight: 1,
    ...more,
  });
  return { runs, one, taken: () => runs.map(({ items }) => items.join(' ')) };
}

describe('what comes at the same time', () => {
  it('waits only for who is under way, then goes together, in order, and gets answers of its own', async () => {
    const { runs, one, taken } = held();
    const answers = ['a', 'b', 'c', 'd', 'e'].map((item) => one(item));
    expect(taken()).toEqual(['a']);
    await runs[0]?.end();
    expect(taken()).toEqual(['a', 'b c d']);
    await runs[1]?.end();
    await runs[2]?.end();
    expect(taken()).toEqual(['a', 'b c d', 'e']);
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'C', 'D', 'E']);
  });

  it('goes by two at a time where that is allowed', () => {
    const { one, taken } = held({ maxInFlight: 2 });
    for (const item of ['a', 'b', 'c']) void one(item);
    expect(taken()).toEqual(['a', 'b']);
  });

  it('is never heavier than allowed, save that somebody alone is', async () => {
    const { runs, one, taken } = held({ maxWeight: 4 });
    for (const item of ['a', 'bb', 'cc', 'dddddd', 'e']) void one(item);
    for (let run = 0; run < 4; run += 1) await runs[run]?.end();
    expect(taken()).toEqual(['a', 'bb cc', 'dddddd', 'e']);
  });

  it('is done one by one when somebody may be to blame, so that it meets nobody else', async () => {
    const { runs, one, taken } = held();
    const [first, ...rest] = ['a', 'b', 'c'].map((item) => one(item));
    await runs[0]?.end();
    await runs[1]?.end(new Refused());
    const outcomes = Promise.allSettled(rest);
    await runs[2]?.end(new Refused('not b'));
    await runs[3]?.end();
    expect(taken()).toEqual(['a', 'b c', 'b', 'c']);
    expect(await first).toBe('A');
    expect(await outcomes).toMatchObject([
      { status: 'rejected', reason: { message: 'not b' } },
      { status: 'fulfilled', value: 'C' },
    ]);
  });

  it('all hears of it when nobody is to blame, also who waits, and the next is tried anew', async () => {
    const { runs, one, taken } = held();
    const outcomes = Promise.allSettled(['a', 'b', 'c'].map((item) => one(item)));
    await runs[0]?.end(new Error('away'));
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    const next = one('d');
    await runs[1]?.end();
    expect(await next).toBe('D');
    expect(taken()).toEqual(['a', 'd']);
  });
});
