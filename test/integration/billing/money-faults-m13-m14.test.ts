/** M13 and M14 of the faults of November 2026, each with the right value and neighbours that differ from it. */
import { changeCredit } from '../../../billing/customer/credits';
import { completed, declined } from '../../support/billing';
import { actor } from '../../support/creation';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';

const { given, begin } = useMoneyLives();

/** The provider, as Stripe: nothing below 0.50 EUR, KWD in steps of ten. */
beforeEach(() => {
  given.provider.limits = { smallest: 50, step: 1 };
});
beforeAll(async () => {
  const monthly = { interval_unit: 'month', interval_count: 1 };
  await given.db.plan.create({
    data: { id: 'dinar', name: 'dinar', amount: 1_005, currency: 'KWD', ...monthly },
  });
});

let grants = 0;
async function grant({ customerId }: MoneyLife, amount: number): Promise<void> {
  grants += 1;
  const request = { id: `crd_${grants}`, customerId, amount, currency: 'EUR', reason: 'gift', actor };
  await changeCredit(given.db, request);
}
const attempts = async (money: MoneyLife) =>
  given.db.paymentAttempt.count({ where: { payment_id: { in: await money.payments() } } });

describe('M13: an amount that the provider cannot charge is carried, and the card is fine', () => {
  it('credit that leaves 0.20 to charge: the period is paid, and the next charge takes 0.20 more', async () => {
    const money = await begin('basic');
    await grant(money, 980);
    const renewed = await money.life.advance(on('07-01'));
    expect(renewed).toMatchObject({ status: 'active', balance: 20, period: { index: 2, paid: true } });
    expect(await attempts(money)).toBe(1);
    expect(await money.life.advance(on('08-01'))).toMatchObject({ status: 'active', balance: 0 });
    expect(money.charged()).toEqual([1_000, 1_020]);
  });

  it('of KWD in steps of ten: 1.000 is charged of 1.005, then 1.010', async () => {
    given.provider.limits = { smallest: 10, step: 10 };
    const money = await begin('dinar');
    expect(await money.life.read()).toMatchObject({ status: 'active', balance: 5 });
    expect(await money.life.advance(on('07-01'))).toMatchObject({ status: 'active', balance: 0 });
    expect(money.charged()).toEqual([1_000, 1_010]);
    await money.life.advance(on('07-16'));
    await money.life.cancel({ refund: 'prorated' });
    // 0.519 are left for 16 of 31 days; what is no multiple of ten stays the customer's.
    expect(await money.refunds()).toEqual([[1, 510, 'subscription_cancelled']]);
    expect(await money.customerCredit()).toBe(9);
  });

  it('of KWD in steps of ten: a full refund leaves what is no multiple as credit, never with us', async () => {
    given.provider.limits = { smallest: 10, step: 10 };
    const money = await begin('dinar');
    await money.life.advance(on('07-01'));
    await money.life.setNow(on('07-16'));
    await money.life.cancel({ refund: 'full' });
    // 1.010 were charged, of which 0.005 are for June.
    expect(await money.refunds()).toEqual([[1, 1000, 'subscription_cancelled']]);
    expect(await money.customerCredit()).toBe(5);
    await money.payOut();
    expect(await money.cash(1)).toBe(10);
  });

  it('of a change: 0.20 due by charge_now is owed, and no card is asked', async () => {
    const money = await begin('basic');
    await grant(money, 8_980);
    await money.life.change({ plan_id: 'top', proration: 'charge_now' });
    expect(await money.life.read()).toMatchObject({ plan_id: 'top', balance: 20, pending_change: null });
    expect(money.charged()).toEqual([1_000]);
    await money.life.advance(on('07-01'));
    expect(money.charged()).toEqual([1_000, 10_020]);
  });

  it('of a creation: credit that leaves 0.20 makes it active, with 0.20 owed', async () => {
    const money = await begin('basic');
    await grant(money, 980);
    const { customer_id, payment_method_id } = await money.life.read();
    const other = await begin('basic', '06-01', { customer_id, payment_method_id });
    expect(await other.life.read()).toMatchObject({ status: 'active', balance: 20, period: { paid: true } });
    expect(other.charged()).toEqual([]);
  });
});

describe('M14: a dispute that is won leaves the payment as it was', () => {
  const disputed = async () => {
    const money = await begin('top');
    await money.life.setNow(on('06-11'));
    await money.dispute(0, 'opened');
    return money;
  };

  it('refundable again', async () => {
    const money = await disputed();
    expect(await money.refund(0, null)).toBe('disputed');
    await money.dispute(0, 'won');
    expect(await money.payment(0)).toMatchObject({ status: 'completed', disputed_amount: 0n });
    expect(await money.refund(0, null)).toMatch(/refund/);
    await money.payOut();
    expect(await money.payment(0)).toMatchObject({ status: 'refunded', refunded_amount: 10_000n });
    expect(await money.cash(0)).toBe(0);
  });

  it('there for a change, which it was not before', async () => {
    const money = await disputed();
    await money.dispute(0, 'won');
    await money.life.change({ plan_id: 'basic' });
    expect(await money.life.read()).toMatchObject({ balance: -6_000 });
  });

  it('partly refunded, when a part had gone back before', async () => {
    const money = await begin('top');
    await money.life.setNow(on('06-11'));
    await money.refund(0, 2_500);
    await money.payOut();
    await money.dispute(0, 'opened');
    await money.dispute(0, 'won');
    expect(await money.payment(0)).toMatchObject({ status: 'partially_refunded' });
    expect(await money.refund(0, 7_501)).toBe('more_than_left');
    expect(await money.refund(0, 7_500)).toMatch(/refund/);
  });

  it('and one that is lost is refundable never again', async () => {
    const money = await disputed();
    await money.dispute(0, 'lost');
    expect(await money.payment(0)).toMatchObject({ status: 'disputed', lost_amount: 10_000n });
    expect(await money.refund(0, null)).toBe('disputed');
    expect(await money.cash(0)).toBe(0);
  });
});

describe('M14: credit that waits is used by charge_now as well', () => {
  const to = async (money: MoneyLife, ...plans: string[]) => {
    for (const plan_id of plans) {
      given.provider.charges = [completed];
      expect(await money.life.change({ plan_id, proration: 'charge_now' })).toMatchObject({
        kind: 'committed',
      });
    }
  };

  it('month, year, month, year at one instant charges one year', async () => {
    const money = await begin('basic');
    await to(money, 'year', 'basic');
    expect(await money.life.read()).toMatchObject({ balance: -11_000 });
    await to(money, 'year');
    expect(await money.life.read()).toMatchObject({ plan_id: 'year', balance: 0 });
    expect(money.charged()).toEqual([1_000, 11_000]);
  });

  it('and only what is missing beside it is charged', async () => {
    const money = await begin('basic');
    await to(money, 'year', 'basic');
    await money.life.change({ plan_id: 'year', quantity: 2, proration: 'charge_now' });
    expect(money.charged()).toEqual([1_000, 11_000, 12_000]);
    expect(await money.life.read()).toMatchObject({ plan_id: 'year', quantity: 2, balance: 0 });
  });

  it('with credit of the customer’s beside the subscription’s', async () => {
    const money = await begin('basic');
    await to(money, 'year', 'basic');
    await grant(money, 2_000);
    await money.life.change({ plan_id: 'year', quantity: 2, proration: 'charge_now' });
    expect(money.charged()).toEqual([1_000, 11_000, 10_000]);
    expect(await money.customerCredit()).toBe(0);
  });

  it('and comes back when the charge beside it is declined', async () => {
    const money = await begin('basic');
    await to(money, 'year', 'basic');
    given.provider.charges = [declined];
    const asked = await money.life.change({ plan_id: 'year', quantity: 2, proration: 'charge_now' });
    expect(asked).toMatchObject({ kind: 'declined' });
    expect(await money.life.read()).toMatchObject({ plan_id: 'basic', quantity: 1, balance: -11_000 });
    expect(await money.accounts()).not.toHaveProperty('credit_held');
  });
});
