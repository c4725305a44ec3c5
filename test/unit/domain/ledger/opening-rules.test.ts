/** Whatever rows of before the ledger say: its opening keeps the rules of every book. */
import fc from 'fast-check';
import { openLedger } from '../../../../domain/ledger/opening';
import { balanceOf, fundOf } from '../../../../domain/ledger/state';
import { isFinal } from '../../../../domain/subscription/subscription';
import {
  oldFacts,
  oldPayment,
  oldPeriod,
  oldRefund as refund,
  onDay,
  unpaidPayment,
} from '../../../support/ledger/old-rows';

const amounts = fc.integer({ min: 0, max: 5000 });
const anyPayment = fc
  .record({
    kind: fc.constantFrom('first', 'renewal', 'proration' as const),
    amount: fc.integer({ min: 1, max: 5000 }),
    index: fc.integer({ min: 1, max: 3 }),
    day: fc.integer({ min: -40, max: 29 }),
    paid: fc.boolean(),
    succeeded: fc.integer({ min: 0, max: 100 }),
    pending: fc.integer({ min: 0, max: 30 }),
  })
  .map(({ kind, amount, index, day, paid, succeeded, pending }) => {
    const part = (percent: number) => Math.floor((amount * percent) / 100);
    const refunds = [
      refund(part(succeeded), { id: 's' }),
      refund(Math.min(amount - part(succeeded), part(pending)), { id: 'p', status: 'pending' }),
    ];
    const at = { kind, amount, period_index: index, created_at: onDay(day) };
    return paid ? oldPayment('', { ...at, refunds }) : unpaidPayment('', at);
  });
const anyFacts = fc
  .record({
    status: fc.constantFrom('active', 'past_due', 'paused', 'incomplete', 'cancelled', 'expired' as const),
    paid: fc.boolean(),
    price: amounts,
    periodPrice: amounts,
    balance: fc.integer({ min: -20_000, max: 5000 }),
    now: fc.double({ min: -1, max: 35, noNaN: true }),
    payments: fc.array(anyPayment, { maxLength: 6 }),
    open: fc.nat({ max: 5 }),
  })
  .map(({ status, paid, price, periodPrice, balance, now, payments, open }) =>
    oldFacts({
      status,
      price,
      balance,
      now: onDay(now),
      period: oldPeriod({ paid, price: periodPrice }),
      payments: payments.map((payment, at) => ({ ...payment, id: `p${at}` })),
      open_payment_id: paid ? null : `p${open}`,
    }),
  );

describe('whatever the rows say', () => {
  const sum = (parts: readonly { amount: number }[]) =>
    parts.reduce((total, { amount }) => total + amount, 0);

  it('the entries of each source sum to zero, and the state is what they come to', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { entries, state } = openLedger(facts);
        const sources = new Set([...entries, ...state.funds].map(({ source }) => source));
        for (const source of sources) {
          const of = (account: string) =>
            sum(entries.filter((entry) => entry.source === source && entry.account === account));
          expect(sum(entries.filter((entry) => entry.source === source))).toBe(0);
          const fund = fundOf(state, source);
          expect([0 - of('unearned'), 0 - of('credit'), of('receivable'), of('written_off')]).toEqual([
            fund.unearned,
            fund.credit,
            fund.receivable,
            fund.written_off,
          ]);
          expect(fund.used).toBeLessThanOrEqual(-of('earned'));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('no payment stands for more than was charged and not given back, or is still owed', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { state, unapplied } = openLedger(facts);
        for (const payment of facts.payments) {
          const fund = fundOf(state, payment.id);
          const left = sum(payment.charges) - sum(payment.refunds);
          const waits = sum(unapplied.filter(({ payment_id: id }) => id === payment.id));
          const backed = left - waits + fund.receivable + fund.written_off;
          expect(fund.unearned + fund.credit).toBeLessThanOrEqual(backed);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('the balance stays what it was while the subscription lives', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { state, contradiction } = openLedger(facts);
        fc.pre(contradiction === null && !isFinal(facts.status));
        expect(balanceOf(state)).toBe(facts.balance);
      }),
      { numRuns: 2000 },
    );
  });
});
