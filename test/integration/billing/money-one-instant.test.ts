/** Two attempts of one payment succeed at one instant of a test clock: the one that came first has paid it. */
import { attemptOf } from '../../../billing/payment/attempt-store';
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { recordProviderRefund } from '../../../billing/payment/provider-refund';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { inTransaction } from '../../../prisma/client';
import { declined } from '../../support/billing';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';

const { given, begin } = useMoneyLives();

/** The renewal of 1 July failed; another attempt has begun. Both turn out to have succeeded, in this order. */
const bothSucceeded = async (order: readonly number[]) => {
  const money = await begin('basic');
  given.provider.charges = [declined];
  await money.life.advance(on('07-01'));
  await money.startDunning(1);
  const payment_id = await money.paymentId(1);
  await beginAttempt(given.db, { payment_id, number: 2, trigger: 'automatic_retry' }, false);
  for (const number of order) {
    const outcome = { status: 'completed', provider_reference: `ch_${number}` } as const;
    await inTransaction(given.db, (tx) => settleAttempt(tx, payment_id, number, outcome, 'webhook'));
  }
  await money.apply(1);
  return money;
};
const attemptsOfRefunds = async (money: MoneyLife) => {
  const rows = await given.db.refund.findMany({
    where: { payment_id: await money.paymentId(1) },
    orderBy: [{ created_at: 'asc' }, { id: 'asc' }],
  });
  return rows.map(({ attempt, amount, reason }) => [attempt, Number(amount), reason]);
};

describe.each([
  ['the first attempt, then the second', [1, 2]],
  ['the second attempt, then the first', [2, 1]],
])('%s', (_, order) => {
  const [paying = 0, other = 0] = order;

  it('pays once, and the later one goes back', async () => {
    const money = await bothSucceeded(order);
    expect(await attemptsOfRefunds(money)).toEqual([[other, 1000, 'second_success']]);
    await money.payOut();
    expect(await money.payment(1)).toMatchObject({ status: 'completed', refunded_amount: 0n });
    expect(await money.cash(1)).toBe(1000);
    expect(await money.life.read()).toMatchObject({ status: 'active', balance: 0, period: { paid: true } });
  });

  it('can be given back, of the charge that paid', async () => {
    const money = await bothSucceeded(order);
    expect(await money.refund(1, null)).toMatch(/refund/);
    expect(await attemptsOfRefunds(money)).toContainEqual([paying, 1000, 'goodwill']);
    await money.payOut();
    expect(await money.payment(1)).toMatchObject({ status: 'refunded', refunded_amount: 1000n });
    expect(await money.cash(1)).toBe(0);
  });

  it('is given back by a cancellation, of the charge that paid', async () => {
    const money = await bothSucceeded(order);
    await money.life.cancel({ refund: 'full' });
    expect(await attemptsOfRefunds(money)).toContainEqual([paying, 1000, 'subscription_cancelled']);
  });

  it('is disputed, of the charge that paid alone', async () => {
    const money = await bothSucceeded(order);
    await money.payOut();
    await money.dispute(1, 'opened', { attempt: other, reference: 'dp_other' });
    expect(await money.payment(1)).toMatchObject({ disputed_amount: 0n });
    await money.dispute(1, 'opened', { attempt: paying });
    expect(await money.payment(1)).toMatchObject({ disputed_amount: 1000n });
    expect(await money.cash(1)).toBe(0);
  });

  it('is refunded at the provider, of the charge that paid', async () => {
    const money = await bothSucceeded(order);
    await money.payOut();
    const made = { provider: 'sandbox', reference: 're_there', amount: 400, status: 'succeeded' } as const;
    const payment_id = await money.paymentId(1);
    await inTransaction(given.db, async (tx) =>
      recordProviderRefund(tx, await attemptOf(tx, payment_id, paying), made),
    );
    expect(await money.payment(1)).toMatchObject({ status: 'partially_refunded', refunded_amount: 400n });
    expect(await money.cash(1)).toBe(600);
  });
});
