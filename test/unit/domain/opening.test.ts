import fc from 'fast-check';
import { maxAmount } from '../../../domain/money';
import { linesTotal, type Line } from '../../../domain/subscription/proration';
import {
  decideOpening,
  firstPeriod,
  nextPlanId,
  openingLines,
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
    expect(decideOpening(subscriptionFacts(), gold, next)).toEqual({
      period: { index: 3, ...may },
      amount: 1000,
      description: 'Gold × 1',
      newAnchor: null,
      terms: null,
      changes: [],
    });
  });

  it('keeps periods contiguous when the end of the last one is not where it would be counted now', () => {
    const end = '2027-05-01T09:00:00.000Z';
    const period = { index: 2, start: '2027-04-01T10:00:00.000Z', end, paid: true };
    expect(decideOpening(subscriptionFacts({ period }), gold, next).period).toEqual({
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
    expect(decideOpening(subscriptionFacts(), gold, { ...next, cause }).changes).toEqual(changes);
  });

  it('counts from a new anchor where the opening has one', () => {
    const newAnchor = '2027-05-20T08:00:00.000Z';
    const opening: Opening = { ...next, cause: 'resume', newAnchor };
    expect(decideOpening(subscriptionFacts(), gold, opening).period).toEqual({
      index: 3,
      start: newAnchor,
      end: '2027-06-20T08:00:00.000Z',
    });
  });

  it('has dates and price of the same terms when a change of the interval waited for it', () => {
    const yearly = { ...silver, interval: { unit: 'year', count: 1 } as const };
    const facts = subscriptionFacts({ pending_change: pending({ quantity: 1 }) });
    const end = subscriptionFacts().period?.end;
    expect(decideOpening(facts, yearly, next)).toMatchObject({
      period: { index: 3, start: end, end: '2028-05-01T10:00:00.000Z' },
      amount: 700,
      newAnchor: end,
    });
    const trialEnd: Opening = {
      ...next,
      index: 1,
      cause: 'trial_end',
      newAnchor: '2027-05-01T10:00:00.000Z',
    };
    expect(decideOpening(facts, yearly, trialEnd).period).toMatchObject({ end: '2028-05-01T10:00:00.000Z' });
  });

  it('lets a change take effect that waited for the end of the period', () => {
    const facts = subscriptionFacts({ pending_change: pending() });
    expect(nextPlanId(facts)).toBe('silver');
    expect(decideOpening(facts, silver, next)).toMatchObject({
      amount: 1400,
      description: 'Silver × 2',
      terms: { plan_id: 'silver', quantity: 2, amount: 1400, interval: monthly },
      changes: ['plan_changed', 'quantity_changed'],
    });
  });

  it('does not apply a change that waits for its payment', () => {
    const facts = subscriptionFacts({ pending_change: pending({ effective: 'when_paid' }) });
    expect(nextPlanId(facts)).toBe('gold');
    expect(decideOpening(facts, gold, next)).toMatchObject({ terms: null, amount: 1000 });
  });

  it('fails when the pending change makes the amount too large', () => {
    const facts = subscriptionFacts({ pending_change: pending({ quantity: 2 }) });
    expect(() => decideOpening(facts, { ...silver, amount: maxAmount }, next)).toThrow('too large');
  });
});

describe('openingLines', () => {
  const opened = { period: { index: 3, ...may }, amount: 1000, description: 'Gold × 1' };

  it('shows the period, what waited for it, and the customer’s credit that it used', () => {
    const money = { charge: 950, customerCreditUsed: 300, balance: 0 };
    expect(openingLines(opened, [waiting(250)], money)).toEqual({
      lines: [
        { description: 'Gold × 1', amount: 1000, period: may },
        waiting(250),
        { description: 'Credit used', amount: -300, period: may },
      ],
      carried: [],
    });
  });

  it.each([
    [-500, 'Credit carried over'],
    [20, 'Carried to the next charge'],
  ])('carries %i to the next period as "%s"', (balance, description) => {
    const { carried } = openingLines(opened, [], { charge: 0, customerCreditUsed: 0, balance });
    expect(carried).toEqual([{ description, amount: balance, period: may }]);
  });

  it('come to the charge, and what is carried comes to the balance', () => {
    const anyValue = fc.integer({ min: 0, max: 1_000_000 });
    const anyLines = fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }), { maxLength: 4 });
    fc.assert(
      fc.property(anyValue, anyLines, anyValue, anyValue, (amount, amounts, customerCreditUsed, charge) => {
        const lines = amounts.map(waiting);
        const balance = amount + linesTotal(lines) - customerCreditUsed - charge;
        const money = { charge, customerCreditUsed, balance };
        const written = openingLines({ ...opened, amount }, lines, money);
        expect(linesTotal(written.lines)).toBe(charge);
        expect(linesTotal(written.carried)).toBe(balance);
      }),
    );
  });
});
