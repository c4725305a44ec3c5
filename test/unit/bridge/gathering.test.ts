import { setMaxListeners } from 'node:events';
import type { DueJudgement } from '../../../billing/renewal/due-members';
import { Gathering } from '../../../bridge/renewals/gathering';
import type { RenewalRunInput } from '../../../contracts/workflows/commands';
import { traceOf } from '../../support/trace';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const due: DueJudgement = { kind: 'due', byClock: false, due_at: '2026-01-01T00:00:00.000Z' };
const down = new Error('down');
const open = new AbortController().signal;
setMaxListeners(0, open);

/** @param judgements by id; others are due */
function world(judgements: Record<string, DueJudgement | 'unknown' | 'poison'> = {}) {
  const runs: RenewalRunInput[] = [];
  const judged: number[] = [];
  const answers: (() => Promise<void>)[] = [];
  const gathering = new Gathering({
    async judge(ids) {
      judged.push(ids.length);
      if (ids.some((id) => judgements[id] === 'poison')) throw new Error('refused');
      const known = ids.filter((id) => judgements[id] !== 'unknown');
      return new Map(known.map((id) => [id, (judgements[id] as DueJudgement | undefined) ?? due]));
    },
    async start(run) {
      await answers.shift()?.();
      runs.push(run);
    },
    isUnavailable: (error) => error === down,
    longestMs: 5_000,
  });
  const verdicts: Record<string, string> = {};
  const add = (id: string, signal = open): void => {
    const record = { identity: `t/0/${id}`, subscriptionId: id, trace: traceOf('1') };
    verdicts[id] = 'waits';
    gathering.add(record, signal).then(
      () => (verdicts[id] = 'handled'),
      (error: Error) => (verdicts[id] = error.message),
    );
  };
  const sizes = () => runs.map(({ members }) => members.length);
  return { runs, judged, answers, verdicts, add, sizes };
}

const after = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const names = (count: number) => Array.from({ length: count }, (_, at) => `sub_${at}`);

describe('gathering who is due', () => {
  it('has a few wait for others, and judges together what arrives together', async () => {
    const { add, judged, sizes, verdicts } = world();
    for (const name of names(3)) add(name);
    await after(4_900);
    expect([sizes(), verdicts['sub_0']]).toEqual([[], 'waits']);
    await after(200);
    expect([sizes(), judged, verdicts['sub_0']]).toEqual([[3], [3], 'handled']);
  });

  it('starts full runs at once, and what is left of many soon', async () => {
    const { add, sizes } = world();
    for (const name of names(430)) add(name);
    await after(100);
    expect(sizes()).toEqual([200, 200]);
    await after(200);
    expect(sizes()).toEqual([200, 200, 30]);
  });

  it('lets customers with a test clock wait for nobody', async () => {
    const { add, runs } = world({ sub_clock: { ...due, byClock: true } });
    add('sub_clock');
    add('sub_other');
    await after(50);
    expect(runs.map(({ members }) => members)).toEqual([
      [expect.objectContaining({ subscription_id: 'sub_clock', by_clock: true })],
    ]);
  });

  it('starts nothing for who is not due, and refuses who does not exist', async () => {
    const { add, verdicts, sizes } = world({ sub_idle: { kind: 'idle' }, sub_none: 'unknown' });
    add('sub_idle');
    add('sub_none');
    await after(10_000);
    expect(verdicts).toEqual({ sub_idle: 'handled', sub_none: 'there is no subscription sub_none' });
    expect(sizes()).toEqual([]);
  });

  it('judges one by one what is refused together', async () => {
    const { add, verdicts, sizes } = world({ sub_poison: 'poison' });
    add('sub_poison');
    add('sub_good');
    await after(6_000);
    expect(verdicts).toEqual({ sub_poison: 'refused', sub_good: 'handled' });
    expect(sizes()).toEqual([1]);
  });

  it('forgets who belongs to another member now', async () => {
    const { add, verdicts, runs } = world();
    const partition = new AbortController();
    add('sub_lost', partition.signal);
    add('sub_kept');
    await after(100);
    partition.abort();
    await after(6_000);
    expect(verdicts).toEqual({ sub_lost: 'the partition of the record is lost', sub_kept: 'handled' });
    expect(runs[0]?.members).toHaveLength(1);
  });

  it.each([
    ['is started', () => new Promise<void>((resolve) => setTimeout(resolve, 2_000)), 'handled'],
    [
      'has no answer',
      () => new Promise<void>((_, reject) => setTimeout(() => reject(down), 2_000)),
      'the partition of the record is lost',
    ],
  ])(
    'has a record whose partition is lost wait for the start of its run, which %s',
    async (_, start, verdict) => {
      const { add, answers, verdicts } = world();
      const partition = new AbortController();
      answers.push(start);
      add('sub_0', partition.signal);
      await after(5_100);
      partition.abort();
      await after(100);
      expect(verdicts['sub_0']).toBe('waits');
      await after(3_000);
      expect(verdicts['sub_0']).toBe(verdict);
    },
  );

  it('starts a run without an answer again as it is, so that it is one run', async () => {
    const { add, answers, runs, verdicts } = world();
    const ids: string[] = [];
    answers.push(() => Promise.reject(down));
    add('sub_0');
    await after(5_100);
    add('sub_1');
    await after(10_000);
    for (const { run_id: id } of runs) ids.push(id);
    expect(runs.map(({ members }) => members.map(({ subscription_id: id }) => id))).toEqual([
      ['sub_0'],
      ['sub_1'],
    ]);
    expect(new Set(ids).size).toBe(2);
    expect(verdicts).toEqual({ sub_0: 'handled', sub_1: 'handled' });
  });

  it('makes a subscription that several records name one member, and the same records the same run', async () => {
    const [one, other] = [world(), world()];
    for (const { add } of [one, other]) {
      for (const name of ['sub_b', 'sub_a', 'sub_a']) add(name);
      await after(6_000);
    }
    expect(one.runs).toEqual(other.runs);
    expect(one.runs[0]?.members.map(({ subscription_id: id }) => id)).toEqual(['sub_a', 'sub_b']);
  });
});
