import {
  addSlice,
  afterSlice,
  triedForMs,
  waitingMember,
  type FailedMember,
  type RenewedSlice,
  type WaitingMember,
} from '../../../domain/renewal/run';

const nowMs = 1_000_000;
const waiting = (id: string, more: Partial<WaitingMember> = {}): WaitingMember => ({
  ...waitingMember({ subscription_id: id, due_at: '2026-01-01T00:00:00.000Z', by_clock: false }, nowMs),
  ...more,
});
const slice = (more: Partial<RenewedSlice>): RenewedSlice => ({
  paused: false,
  outage: false,
  done: [],
  failed: [],
  early: [],
  ...more,
});
const done = (id: string) => ({ subscription_id: id, outcome: 'renewed' as const, payment_id: `pay_${id}` });
const failed = (id: string, reason: FailedMember['reason']) => ({
  subscription_id: id,
  reason,
  detail: 'Error',
});
const ids = (list: { again: WaitingMember[]; givenUp: FailedMember[] }) => ({
  again: list.again.map(({ member, atMs }) => [member.subscription_id, atMs - nowMs]),
  givenUp: list.givenUp.map(({ subscription_id }) => subscription_id),
});

describe('what a slice leaves to do', () => {
  it('is nothing for who is done, and at once whom it did not begin', () => {
    const left = afterSlice([waiting('a'), waiting('b')], slice({ done: [done('a')] }), nowMs);
    expect(ids(left)).toEqual({ again: [['b', 0]], givenUp: [] });
  });

  it('waits for the instant of who is early, and longer each time for who fails', () => {
    const members = [waiting('early'), waiting('first'), waiting('later', { backOffMs: 40_000 })];
    const renewed = slice({
      early: [{ subscription_id: 'early', wait_ms: 700 }],
      failed: [failed('first', 'fault'), failed('later', 'fault')],
    });
    const left = afterSlice(members, renewed, nowMs);
    expect(ids(left).again).toEqual([
      ['early', 700],
      ['first', 1_000],
      ['later', 40_000],
    ]);
    expect(left.again.map(({ backOffMs }) => backOffMs)).toEqual([1_000, 2_000, 60_000]);
  });

  it('gives up who can never be renewed at once, and who fails for 15 minutes', () => {
    const members = [
      waiting('never'),
      waiting('lasting', { failingSinceMs: nowMs - triedForMs }),
      waiting('shorter', { failingSinceMs: nowMs - triedForMs + 1 }),
    ];
    const renewed = slice({
      failed: [failed('never', 'never'), failed('lasting', 'fault'), failed('shorter', 'fault')],
    });
    expect(ids(afterSlice(members, renewed, nowMs))).toMatchObject({
      again: [['shorter', 1_000]],
      givenUp: ['never', 'lasting'],
    });
  });

  it('counts no time of an outage, and all time of what is unavailable for a member without one', () => {
    const failing = waiting('a', { failingSinceMs: nowMs - triedForMs });
    const unavailable = { failed: [failed('a', 'unavailable')] };
    const [again] = afterSlice([failing], slice({ ...unavailable, outage: true }), nowMs).again;
    expect(again?.failingSinceMs).toBeNull();
    expect(ids(afterSlice([failing], slice(unavailable), nowMs)).givenUp).toEqual(['a']);
  });

  it('counts it for who alone finds a part unavailable', () => {
    const renewed = slice({ outage: true, done: [done('b')], failed: [failed('a', 'unavailable')] });
    const since = nowMs - triedForMs;
    expect(ids(afterSlice([waiting('a', { failingSinceMs: since }), waiting('b')], renewed, nowMs))).toEqual({
      again: [],
      givenUp: ['a'],
    });
  });

  it('looks again after a pause for who is held by it', () => {
    const failing = waiting('a', { failingSinceMs: nowMs - triedForMs, backOffMs: 60_000 });
    const left = afterSlice([failing], slice({ paused: true }), nowMs);
    expect(ids(left).again).toEqual([['a', 20_000]]);
    // What was before the pause counts no more.
    expect(left.again).toMatchObject([{ failingSinceMs: null, backOffMs: 1_000 }]);
  });
});

it('counts what became of members, and keeps the first exceptions', () => {
  let progress = addSlice({ counts: { renewed: 2 }, exceptions: [] }, [done('a')], [failed('b', 'never')]);
  expect(progress.counts).toEqual({ renewed: 3, not_renewed: 1 });
  for (let more = 0; more < 100; more += 1) progress = addSlice(progress, [], [failed(`c${more}`, 'never')]);
  expect(progress.counts.not_renewed).toBe(101);
  expect(progress.exceptions).toHaveLength(50);
});
