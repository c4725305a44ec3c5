/** A customer's credit pays first periods and renewals, each unit of it once, whoever asks at the same time. */
import { changeCredit } from '../../../billing/customer/credits';
import { limitsOfProviders } from '../../../billing/ledger/limits';
import { attemptPayment } from '../../../billing/payment/attempt';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { applyPayment } from '../../../billing/subscription/apply-payment';
import { beginCreation } from '../../../billing/subscription/begin';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { openDue } from '../../../billing/subscription/open-due';
import { inTransaction } from '../../../prisma/client';
import { completed, declined, pending, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { accountsOf, creditOfCustomer, expectLedgerHolds } from '../../support/ledger-rows';
import { startLife } from '../../support/subscription-life';

const given = useBilling();
const customers: string[] = [];
const start = '2027-03-01T00:00:00Z';

beforeEach(() => {
  given.provider.limits = { smallest: 1, step: 1 };
  given.provider.charges = [completed];
  given.provider.asked.splice(0);
});
afterEach(async () => {
  for (const id of customers.splice(0)) await expectLedgerHolds(given.db, id);
});

/** A customer of a test clock, with a card and credit that was granted. */
async function customerWith(credit: number) {
  const life = await startLife(given, start, { plan_id: 'free' });
  const { customer_id: customerId, payment_method_id } = await life.read();
  customers.push(customerId);
  if (credit > 0) await grant(customerId, credit);
  given.provider.asked.splice(0);
  return { clock: life, named: { customer_id: customerId, payment_method_id }, customerId };
}
let grants = 0;
async function grant(customerId: string, amount: number): Promise<void> {
  grants += 1;
  const request = { id: `crd_${grants}`, customerId, amount, currency: 'EUR', reason: 'gift', actor };
  await changeCredit(given.db, request);
}
const charges = () => given.provider.asked.map(({ amount }) => amount);
const subscriptionAccounts = (id: string) => accountsOf(given.db, 'subscription', id);

describe('credit at a creation', () => {
  it('that pays all of the first period makes the subscription active at once, without a payment', async () => {
    const { named, customerId } = await customerWith(1_500);
    const life = await startLife(given, start, named);
    expect(await life.read()).toMatchObject({
      status: 'active',
      version: 1,
      balance: 0,
      period: { paid: true },
    });
    expect(await given.db.payment.count({ where: { subscription_id: life.id } })).toBe(0);
    expect(await subscriptionAccounts(life.id)).toEqual({ unearned: -1_000 });
    expect(await creditOfCustomer(given.db, customerId)).toBe(500);
    expect(charges()).toEqual([]);
    expect(await life.events('subscriptions.created')).toMatchObject([{ first_payment: null }]);
  });

  it('that pays a part is set aside while the charge of the rest is open, and used once that is paid', async () => {
    const { named, customerId } = await customerWith(400);
    given.provider.charges = [pending];
    const life = await startLife(given, start, named);
    const [payment] = await given.db.payment.findMany({ where: { subscription_id: life.id } });
    expect(payment).toMatchObject({ amount: 600n, status: 'pending' });
    expect(payment?.lines).toMatchObject([{ amount: 1_000 }, { description: 'Credit used', amount: -400 }]);
    expect(await subscriptionAccounts(life.id)).toEqual({ credit_held: -400 });
    expect(await creditOfCustomer(given.db, customerId)).toBe(0);
    await expectLedgerHolds(given.db, customerId);
    const paymentId = payment?.id ?? '';
    await inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, completed, 'webhook'));
    await applyFirstPayment(given.db, life.id);
    expect(await life.read()).toMatchObject({ status: 'active', balance: 0, period: { paid: true } });
    expect(await subscriptionAccounts(life.id)).toEqual({ 'cash/sandbox': 600, unearned: -1_000 });
  });

  it('comes back to the customer when the charge of the rest is declined', async () => {
    const { named, customerId } = await customerWith(400);
    given.provider.charges = [declined];
    const life = await startLife(given, start, named);
    expect(await life.read()).toMatchObject({ status: 'expired', balance: 0 });
    expect(charges()).toEqual([600]);
    expect(await subscriptionAccounts(life.id)).toEqual({});
    expect(await creditOfCustomer(given.db, customerId)).toBe(400);
    given.provider.charges = [completed];
    const again = await startLife(given, start, named);
    expect(await again.read()).toMatchObject({ status: 'active' });
    expect(charges()).toEqual([600, 600]);
  });

  it('comes back to the customer when the subscription is cancelled while that charge is open', async () => {
    const { named, customerId } = await customerWith(400);
    given.provider.charges = [pending];
    const life = await startLife(given, start, named);
    await life.cancel({ refund: 'full' });
    expect(await life.read()).toMatchObject({ status: 'cancelled', balance: 0 });
    expect(await creditOfCustomer(given.db, customerId)).toBe(400);
    const [payment] = await given.db.payment.findMany({ where: { subscription_id: life.id } });
    await inTransaction(given.db, (tx) => settleAttempt(tx, payment?.id ?? '', 1, completed, 'webhook'));
    expect(await subscriptionAccounts(life.id)).toEqual({ 'cash/sandbox': 600, refunding: -600 });
    expect(await creditOfCustomer(given.db, customerId)).toBe(400);
  });

  it('of another currency is left alone', async () => {
    const { named, customerId } = await customerWith(0);
    await changeCredit(given.db, {
      id: `crd_${customerId}`,
      customerId,
      amount: 5_000,
      currency: 'USD',
      reason: 'gift',
      actor,
    });
    await startLife(given, start, named);
    expect(charges()).toEqual([1_000]);
    expect(await creditOfCustomer(given.db, customerId)).toBe(5_000);
  });

  it('is never used twice by 20 creations at once', async () => {
    const { named, customerId } = await customerWith(7_300);
    const lives = await Promise.all(Array.from({ length: 20 }, () => startLife(given, start, named)));
    for (const life of lives) expect(await life.read()).toMatchObject({ status: 'active' });
    expect(await creditOfCustomer(given.db, customerId)).toBe(0);
    const sum = charges().reduce((total, amount) => total + amount, 0);
    expect(sum).toBe(20 * 1_000 - 7_300);
    expect(charges().filter((amount) => amount < 1_000)).toEqual([700]);
  });

  it('is never used twice by creations of which some are declined', async () => {
    const { named, customerId } = await customerWith(2_500);
    given.provider.charges = [declined, completed, declined, completed];
    const lives = await Promise.all(Array.from({ length: 10 }, () => startLife(given, start, named)));
    const statuses = await Promise.all(lives.map(async (life) => (await life.read()).status));
    const active = statuses.filter((status) => status === 'active').length;
    expect(active).toBeGreaterThanOrEqual(8);
    const received = await given.db.payment.aggregate({
      where: { customer_id: customerId, status: 'completed' },
      _sum: { amount: true },
    });
    const left = await creditOfCustomer(given.db, customerId);
    expect(Number(received._sum.amount ?? 0) + 2_500 - left).toBe(active * 1_000);
  });
});

describe('credit at renewals', () => {
  const open = (id: string) =>
    inTransaction(given.db, (tx) => openDue(tx, id, limitsOfProviders(given.providers)));

  it('that two want at once is used once: of 15.00, 10.00 and 5.00, and 5.00 are charged', async () => {
    const { clock, named, customerId } = await customerWith(0);
    const lives = [await startLife(given, start, named), await startLife(given, start, named)];
    await grant(customerId, 1_500);
    await clock.setNow('2027-04-01T00:00:00Z');
    given.provider.asked.splice(0);
    const opened = await Promise.all(lives.map(({ id }) => open(id)));
    const open_payments = opened.map(({ record }) => record.subscription.open_payment_id);
    expect(open_payments.filter((id) => id === null)).toHaveLength(1);
    const where = { customer_id: customerId, kind: 'renewal' };
    const [payment] = await given.db.payment.findMany({ where });
    expect(payment).toMatchObject({ amount: 500n });
    expect(await creditOfCustomer(given.db, customerId)).toBe(0);
    const paymentId = payment?.id ?? '';
    await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'renewal' });
    await applyPayment(given, payment?.subscription_id ?? '', paymentId);
    expect(charges()).toEqual([500]);
    for (const life of lives)
      expect(await life.read()).toMatchObject({ status: 'active', period: { paid: true } });
  });

  it('stays used while the rest is declined and tried again', async () => {
    const { clock, named, customerId } = await customerWith(0);
    const life = await startLife(given, start, named);
    await grant(customerId, 400);
    await clock.setNow('2027-04-01T00:00:00Z');
    given.provider.charges = [declined, completed];
    const { record } = await open(life.id);
    const paymentId = record.subscription.open_payment_id ?? '';
    await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'renewal' });
    expect(await creditOfCustomer(given.db, customerId)).toBe(0);
    await expectLedgerHolds(given.db, customerId);
    await attemptPayment(given, { payment_id: paymentId, number: 2, trigger: 'renewal' });
    await applyPayment(given, life.id, paymentId);
    expect(charges()).toEqual([1_000, 600, 600]);
    expect(await life.read()).toMatchObject({ status: 'active', balance: 0, period: { paid: true } });
  });
});

it('a creation that was interrupted before its charge continues with the credit that it had set aside', async () => {
  const { named, customerId } = await customerWith(400);
  const creation = given.creation(named);
  const first = await beginCreation(given, creation);
  const again = await beginCreation(given, creation);
  expect([first.kind, again.kind]).toEqual(['charge', 'charge']);
  expect(await creditOfCustomer(given.db, customerId)).toBe(0);
  expect(await subscriptionAccounts(creation.subscription_id)).toEqual({ credit_held: -400 });
});
