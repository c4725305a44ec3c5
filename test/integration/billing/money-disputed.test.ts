/** Disputes of money that is on its way elsewhere: nothing goes back twice, and nothing is kept that nobody wants. */
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { limitsOfProviders } from '../../../billing/ledger/limits';
import { payOutCredit } from '../../../billing/customer/payouts';
import { completed, pending } from '../../support/billing';
import { actor } from '../../support/creation';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';

const { given, begin } = useMoneyLives();

const since = async (plan: string, day: string) => {
  const money = await begin(plan);
  await money.life.setNow(on(day));
  return money;
};

describe('a change’s charge that comes late and is disputed before the change is applied', () => {
  /** Basic since 1 June; a change to top on the 11th waits for 60.00, which have come and are not applied yet. */
  const charged = async () => {
    const money = await since('basic', '06-11');
    given.provider.charges = [pending];
    await money.life.change({ plan_id: 'top', proration: 'charge_now' });
    await money.receive(1);
    return money;
  };
  const overtaken = async () => {
    const money = await charged();
    await money.dispute(1, 'opened');
    await money.apply(1);
    return money;
  };

  it('is not given back while the bank decides, and nobody is prompted about it', async () => {
    const money = await overtaken();
    expect(await money.life.read()).toMatchObject({ plan_id: 'basic', pending_change: null });
    expect(await money.refunds()).toEqual([]);
    expect(await money.payment(1)).toMatchObject({ unapplied_amount: 6000n, disputed_amount: 6000n });
    expect(await money.cash(1)).toBe(0);
    const id = await money.paymentId(1);
    await given.db.payment.update({ where: { id }, data: { updated_at: new Date(0) } });
    const stuck = await findStuckWork(given.db, { toleranceMs: 0, testClockId: null, limit: 1_000 });
    expect(stuck.filter(({ subject }) => subject.id === id)).toEqual([]);
  });

  it.each<[string, (money: MoneyLife) => Promise<void>, number, number]>([
    ['won, goes back', (money) => money.dispute(1, 'won'), 6000, 0],
    ['lost, is gone', (money) => money.dispute(1, 'lost'), 0, 0],
    [
      'lost and won after all, goes back',
      async (money) => {
        await money.dispute(1, 'lost');
        await money.dispute(1, 'won');
      },
      6000,
      0,
    ],
    [
      'won after the subscription has ended, goes back',
      async (money) => {
        await money.life.cancel({ refund: 'none' });
        await money.dispute(1, 'won');
      },
      6000,
      0,
    ],
    [
      'lost and won after all once the subscription has ended, goes back',
      async (money) => {
        await money.dispute(1, 'lost');
        await money.life.cancel({ refund: 'none' });
        await money.dispute(1, 'won');
      },
      6000,
      0,
    ],
  ])('%s, once', async (_, decide, refunded, cash) => {
    const money = await overtaken();
    await decide(money);
    for (let times = 0; times < 2; times += 1) await money.apply(1);
    expect((await money.refunds()).filter(([nth]) => nth === 1).map(([, amount]) => amount)).toEqual(
      refunded === 0 ? [] : [refunded],
    );
    expect(await money.payment(1)).toMatchObject({ unapplied_amount: 0n });
    await money.payOut();
    expect(await money.cash(1)).toBe(cash);
    expect(await money.customerCredit()).toBe(0);
    expect((await money.life.read()).balance).toBe(0);
  });

  it('in part, goes back for the rest once the part is lost', async () => {
    const money = await charged();
    await money.dispute(1, 'opened', { amount: 2000 });
    await money.apply(1);
    expect(await money.refunds()).toEqual([]);
    await money.dispute(1, 'lost', { amount: 2000 });
    expect(await money.refunds()).toEqual([[1, 4000, 'change_overtaken']]);
  });

  it('twice, waits for the second bank as well', async () => {
    const money = await charged();
    for (const reference of ['dp_1', 'dp_2']) await money.dispute(1, 'opened', { amount: 2000, reference });
    await money.apply(1);
    await money.dispute(1, 'won', { amount: 2000 });
    expect(await money.refunds()).toEqual([]);
    await money.dispute(1, 'won', { amount: 2000, reference: 'dp_2' });
    expect(await money.refunds()).toEqual([[1, 6000, 'change_overtaken']]);
  });

  it('and won before anybody applied it, goes back once', async () => {
    const money = await charged();
    await money.dispute(1, 'opened');
    await money.dispute(1, 'won');
    expect(await money.refunds()).toEqual([[1, 6000, 'change_overtaken']]);
    await money.apply(1);
    expect(await money.life.read()).toMatchObject({ plan_id: 'basic', pending_change: null });
    expect(await money.refunds()).toHaveLength(1);
  });
});

describe('a renewal that is disputed before it is applied', () => {
  const disputedRenewal = async () => {
    const money = await begin('basic');
    given.provider.charges = [pending];
    await money.life.advance(on('07-01'));
    await money.receive(1);
    await money.dispute(1, 'opened');
    return money;
  };

  it('pays its period all the same: the bank is about the money, not about the service', async () => {
    const money = await disputedRenewal();
    await money.apply(1);
    expect(await money.life.read()).toMatchObject({ period: { index: 2, paid: true } });
    await money.dispute(1, 'won');
    expect(await money.refunds()).toEqual([]);
    expect(await money.payment(1)).toMatchObject({ unapplied_amount: 0n });
  });

  it('and won before, is not given back', async () => {
    const money = await disputedRenewal();
    await money.dispute(1, 'won');
    expect(await money.refunds()).toEqual([]);
    await money.apply(1);
    expect(await money.life.read()).toMatchObject({ period: { index: 2, paid: true } });
  });
});

describe('a loss that is taken back by the bank', () => {
  const failed = { status: 'failed', provider_reference: null, reason: 'refused' } as const;
  const paid = { status: 'succeeded', provider_reference: 're_1' } as const;

  /** Top since 1 June; on the 11th 40.00 fail to go back, then all of it is lost. */
  const lostWithFailedRefund = async () => {
    const money = await since('top', '06-11');
    const refundId = await money.refund(0, 4000);
    await money.receiveRefund(refundId, failed);
    await money.dispute(0, 'opened');
    await money.dispute(0, 'lost');
    return { money, refundId };
  };
  const whole = { 'cash/sandbox': 10_000, earned: -3333, unearned: -6667 };

  it('comes back to what stands now, when a failed refund was given up meanwhile', async () => {
    const { money } = await lostWithFailedRefund();
    await money.resolve('refund_failed', 'failed');
    expect(await money.accounts()).toEqual({ earned: -3333, written_off: 3333 });
    await money.dispute(0, 'won');
    expect(await money.accounts()).toEqual(whole);
    await money.life.cancel({ refund: 'prorated' });
    expect(await money.refunds()).toContainEqual([0, 6667, 'subscription_cancelled']);
  });

  it('and the refund is given up afterwards: the same', async () => {
    const { money } = await lostWithFailedRefund();
    await money.dispute(0, 'won');
    await money.resolve('refund_failed', 'failed');
    expect(await money.accounts()).toEqual(whole);
  });

  it('does not give that back which the refund has paid after all', async () => {
    const { money, refundId } = await lostWithFailedRefund();
    await money.resolve('refund_failed', 'failed');
    await money.receiveRefund(refundId, paid);
    await money.dispute(0, 'won');
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 6000, earned: -3333, unearned: -2667 });
  });

  it('does not give that back which went at the provider meanwhile, until that comes back as well', async () => {
    const money = await since('top', '06-11');
    await money.dispute(0, 'lost');
    await money.refundAtProvider(0, 4000, 're_there');
    expect(await money.accounts()).toMatchObject({ 'cash/sandbox': -4000, allowances: 4000 });
    await money.dispute(0, 'won');
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 6000, earned: -3333, unearned: -2667 });
    const { id } = await given.db.refund.findFirstOrThrow({
      where: { reason: 'made_at_provider', payment_id: await money.paymentId(0) },
    });
    await money.receiveRefund(id, { ...failed, provider_reference: 're_there' });
    await money.resolve('refund_failed', 'failed');
    expect(await money.accounts()).toEqual(whole);
  });

  it('is in two parts: each comes back with what it took', async () => {
    const money = await since('top', '06-11');
    const parts = [
      { amount: 6000, reference: 'dp_1' },
      { amount: 6000, reference: 'dp_2' },
    ];
    for (const part of parts) await money.dispute(0, 'lost', part);
    for (const part of parts) await money.dispute(0, 'won', part);
    expect(await money.accounts()).toEqual(whole);
  });
});

describe('a payment that is disputed since before the ledger', () => {
  /** Top since 1 June; basic since the 11th leaves 60.00 of credit. An older version took note of a dispute. */
  const old = async (status = 'disputed') => {
    const money = await since('top', '06-11');
    await money.life.change({ plan_id: 'basic' });
    const id = await money.paymentId(0);
    await given.db.payment.update({ where: { id }, data: { status } });
    return money;
  };
  const payOut = (money: MoneyLife) => {
    const request = { id: `pyo_${money.customerId}`, customerId: money.customerId, currency: 'EUR', actor };
    return payOutCredit(given.db, limitsOfProviders(given.providers), { ...request, reason: 'asked for' });
  };

  it('gives nothing back: no refund, no cancellation, no payout, no next period', async () => {
    const money = await old();
    expect(await money.refund(0, null)).toBe('disputed');
    given.provider.charges = [completed];
    await money.life.advance(on('07-01'));
    expect(money.charged()).toEqual([10_000, 1000]);
    await money.life.setNow(on('07-16'));
    await money.life.cancel({ refund: 'full' });
    expect((await money.refunds()).map(([nth]) => nth)).toEqual([1]);
    expect(await money.customerCredit()).toBe(6000);
    await expect(payOut(money)).rejects.toMatchObject({ code: 'credit_not_enough' });
  });

  it('won, is whole again by the provider’s amount, and can be paid out', async () => {
    const money = await old();
    await money.life.cancel({ refund: 'prorated' });
    expect(await money.customerCredit()).toBe(6667);
    await money.dispute(0, 'won');
    expect(await money.payment(0)).toMatchObject({ status: 'completed', disputed_amount: 0n });
    expect(await money.cash(0)).toBe(10_000);
    expect((await payOut(money)).payout.amount).toBe(6667);
    await money.payOut();
    expect(await money.cash(0)).toBe(3333);
  });

  it.each([
    [10_000, 0, 'disputed', { earned: -3333, written_off: 3333 }],
    [2000, 4667, 'completed', { 'cash/sandbox': 8000, earned: -3333 }],
  ] as const)(
    'lost for %i, loses that, out of its credit first',
    async (amount, credit, status, accounts) => {
      const money = await old();
      await money.life.cancel({ refund: 'prorated' });
      await money.dispute(0, 'lost', { amount });
      for (let times = 0; times < 2; times += 1) await money.dispute(0, 'lost', { amount });
      expect(await money.payment(0)).toMatchObject({ status, lost_amount: BigInt(amount) });
      expect(await money.customerCredit()).toBe(credit);
      expect(await money.accounts()).toMatchObject(accounts);
    },
  );

  it.each([
    [0, { 'cash/sandbox': 8000 }],
    [9000, { 'cash/sandbox': -1000 }],
  ])(
    'is taken for the one that is reported first; %i refunded meanwhile, the older one is entered as another',
    async (amount, cash) => {
      const money = await old();
      await money.dispute(0, 'opened', { amount: 3000, reference: 'dp_2' });
      expect(await money.refund(0, null)).toBe('disputed');
      await money.dispute(0, 'won', { amount: 3000, reference: 'dp_2' });
      expect(await money.payment(0)).toMatchObject({ status: 'completed' });
      if (amount > 0) await money.refund(0, amount);
      await money.payOut();
      for (let times = 0; times < 2; times += 1) await money.dispute(0, 'lost', { amount: 2000 });
      expect(await money.payment(0)).toMatchObject({ lost_amount: 2000n, disputed_amount: 0n });
      expect(await money.accounts()).toMatchObject(cash);
    },
  );
});
