import fc from 'fast-check';
import { maxAmount } from '../../../domain/money';
import { linesTotal, type Line } from '../../../domain/subscription/proration';
import {
  decideOpening,
  firstPeriod,
  nextPlanId,
  trialPeriod,
  type Opening,
} from '../../../domain/subscription/opening';
import type { PendingChange } from '../../../domain/subscription/facts';
import { gold, subscriptionFacts } from './given-subscription';

const monthly = { unit: 'month', count: 1 } as const;
const next: Opening = { kind: 'open_period', index: 3, cause: 'period_end', newAnchor: null };
const may = { start: '2027-05-01T10:00:00.000Z', end: '2027-06-01T10:00:00.000Z' };
const waiting = (amount: number): Line => ({ description: 'Proration', amount, period: may });
const pending = (more: Partial<PendingChange> = {}): PendingChange => ({
  plan_id: 'silver',
  quantity: 2,
  effective: 'period_end',
  effective_at: may.start,
  payment_id: null,
  ...more,
});
const silver = { ...gold, id: 'silver', name: 'Silver', amount: 700 };

describe('firstPeriod', () => {
  const start = '2027-03-01T11:00:00.000Z';

  it('is none for a subscription that begins later', () => {
    expect(firstPeriod({ status: 'scheduled' }, start, 'Europe/Berlin', monthly)).toBeNull();
  });

  it('is the trial, period 0, for a subscription that begins with one', () => {
    const beginning = { status: 'trialing', trialDays: 14 } as const;
    const trial = { index: 0, start, end: '2027-03-15T11:00:00.000Z' };
    expect(firstPeriod(beginning, start, 'Europe/Berlin', monthly)).toEqual(trial);
    expect(trialPeriod(start, 'Europe/Berlin', 14)).toEqual(trial);
  });

  it.each([{ status: 'active' }, { status: 'incomplete', charge: true }] as const)(
    'is period 1 of one interval, by local time, for a subscription that begins as $status',
    (beginning) => {
      const end = '2027-04-01T10:00:00.000Z';
      expect(firstPeriod(beginning, start, 'Europe/Berlin', monthly)).toEqual({ index: 1, start, end });
    },
  );
});

describe('decideOpening', () => {
  it('charges the next period at the present terms', () => {
    expect(decideOpening(subscriptionFacts(), gold, [], next)).toEqual({
      period: { index: 3, ...may },
      amount: 1000,
      charge: 1000,
      lines: [{ description: 'Gold × 1', amount: 1000, period: may }],
      carried: [],
      terms: null,
      changes: [],
    });
  });

  it('keeps periods contiguous when the end of the last one is not where it would be counted now', () => {
    const end = '2027-05-01T09:00:00.000Z';
    const period = { index: 2, start: '2027-04-01T10:00:00.000Z', end, paid: true };
    expect(decideOpening(subscriptionFacts({ period }), gold, [], next).period).toEqual({
      index: 3,
      start: end,
      end: may.end,
    });
  });

  it.each([
    ['start', ['started']],
    ['trial_end', ['trial_ended']],
    ['resume', ['resumed']],
    ['period_end', []],
  ] as const)('records a period that opens because of %s as %j', (cause, changes) => {
    expect(decideOpening(subscriptionFacts(), gold, [], { ...next, cause }).changes).toEqual(changes);
  });

  it('counts from a new anchor where the opening has one', () => {
    const newAnchor = '2027-05-20T08:00:00.000Z';
    const opening: Opening = { ...next, cause: 'resume', newAnchor };
    expect(decideOpening(subscriptionFacts(), gold, [], opening).period).toEqual({
      index: 3,
      start: newAnchor,
      end: '2027-06-20T08:00:00.000Z',
    });
  });

  it('settles what waits with the period, and records it as renewed when nothing is to be paid', () => {
    const opened = decideOpening(subscriptionFacts({ balance: -1500 }), gold, [waiting(-1500)], next);
    expect(opened).toMatchObject({
      charge: 0,
      carried: [{ description: 'Credit carried over', amount: -500, period: may }],
      changes: ['renewed'],
    });
  });

  it('lets a change take effect that waited for the end of the period', () => {
    const facts = subscriptionFacts({ pending_change: pending() });
    expect(nextPlanId(facts)).toBe('silver');
    expect(decideOpening(facts, silver, [], next)).toMatchObject({
      amount: 1400,
      charge: 1400,
      lines: [{ description: 'Silver × 2', amount: 1400 }],
      terms: { plan_id: 'silver', quantity: 2, amount: 1400, interval: monthly },
      changes: ['plan_changed', 'quantity_changed'],
    });
  });

  it('does not apply a change that waits for its payment', () => {
    const facts = subscriptionFacts({ pending_change: pending({ effective: 'when_paid' }) });
    expect(nextPlanId(facts)).toBe('gold');
    expect(decideOpening(facts, gold, [], next)).toMatchObject({ terms: null, amount: 1000 });
  });

  it('fails when the pending change makes the amount too large', () => {
    const facts = subscriptionFacts({ pending_change: pending({ quantity: 2 }) });
    expect(() => decideOpening(facts, { ...silver, amount: maxAmount }, [], next)).toThrow('too large');
  });

  it('charges and carries together what the period and the waiting lines come to', () => {
    const anyAmount = fc.integer({ min: 0, max: 1_000_000 });
    const anyLines = fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }), { maxLength: 4 });
    fc.assert(
      fc.property(anyAmount, anyLines, (amount, amounts) => {
        const lines = amounts.map(waiting);
        const facts = subscriptionFacts({ amount, balance: linesTotal(lines) });
        const opened = decideOpening(facts, gold, lines, next);
        expect(opened.charge).toBeGreaterThanOrEqual(0);
        expect(linesTotal(opened.lines)).toBe(opened.charge + linesTotal(opened.carried));
        expect(opened.carried.every((line) => line.amount < 0)).toBe(true);
        expect(opened.changes.includes('renewed')).toBe(opened.charge === 0);
      }),
    );
  });
});
