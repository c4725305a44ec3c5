/**
 * The provider has charged another amount than was asked, and a person says what became of it: cash is what the
 * provider holds, a payment is paid as a whole or not at all, and what is not wanted goes back.
 */
import { changeCredit } from '../../../billing/customer/credits';
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { amountMismatch, type AttemptOutcome } from '../../../domain/payment/payment';
import { inTransaction } from '../../../prisma/client';
import { accountsOf, expectLedgerHolds } from '../../support/ledger-rows';
import { completed, declined } from '../../support/billing';
import { actor } from '../../support/creation';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';

const { given, begin } = useMoneyLives();
const named = (amount: number, currency = 'EUR'): AttemptOutcome =>
  amountMismatch({ amount, currency, provider_reference: 'ch_9' });

/** The renewal of 1 July asks for 10.00. */
const renewed = async (outcome: AttemptOutcome) => {
  const money = await begin('basic');
  given.provider.charges = [outcome];
  await money.life.advance(on('07-01'));
  expect(await money.tasks()).toEqual(['amount_mismatch']);
  return money;
};
/** A person's word, which the subscription is told of. */
const resolve = async (
  money: MoneyLife,
  outcome: 'succeeded' | 'failed',
  found?: { amount?: number; provider_reference?: string },
) => {
  await money.resolve('amount_mismatch', outcome, found);
  await money.apply(1);
};
const isPaid = async (money: MoneyLife) => (await money.life.read()).period?.paid;

describe('a renewal of which more was charged', () => {
  it('is paid, and what is more goes back to the same charge', async () => {
    const money = await renewed(named(1300));
    await resolve(money, 'succeeded');
    expect(await isPaid(money)).toBe(true);
    expect(await money.cash(1)).toBe(1300);
    expect(await money.refunds()).toEqual([[1, 300, 'amount_mismatch']]);
    await money.payOut();
    expect(given.provider.askedRefunds.at(-1)).toMatchObject({ providerReference: 'ch_9', amount: 300 });
    expect(await money.cash(1)).toBe(1000);
    expect(await money.payment(1)).toMatchObject({ status: 'completed', refunded_amount: 0n });
    expect(await money.refund(1, null)).toMatch(/refund/);
    await money.payOut();
    expect(await money.payment(1)).toMatchObject({ status: 'refunded' });
    expect(await money.cash(1)).toBe(0);
  });

  it('by the amount that the person has found, where the provider has named another', async () => {
    const money = await renewed(named(1300));
    await resolve(money, 'succeeded', { amount: 1250 });
    expect(await money.refunds()).toEqual([[1, 250, 'amount_mismatch']]);
  });

  it('needs the amount and the charge’s name where the provider has named neither', async () => {
    const money = await renewed(amountMismatch());
    await expect(resolve(money, 'succeeded')).rejects.toThrow('validation_failed: amount ');
    await expect(resolve(money, 'succeeded', { amount: 1300 })).rejects.toThrow(
      'validation_failed: provider_reference ',
    );
    expect(await money.tasks()).toEqual(['amount_mismatch']);
    await resolve(money, 'succeeded', { amount: 1300, provider_reference: 'ch_8' });
    expect(await money.cash(1)).toBe(1300);
    expect(await money.attempt(1)).toMatchObject({ status: 'completed', provider_reference: 'ch_8' });
  });

  it('told again, and by a webhook as well, changes nothing', async () => {
    const money = await renewed(named(1300));
    await resolve(money, 'succeeded');
    for (let times = 0; times < 2; times += 1) await money.receive(1, named(1300));
    expect([await money.tasks(), await money.cash(1)]).toEqual([[], 1300]);
    expect(await money.refunds()).toHaveLength(1);
  });

  it('goes back as a whole once its subscription has ended', async () => {
    const money = await renewed(named(1300));
    await money.life.cancel({ refund: 'none' });
    await money.resolve('amount_mismatch', 'succeeded');
    const back = (await money.refunds()).map(([, amount, reason]) => `${reason} ${amount}`);
    expect(back.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'amount_mismatch 300',
      'subscription_final 1000',
    ]);
    await money.payOut();
    expect(await money.cash(1)).toBe(0);
  });

  it('is a late success of an attempt that had failed', async () => {
    const money = await begin('basic');
    given.provider.charges = [declined];
    await money.life.advance(on('07-01'));
    await money.startDunning(1);
    await money.receive(1, named(1300));
    await resolve(money, 'succeeded');
    expect(await money.life.read()).toMatchObject({ status: 'active', period: { paid: true } });
    expect(await money.refunds()).toEqual([[1, 300, 'amount_mismatch']]);
  });

  it('has what is more given up as credit, when the provider does not take it back', async () => {
    const money = await renewed(named(1300));
    await resolve(money, 'succeeded');
    given.provider.refunds = [{ status: 'failed', provider_reference: null, reason: 'closed' }];
    await money.payOut();
    await money.resolve('refund_failed', 'failed');
    expect((await money.life.read()).balance).toBe(-300);
    expect(await money.cash(1)).toBe(1300);
  });
});

describe('a renewal of which less, or another currency, was charged', () => {
  it.each([
    ['less', named(700), 'amount'],
    ['another currency', named(1000, 'USD'), 'outcome'],
  ])('%s does not pay: nothing is written, and the task stays', async (_, outcome, path) => {
    const money = await renewed(outcome);
    await expect(resolve(money, 'succeeded')).rejects.toThrow(`validation_failed: ${path} `);
    expect(await money.tasks()).toEqual(['amount_mismatch']);
    expect([await money.cash(1), await isPaid(money)]).toEqual([0, false]);
  });

  it('is failed, what was charged goes back, and the next attempt asks for all of it', async () => {
    const money = await renewed(named(700));
    await resolve(money, 'failed', { amount: 700 });
    expect(await money.payment(1)).toMatchObject({ status: 'failed' });
    expect(await money.cash(1)).toBe(700);
    expect(await money.refunds()).toEqual([[1, 700, 'amount_mismatch']]);
    await money.payOut();
    expect(await money.cash(1)).toBe(0);
    await money.startDunning(1);
    const payment_id = await money.paymentId(1);
    await beginAttempt(given.db, { payment_id, number: 2, trigger: 'automatic_retry' }, false);
    await inTransaction(given.db, (tx) => settleAttempt(tx, payment_id, 2, completed, 'webhook'));
    await money.apply(1);
    expect([await money.cash(1), await isPaid(money)]).toEqual([1000, true]);
  });

  it('is failed without a refund where nothing was charged after all', async () => {
    const money = await renewed(named(700));
    await resolve(money, 'failed');
    expect([await money.refunds(), await money.cash(1)]).toEqual([[], 0]);
  });

  it('is not failed, with money to go back, once it was completed', async () => {
    const money = await renewed(named(700));
    await money.receive(1);
    await expect(resolve(money, 'failed', { amount: 700 })).rejects.toThrow('validation_failed: amount ');
  });
});

it('a change of which more was charged applies, and what is more goes back', async () => {
  const money = await begin('basic');
  await money.life.setNow(on('06-11'));
  given.provider.charges = [named(6100)];
  await money.life.change({ plan_id: 'top', proration: 'charge_now' });
  await money.resolve('amount_mismatch', 'succeeded');
  await money.apply(1);
  expect(await money.life.read()).toMatchObject({ plan_id: 'top', balance: 0 });
  expect(await money.refunds()).toEqual([[1, 100, 'amount_mismatch']]);
});

it('a first payment of which more was charged opens its period, and what is more goes back', async () => {
  const { paymentId, subscriptionId } = await given.begun();
  await beginAttempt(given.db, { payment_id: paymentId, number: 1, trigger: 'first' }, false);
  const settle = (outcome: AttemptOutcome) =>
    inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, outcome, 'lookup'));
  await settle(named(1200));
  await settle({ status: 'completed', provider_reference: 'ch_9', beside: 200 });
  expect(await given.db.refund.findMany({ where: { payment_id: paymentId } })).toMatchObject([
    { amount: 200n, charge_reference: 'ch_9' },
  ]);
  await expectLedgerHolds(given.db, subscriptionId);
});

it('a payment of its own of which more was charged has earned what was asked', async () => {
  const id = 'cus_own_mismatch';
  await given.db.customer.create({ data: { id, time_zone: 'UTC' } });
  // A customer's ledger has to hold with other entries in it, too.
  const request = {
    id: 'crd_own_mismatch',
    customerId: id,
    amount: 100,
    currency: 'EUR',
    reason: 'gift',
    actor,
  };
  await changeCredit(given.db, request);
  const at = new Date();
  const payment = {
    id: 'pay_own_mismatch',
    kind: 'manual',
    status: 'unknown',
    customer_id: id,
    currency: 'EUR',
  };
  const attempt = { number: 1, idempotency_key: 'pay_own_mismatch/1', trigger: 'manual', on_session: false };
  await given.db.payment.create({
    data: {
      ...payment,
      amount: 5000,
      announced: true,
      created_at: at,
      updated_at: at,
      attempts: {
        create: {
          ...attempt,
          provider: 'sandbox',
          amount: 5000,
          currency: 'EUR',
          status: 'unknown',
          started_at: at,
        },
      },
    },
  });
  const outcome = { status: 'completed', provider_reference: 'ch_9', beside: 50 } as const;
  await inTransaction(given.db, (tx) => settleAttempt(tx, payment.id, 1, outcome, 'lookup'));
  expect(await accountsOf(given.db, 'customer', id)).toMatchObject({
    'cash/sandbox': 5050,
    earned: -5000,
    refunding: -50,
  });
  await expectLedgerHolds(given.db, id);
});
