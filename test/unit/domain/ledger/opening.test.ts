/** Subscriptions that are older than the ledger: what their rows say of their money. */
import { openOwnPayment, type OpeningFacts } from '../../../../domain/ledger/opening';
import type { OldRefund } from '../../../../domain/ledger/opening-facts';
import { balanceOf, fundOf, totalOf } from '../../../../domain/ledger/state';
import {
  entriesText as text,
  oldPayment,
  oldPeriod,
  oldRefund as refund,
  onDay,
  openingOf as opening,
  unpaidPayment,
} from '../../../support/ledger/old-rows';

const before = (id: string, amount = 1000) => oldPayment(id, { period_index: 2, amount });

describe('a paid period', () => {
  it('is earned until now, with the periods before it', () => {
    const opened = opening({ payments: [before('p0'), oldPayment('p1')] });
    expect(text(opened)).toEqual([
      'cash/stripe p0 1000',
      'cash/stripe p1 1000',
      'earned p0 -1000',
      'earned p1 -500',
      'unearned p1 -500',
    ]);
    expect(opened.state).toEqual({
      period: { start: onDay(0), end: onDay(30) },
      earned_until: onDay(15),
      reckoned_at: onDay(15),
      reckonings: 2,
      revision: 1,
      held_for: null,
      funds: [{ source: 'p1', unearned: 500, used: 500, credit: 0, held: 0, receivable: 0, written_off: 0 }],
    });
  });

  it('that is over is earned as a whole, until its end', () => {
    expect(opening({ now: onDay(31) }).state).toMatchObject({
      earned_until: onDay(30),
      funds: [{ source: 'p1', unearned: 0, used: 1000 }],
    });
  });

  it('has no more left than was charged for it and not given back', () => {
    const given = (amount: number) =>
      fundOf(opening({ payments: [oldPayment('p1', { refunds: [refund(amount)] })] }).state, 'p1');
    expect(given(400)).toMatchObject({ unearned: 500, used: 100 });
    expect(given(700)).toMatchObject({ unearned: 300, used: 0 });
  });

  it('takes nothing of older money for what went back of its own', () => {
    const payments = [before('p0'), oldPayment('p1', { refunds: [refund(1000)] })];
    expect(totalOf(opening({ payments }).state, 'unearned')).toBe(0);
  });

  it('that a larger plan was given to without a charge has what was paid left, not its price', () => {
    expect(fundOf(opening({ price: 9_700 }).state, 'p1').unearned).toBe(500);
  });

  it('that a change raised by a charge has the charge left first, the older money is earned', () => {
    const change = oldPayment('p2', { kind: 'proration', created_at: onDay(15) });
    const { state } = opening({ price: 3000, payments: [oldPayment('p1'), change], now: onDay(22.5) });
    expect(state.funds).toMatchObject([
      { source: 'p1', unearned: 0, used: 1000 },
      { source: 'p2', unearned: 750, used: 250 },
    ]);
  });

  it('that older money paid as credit has that money left', () => {
    const { state } = opening({ payments: [before('p0', 12_000)] });
    expect(fundOf(state, 'p0')).toMatchObject({ unearned: 500, used: 500 });
  });

  it('that older money paid a part of has its own charge left first', () => {
    const own = oldPayment('p1', { amount: 400 });
    const { state } = opening({ payments: [before('p0', 12_000), own] });
    expect(state.funds).toMatchObject([
      { source: 'p0', unearned: 100, used: 500 },
      { source: 'p1', unearned: 400, used: 0 },
    ]);
  });

  it('has only its own price left of a charge that took an older debt with it', () => {
    const { state, entries } = opening({ payments: [oldPayment('p1', { amount: 4000 })] });
    expect(fundOf(state, 'p1')).toMatchObject({ unearned: 500, used: 500 });
    expect(entries).toContainEqual({ account: 'earned', source: 'p1', amount: -3500 });
  });
});

describe('a period that is not paid', () => {
  const unpaid = oldPeriod({ paid: false });

  it('is owed for by its payment, which what was owed before is earned of', () => {
    const payment = unpaidPayment('p1', { amount: 1500 });
    const opened = opening({
      status: 'past_due',
      period: unpaid,
      payments: [payment],
      open_payment_id: 'p1',
    });
    expect(text(opened)).toEqual(['earned p1 -1000', 'receivable p1 1500', 'unearned p1 -500']);
    expect(fundOf(opened.state, 'p1')).toMatchObject({ receivable: 1500, unearned: 500, used: 500 });
  });

  it('has money that is not assigned when its payment was charged and the row does not know', () => {
    const opened = opening({ period: unpaid, open_payment_id: 'p1' });
    expect(opened.unapplied).toEqual([{ payment_id: 'p1', amount: 1000 }]);
    expect(text(opened)).toEqual([
      'cash/stripe p1 1000',
      'earned p1 -500',
      'receivable p1 1000',
      'unapplied p1 -1000',
      'unearned p1 -500',
    ]);
  });

  it('counts no charge again that the ledger has told', () => {
    const opened = opening({ period: unpaid, open_payment_id: 'p1', payments: [unpaidPayment('p1')] });
    expect(opened.unapplied).toEqual([]);
    expect(text(opened)).toEqual(['earned p1 -500', 'receivable p1 1000', 'unearned p1 -500']);
  });

  it('that dunning gave up is written off for the time that it was served', () => {
    const paused = { status: 'paused', period: unpaid, paused_at: onDay(14), now: onDay(20) } as const;
    const opened = opening({ ...paused, payments: [unpaidPayment('p1')] });
    expect(text(opened)).toEqual(['earned p1 -467', 'written_off p1 467']);
    const late = opening({ ...paused, payments: [oldPayment('p1')] });
    expect(late.unapplied).toEqual([{ payment_id: 'p1', amount: 1000 }]);
    expect(fundOf(late.state, 'p1')).toMatchObject({ written_off: 467, unearned: 0, receivable: 0 });
  });
});

describe('what waits for the next charge', () => {
  it('is credit of the newest money that nothing else claims (life c)', () => {
    const opened = opening({
      payments: [oldPayment('p1', { amount: 10_000 })],
      balance: -8100,
      period: oldPeriod({ price: 10_000 }),
    });
    expect(fundOf(opened.state, 'p1')).toMatchObject({ unearned: 500, credit: 8100, used: 1400 });
    expect(opened.untraced).toBe(0);
    expect(balanceOf(opened.state)).toBe(-8100);
  });

  it('stands against `opening` where no payment backs it (life n: of 87.00 10.00 can be traced)', () => {
    const opened = opening({ balance: -8700, now: onDay(30) });
    expect(text(opened)).toEqual([
      'cash/stripe p1 1000',
      'credit grant/sub_1/opening -7700',
      'credit p1 -1000',
      'opening grant/sub_1/opening 7700',
    ]);
    expect(opened.untraced).toBe(7700);
  });

  it('is owed for what was served, and for what is still to come of the present period', () => {
    const period = { start: onDay(0), end: onDay(30) };
    const lines = [
      { description: 'Unused', amount: -1000, period },
      { description: 'More', amount: 3000, period },
    ];
    const opened = opening({ balance: 2000, waiting_lines: lines });
    expect(fundOf(opened.state, 'owed')).toMatchObject({ receivable: 2000, unearned: 1000 });
    expect(text(opened)).toContain('earned owed -1000');
    expect(fundOf(opening({ balance: 2000 }).state, 'owed').unearned).toBe(0);
  });
});

describe('refunds', () => {
  it('that are pending are set aside, and become credit when they are given up', () => {
    const payments = [oldPayment('p1', { refunds: [refund(400, { status: 'pending' })] })];
    const opened = opening({ payments, now: onDay(27) });
    expect(text(opened)).toEqual([
      'cash/stripe p1 1000',
      'earned p1 -500',
      'refunding p1 -400',
      'unearned p1 -100',
    ]);
    expect(opened.refunds.set_aside).toEqual([
      {
        refund_id: 'ref_1',
        taken: { unapplied: 0, credit: 400, customer_credit: 0, unearned: 0, rest: 0 },
      },
    ]);
  });

  it('that failed took nothing from what was charged for', () => {
    const opened = opening({
      payments: [oldPayment('p1', { refunds: [refund(400, { status: 'failed' })] })],
    });
    expect(opened.refunds).toEqual({ set_aside: [], given_up: ['ref_1'] });
    expect(totalOf(opened.state, 'unearned')).toBe(500);
  });

  it('of a charge beside keep it set aside until they are paid, also when they failed', () => {
    const beside = (status: OldRefund['status']) =>
      oldPayment('p1', {
        charges: [
          { attempt: 1, provider: 'stripe', amount: 1000 },
          { attempt: 2, provider: 'sandbox', amount: 1000 },
        ],
        refunds: [refund(1000, { attempt: 2, status })],
      });
    const sums = (status: OldRefund['status']) => text(opening({ payments: [beside(status)] }));
    expect(sums('failed')).toEqual([
      'cash/sandbox p1 1000',
      'cash/stripe p1 1000',
      'earned p1 -500',
      'refunding p1 -1000',
      'unearned p1 -500',
    ]);
    expect(sums('succeeded')).toEqual(['cash/stripe p1 1000', 'earned p1 -500', 'unearned p1 -500']);
  });
});

describe('subscriptions without money for time to come', () => {
  it('that have ended have earned all that was not given back', () => {
    const payments = [oldPayment('p1', { refunds: [refund(300), refund(200, { status: 'pending' })] })];
    const opened = opening({ status: 'cancelled', payments, balance: -50 });
    expect(text(opened)).toEqual(['cash/stripe p1 700', 'earned p1 -500', 'refunding p1 -200']);
    expect(opened.state).toMatchObject({ period: null, funds: [] });
  });

  it('in a trial have a period that costs nothing', () => {
    const trial = oldPeriod({ index: 0, price: 0 });
    const opened = opening({ status: 'trialing', period: trial, payments: [] });
    expect(opened).toMatchObject({ entries: [], contradiction: null });
    expect(opened.state.period).toEqual({ start: onDay(0), end: onDay(30) });
  });

  it.each(['scheduled', 'incomplete'] as const)('that are %s have no period', (status) => {
    const period = status === 'scheduled' ? null : oldPeriod({ index: 1, paid: false });
    const payments = status === 'scheduled' ? [] : [unpaidPayment('p1', { kind: 'first', period_index: 1 })];
    expect(opening({ status, period, payments })).toMatchObject({ entries: [], state: { period: null } });
  });

  it('that are incomplete keep a first charge that is there for its period', () => {
    const first = oldPayment('p1', { kind: 'first', period_index: 1 });
    const opened = opening({
      status: 'incomplete',
      period: oldPeriod({ index: 1, paid: false }),
      payments: [first],
    });
    expect(text(opened)).toEqual(['cash/stripe p1 1000', 'unapplied p1 -1000']);
  });
});

describe('rows that contradict each other', () => {
  it.each<[string, Partial<OpeningFacts>, RegExp]>([
    [
      'a refund beyond its charge',
      { payments: [oldPayment('p1', { refunds: [refund(1001)] })] },
      /goes back/,
    ],
    ['a paid period without a payment', { payments: [] }, /period 3 is paid/],
    [
      'an unpaid period without a payment',
      { period: oldPeriod({ paid: false }), payments: [] },
      /is not paid/,
    ],
    ['another currency', { payments: [oldPayment('p1', { currency: 'USD' })] }, /USD/],
    [
      'two charges that are kept',
      {
        payments: [
          oldPayment('p1', {
            charges: [1, 2].map((attempt) => ({ attempt, provider: 'stripe', amount: 1000 })),
          }),
        ],
      },
      /charged twice/,
    ],
  ])('%s: no entries, and a state with the period alone', (_, more, reason) => {
    const opened = opening(more);
    expect(opened).toMatchObject({
      entries: [],
      unapplied: [],
      refunds: { set_aside: [], given_up: [] },
      state: { revision: 0, funds: [] },
    });
    expect(opened.contradiction).toMatch(reason);
    expect(opened.state.period).toEqual({ start: onDay(0), end: onDay(30) });
  });
});

describe('payments of their own', () => {
  it('have earned what is left of them', () => {
    const own = oldPayment('p1', {
      kind: 'manual',
      refunds: [refund(300), refund(200, { status: 'pending' })],
    });
    expect(text(openOwnPayment(own))).toEqual(['cash/stripe p1 700', 'earned p1 -500', 'refunding p1 -200']);
    expect(openOwnPayment(own).refunds.set_aside).toHaveLength(2);
    expect(openOwnPayment(oldPayment('p1', { refunds: [refund(1001)] })).contradiction).not.toBeNull();
  });
});
