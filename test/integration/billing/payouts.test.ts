/** Credit of ended subscriptions is paid out through the payments that funded it. */
import { payOutCredit, type PayoutRequest } from '../../../billing/customer/payouts';
import { changeCredit } from '../../../billing/customer/credits';
import { sumAccounts } from '../../../billing/ledger/balances-store';
import { limitsOfProviders } from '../../../billing/ledger/limits';
import { payRefund } from '../../../billing/payment/pay-refund';
import { recordDispute } from '../../../billing/payment/record-dispute';
import { reserveRefund } from '../../../billing/payment/reserve-refund';
import { resolveOperatorTask } from '../../../billing/operator/tasks';
import { attemptsOf } from '../../../billing/payment/attempt-store';
import { inTransaction } from '../../../prisma/client';
import { completed, refunded, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { expectLedgerHolds } from '../../support/ledger-rows';
import { startLife, type SubscriptionLife } from '../../support/subscription-life';
import { someTrace } from '../../support/trace';

const given = useBilling();
const customers: string[] = [];
let asked = 0;
const start = '2027-03-01T00:00:00Z';

beforeEach(() => {
  given.provider.limits = { smallest: 1, step: 1 };
  given.provider.charges = [completed];
  given.provider.refunds = [refunded];
});
afterEach(async () => {
  for (const id of customers.splice(0)) await expectLedgerHolds(given.db, id);
});

/** A customer whose subscriptions of 3, 4, 5 ... x 10.00 went down to one at once and ended: 20.00, 30.00 ... of credit. */
async function withCredit(
  count = 1,
): Promise<{ customerId: string; payments: string[]; first: SubscriptionLife }> {
  const first = await startLife(given, start, { quantity: 3 });
  const { customer_id: customerId, payment_method_id } = await first.read();
  customers.push(customerId);
  const lives = [first];
  for (let n = 1; n < count; n += 1) {
    await first.setNow(`2027-03-01T0${n}:00:00Z`);
    lives.push(
      await startLife(given, start, { customer_id: customerId, payment_method_id, quantity: 3 + n }),
    );
  }
  const payments: string[] = [];
  for (const life of lives) {
    await first.setNow((await life.periods())[0]?.start ?? start);
    await life.change({ quantity: 1 });
    await life.cancel({ refund: 'none' });
    const { id } = await given.db.payment.findFirstOrThrow({ where: { subscription_id: life.id } });
    payments.push(id);
  }
  return { customerId, payments, first };
}

function payOut(customerId: string, more: Partial<PayoutRequest> = {}) {
  asked += 1;
  const request = { id: `pyo_${asked}`, customerId, currency: 'EUR', reason: 'moves away', actor, ...more };
  return payOutCredit(given.db, limitsOfProviders(given.providers), request);
}

async function accountsOf(customerId: string) {
  const rows = await given.db.ledgerEntry.findMany({ where: { customer_id: customerId } });
  const sum = (name: string) =>
    rows
      .filter(({ account }) => account.startsWith(name))
      .reduce((total, { amount }) => total + Number(amount), 0);
  return { cash: sum('cash/'), refunding: sum('refunding'), credit: sum('credit') };
}
const creditOf = async (customerId: string) =>
  Number((await given.db.customerBalance.findFirstOrThrow({ where: { customer_id: customerId } })).credit);

it('pays all credit out as one refund of each payment, the oldest first, and only the refunds of payments move', async () => {
  const { customerId, payments } = await withCredit(2);
  expect(await creditOf(customerId)).toBe(5_000);
  const { payout, toRefresh } = await payOut(customerId);
  expect(payout).toMatchObject({ customer_id: customerId, currency: 'EUR', amount: 5_000, credit: 0 });
  expect(payout.refunds).toMatchObject([
    { payment_id: payments[0], amount: 2_000, status: 'pending', reason: 'payout' },
    { payment_id: payments[1], amount: 3_000, status: 'pending' },
  ]);
  expect(toRefresh.map(({ payment_id }) => payment_id)).toEqual(payments);
  expect(await accountsOf(customerId)).toEqual({ cash: 7_000, refunding: -5_000, credit: 0 });
  const rows = await given.db.refund.findMany({ where: { payment_id: { in: payments } } });
  for (const { taken, amount } of rows) {
    expect(taken).toMatchObject({
      unapplied: 0,
      credit: 0,
      customer_credit: Number(amount),
      unearned: 0,
      rest: 0,
    });
  }
  for (const { id } of payout.refunds) await payRefund(given, id);
  expect(await accountsOf(customerId)).toEqual({ cash: 2_000, refunding: 0, credit: 0 });
  expect(
    await given.db.payment.findMany({ where: { id: { in: payments } }, orderBy: { amount: 'asc' } }),
  ).toMatchObject([
    { status: 'partially_refunded', refunded_amount: 2_000n },
    { status: 'partially_refunded', refunded_amount: 3_000n },
  ]);
});

it('pays an amount out of the oldest payment first, once for one request', async () => {
  const { customerId, payments } = await withCredit(2);
  const once = await payOut(customerId, { id: 'once', amount: 2_500 });
  expect(once.payout.refunds.map(({ payment_id, amount }) => [payment_id, amount])).toEqual([
    [payments[0], 2_000],
    [payments[1], 500],
  ]);
  const again = await payOut(customerId, { id: 'once', amount: 2_500 });
  expect(again.payout).toMatchObject({ amount: 2_500, credit: 2_500 });
  expect(again.toRefresh).toHaveLength(2);
  expect(await creditOf(customerId)).toBe(2_500);
});

it('never pays grants out, and says how much can be', async () => {
  const { customerId } = await withCredit();
  await changeCredit(given.db, {
    id: `crd_${customerId}`,
    customerId,
    amount: 900,
    currency: 'EUR',
    reason: 'gift',
    actor,
  });
  await expect(payOut(customerId, { amount: 2_001 })).rejects.toMatchObject({
    code: 'credit_not_enough',
    message: expect.stringContaining('2000 in minor units (20.00 EUR)'),
  });
  await expect(payOut(customerId, { currency: 'USD' })).rejects.toMatchObject({ code: 'credit_not_enough' });
  expect((await payOut(customerId)).payout).toMatchObject({ amount: 2_000, credit: 900 });
  await expect(payOut(customerId)).rejects.toMatchObject({ code: 'credit_not_enough' });
  expect(await creditOf(customerId)).toBe(900);
});

it('counts disputed payments out, and what their providers have given back already', async () => {
  const { customerId, payments } = await withCredit(3);
  const [disputed = '', partly = '', whole = ''] = payments;
  await inTransaction(given.db, async (tx) => {
    const [attempt] = await attemptsOf(tx, disputed);
    if (attempt === undefined) throw new Error('no attempt');
    const dispute = { provider: 'sandbox', reference: 'dp_1', amount: 100, event: 'opened' as const };
    await recordDispute(tx, attempt, dispute);
  });
  // 40.00 of the second were paid; 30.00 of them are credit, of which 12.00 go back by themselves.
  await inTransaction(given.db, (tx) =>
    reserveRefund(tx, { refund_id: 'rfd_part', payment_id: partly, amount: 1_200, reason: 'x', actor }),
  );
  const { payout } = await payOut(customerId);
  expect(payout.refunds.map(({ payment_id, amount }) => [payment_id, amount])).toEqual([
    [partly, 1_800],
    [whole, 4_000],
  ]);
  expect(payout.credit).toBe(2_000);
});

it('pays in the steps of the provider: what is below one stays credit', async () => {
  const { customerId } = await withCredit();
  given.provider.limits = { smallest: 50, step: 30 };
  await expect(payOut(customerId, { amount: 100 })).rejects.toMatchObject({
    code: 'validation_failed',
    extras: {
      errors: [{ path: 'amount', message: expect.stringContaining('can be 90 in minor units (0.90 EUR)') }],
      available: { amount: 90, currency: 'EUR' },
    },
  });
  expect((await payOut(customerId)).payout).toMatchObject({ amount: 1_980, credit: 20 });
});

it('pays no credit twice that payouts and a new subscription want at once', async () => {
  const { customerId, payments } = await withCredit(3);
  const { payment_method_id } = await given.db.subscription.findFirstOrThrow({
    where: { customer_id: customerId },
  });
  const made = await Promise.allSettled([
    payOut(customerId, { amount: 5_000 }),
    payOut(customerId, { amount: 5_000 }),
    startLife(given, start, { customer_id: customerId, payment_method_id, quantity: 3 }),
    payOut(customerId, { amount: 1_000 }),
  ]);
  expect(made.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(3);
  const balance = await given.db.customerBalance.findFirstOrThrow({ where: { customer_id: customerId } });
  const sums = await sumAccounts(given.db, { type: 'customer', id: customerId });
  const ofCredit = sums
    .filter(({ account }) => account === 'credit')
    .reduce((sum, { amount }) => sum - amount, 0);
  expect(ofCredit).toBe(Number(balance.credit));
  const refunds = await given.db.refund.findMany({ where: { payment_id: { in: payments } } });
  const used = (balance.funds as { used?: number }[]).reduce((sum, fund) => sum + (fund.used ?? 0), 0);
  const paidOut = refunds.reduce((sum, { amount }) => sum + Number(amount), 0);
  expect(paidOut + used + Number(balance.credit)).toBe(9_000);
});

it('does not pay out what other subscriptions use of a payment', async () => {
  const { customerId, payments } = await withCredit();
  const { payment_method_id } = await given.db.subscription.findFirstOrThrow({
    where: { customer_id: customerId },
  });
  const other = await startLife(given, start, { customer_id: customerId, payment_method_id });
  expect(await other.read()).toMatchObject({ status: 'active', open_payment_id: null });
  const { payout } = await payOut(customerId);
  expect(payout).toMatchObject({
    amount: 1_000,
    credit: 0,
    refunds: [{ payment_id: payments[0], amount: 1_000 }],
  });
});

it('keeps a payout that failed set aside, and gives it back to the credit once a person gives it up', async () => {
  const { customerId } = await withCredit();
  given.provider.refunds = [{ status: 'failed', provider_reference: 're_1', reason: 'closed account' }];
  const { payout } = await payOut(customerId);
  const [refund] = payout.refunds;
  await payRefund(given, refund?.id ?? '');
  expect(await accountsOf(customerId)).toEqual({ cash: 3_000, refunding: -2_000, credit: 0 });
  const task = await given.db.operatorTask.findFirstOrThrow({ where: { subject_id: refund?.id ?? '' } });
  const call = { callerId: 'key_1', trace: someTrace };
  await resolveOperatorTask(given.db, task.id, { reason: 'closed', outcome: 'failed' }, call);
  expect(await accountsOf(customerId)).toEqual({ cash: 3_000, refunding: 0, credit: -2_000 });
  expect(await creditOf(customerId)).toBe(2_000);
  given.provider.refunds = [refunded];
  expect((await payOut(customerId)).payout).toMatchObject({ amount: 2_000, credit: 0 });
});
