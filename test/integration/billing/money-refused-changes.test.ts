/** Changes that cannot be priced, or that nothing would charge: refused by the change and by its preview alike. */
import { previewChange } from '../../../billing/subscription/preview-change';
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import type { ChangeSubscription } from '../../../contracts/http/subscriptions';
import { completed, declined, pending } from '../../support/billing';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';

const { given, begin } = useMoneyLives();

const since = async (plan: string, day: string) => {
  const money = await begin(plan);
  await money.life.setNow(on(day));
  return money;
};
const preview = ({ life }: MoneyLife, request: ChangeSubscription) =>
  previewChange(given.db, given.providers, life.id, request);
const sumOf = (lines: readonly { amount: number }[]) => lines.reduce((sum, { amount }) => sum + amount, 0);

/** Expects that change and preview are refused, and that nothing has moved. */
const refused = async (money: MoneyLife, request: ChangeSubscription) => {
  const before = [await money.life.read(), await money.accounts(), money.charged()];
  const answer = await money.life.change(request);
  expect(answer).toMatchObject({ kind: 'refused', code: 'subscription_state', reason: 'active' });
  await expect(preview(money, request)).rejects.toMatchObject({ code: 'subscription_state' });
  expect([await money.life.read(), await money.accounts(), money.charged()]).toEqual(before);
};

describe('a change while the bank decides about money of the period', () => {
  const disputed = async (amount?: number) => {
    const money = await since('top', '06-11');
    await money.dispute(0, 'opened', { amount });
    return money;
  };

  it.each<ChangeSubscription>([
    { plan_id: 'basic' },
    { plan_id: 'basic', proration: 'charge_now' },
    { quantity: 2, proration: 'charge_now' },
    { plan_id: 'year', proration: 'charge_now' },
  ])('%j is refused: neither is the rest paid twice, nor by what may be gone', async (request) => {
    await refused(await disputed(), request);
    await refused(await disputed(1), request);
  });

  it.each<ChangeSubscription>([
    { plan_id: 'basic', proration: 'none' },
    { plan_id: 'basic', effective: 'period_end' },
  ])('%j moves no money, and is made', async (request) => {
    const money = await disputed();
    expect((await preview(money, request)).lines).toEqual([]);
    expect(await money.life.change(request)).toMatchObject({ kind: 'committed' });
    expect(await money.life.advance(on('07-02'))).toMatchObject({ plan_id: 'basic', balance: 0 });
    expect(money.charged()).toEqual([10_000, 1000]);
  });

  it.each([
    ['won', undefined, -6000, [10_000]],
    ['lost', undefined, 667, [10_000, 1667]],
    ['lost', 2000, -4000, [10_000]],
  ] as const)('is made once it is %s (%s): %i wait', async (decided, amount, balance, charged) => {
    const money = await disputed(amount);
    await money.dispute(0, decided, { amount });
    const { lines } = await preview(money, { plan_id: 'basic' });
    await money.life.change({ plan_id: 'basic' });
    expect([sumOf(lines), (await money.life.read()).balance]).toEqual([balance, balance]);
    await money.life.advance(on('07-01'));
    expect(money.charged()).toEqual(charged);
  });

  it('is made in the next period, which another payment pays', async () => {
    const money = await disputed();
    await money.life.advance(on('07-01'));
    await money.life.setNow(on('07-16'));
    expect(await money.life.change({ plan_id: 'basic' })).toMatchObject({ kind: 'committed' });
    expect((await money.life.read()).balance).toBeLessThan(0);
  });
});

describe('a period that another subscription’s credit has paid', () => {
  /** Top since 1 June; basic from the 11th leaves 60.00, with which another subscription begins. */
  const paidByOther = async () => {
    const first = await since('top', '06-11');
    await first.life.change({ plan_id: 'basic' });
    await first.life.cancel({ refund: 'none' });
    const { customer_id, payment_method_id } = await first.life.read();
    const money = await begin('basic', '06-11', { customer_id, payment_method_id });
    expect(money.charged()).toEqual([]);
    return { first, money };
  };

  it('is not changed while that payment is under dispute', async () => {
    const { first, money } = await paidByOther();
    await first.dispute(0, 'opened');
    await refused(money, { quantity: 2 });
    await first.dispute(0, 'won');
    expect(await money.life.change({ quantity: 2 })).toMatchObject({ kind: 'committed' });
  });

  it('cancelled in full, is credit again, which a refund of that payment gives back', async () => {
    const { first, money } = await paidByOther();
    await first.life.setNow(on('06-21'));
    expect(await first.customerCredit()).toBe(5000);
    await money.life.cancel({ refund: 'full' });
    expect([await money.refunds(), await first.customerCredit()]).toEqual([[], 6000]);
    await first.refund(0, 6000);
    await first.payOut();
    expect([await first.customerCredit(), await first.cash(0)]).toEqual([0, 4000]);
  });
});

describe('what waits for the next renewal of a subscription that ends before one', () => {
  const ending = async (plan = 'basic') => {
    const money = await since(plan, '06-11');
    await money.life.cancel({ mode: 'period_end' });
    return money;
  };

  it.each<ChangeSubscription>([
    { plan_id: 'top' },
    { quantity: 3 },
    { plan_id: 'top', cancel_at_period_end: true },
  ])('%j is refused', async (request) => {
    await refused(await ending(), request);
  });

  it('is refused with the end that the same change asks for', async () => {
    await refused(await since('basic', '06-11'), { plan_id: 'top', cancel_at_period_end: true });
  });

  it.each<[ChangeSubscription, number[], number]>([
    [{ plan_id: 'top', proration: 'charge_now' }, [1000, 6000], 0],
    [{ plan_id: 'top', proration: 'none' }, [1000], 0],
    [{ plan_id: 'top', cancel_at_period_end: false }, [1000, 16_000], 0],
  ])('%j is made: nothing is owed after the end', async (request, charged, lost) => {
    const money = await ending();
    await preview(money, request);
    await money.life.change(request);
    await money.life.advance(on('07-02'));
    expect([money.charged(), (await money.accounts()).written_off ?? 0]).toEqual([charged, lost]);
  });

  it('a change to less is made: what is too much is the customer’s credit', async () => {
    const money = await ending('top');
    await money.life.change({ plan_id: 'basic' });
    expect(await money.life.advance(on('07-02'))).toMatchObject({ status: 'cancelled' });
    expect(await money.customerCredit()).toBe(6000);
  });

  it('a change that waits for its charge is overtaken by the cancellation: the charge goes back', async () => {
    const money = await since('basic', '06-11');
    given.provider.charges = [pending];
    await money.life.change({ plan_id: 'top', proration: 'charge_now' });
    await money.life.cancel({ mode: 'period_end' });
    await money.receive(1);
    await money.apply(1);
    expect(await money.refunds()).toEqual([[1, 6000, 'change_overtaken']]);
    expect(await money.life.read()).toMatchObject({ plan_id: 'basic', pending_change: null });
  });

  it.each([
    [true, [1000, 16_000], 0],
    [false, [1000], 6000],
  ])('owed when the end is asked for: taken back %s', async (isTakenBack, charged, lost) => {
    const money = await since('basic', '06-11');
    await money.life.change({ plan_id: 'top' });
    await money.life.cancel({ mode: 'period_end' });
    if (isTakenBack) await money.life.change({ cancel_at_period_end: false });
    await money.life.advance(on('07-02'));
    expect([money.charged(), (await money.accounts()).written_off ?? 0]).toEqual([charged, lost]);
  });
});

describe('cancel_change of a change that waits for its charge', () => {
  const year = { plan_id: 'year', proration: 'charge_now' } as const;
  const drop = { cancel_change: true } as const;
  /** Top since 1 June, basic from the 11th: 60.00 of credit are set aside for a year, of which 53.33 are charged. */
  const waiting = async () => {
    const money = await since('top', '06-11');
    await money.life.change({ plan_id: 'basic' });
    given.provider.charges = [pending];
    await money.life.change(year);
    expect((await money.life.read()).pending_change).toMatchObject({ effective: 'when_paid' });
    given.provider.charges = [completed];
    return money;
  };
  const unchanged = { plan_id: 'basic', balance: -6000, pending_change: null };

  it('drops it, frees the credit, and has the provider asked to cancel the charge', async () => {
    const money = await waiting();
    expect((await preview(money, drop)).due_now.amount).toBe(0);
    for (let times = 0; times < 2; times += 1) {
      expect(await money.life.change(drop)).toMatchObject({ kind: 'committed' });
      expect(await money.life.read()).toMatchObject(unchanged);
    }
    expect(await money.payment(1)).toMatchObject({ status: 'pending', cancel_reason: 'change_cancelled' });
    const id = await money.paymentId(1);
    await given.db.payment.update({ where: { id }, data: { updated_at: new Date(0) } });
    const stuck = await findStuckWork(given.db, { toleranceMs: 1_000, testClockId: null, limit: 1_000 });
    const found = stuck.filter(({ subject }) => subject.id === id);
    expect(found.map(({ predicate }) => predicate)).toContain('cancel_not_asked');
  });

  it.each([
    ['succeeds all the same: it goes back', completed, [[1, 5333, 'payment_cancelled']]],
    ['is declined: nothing is charged any more', declined, []],
  ] as const)('its charge %s', async (_, outcome, refunds) => {
    const money = await waiting();
    await money.life.change(drop);
    // Another one may be asked for meanwhile, and has the credit that is set aside for it.
    given.provider.charges = [pending];
    await money.life.change(year);
    await money.receive(1, outcome);
    await money.apply(1);
    expect(await money.refunds()).toEqual(refunds);
    expect(await money.life.read()).toMatchObject({
      pending_change: { payment_id: await money.paymentId(2) },
    });
    await money.receive(2);
    await money.apply(2);
    expect(await money.life.read()).toMatchObject({ plan_id: 'year', balance: 0, pending_change: null });
    await money.payOut();
    expect(await money.cash(1)).toBe(0);
  });

  it.each([
    [
      'that has come is too late: the change is made',
      completed,
      { plan_id: 'year', balance: 0 },
      'completed',
    ],
    ['that has failed is over: the change is dropped', declined, unchanged, 'cancelled'],
  ] as const)('a charge %s', async (_, outcome, row, status) => {
    const money = await waiting();
    await money.receive(1, outcome);
    await money.life.change(drop);
    expect(await money.life.read()).toMatchObject({ ...row, pending_change: null });
    expect([(await money.payment(1)).status, await money.refunds()]).toEqual([status, []]);
  });

  it('has what it had replaced hold again', async () => {
    const money = await since('top', '06-11');
    await money.life.change({ plan_id: 'basic', effective: 'period_end' });
    given.provider.charges = [pending];
    await money.life.change(year);
    await money.life.change(drop);
    expect((await money.life.read()).pending_change).toMatchObject({
      plan_id: 'basic',
      effective: 'period_end',
    });
    await money.life.change(drop);
    expect((await money.life.read()).pending_change).toBeNull();
  });

  it('together with another change is refused, and nothing is dropped', async () => {
    const money = await waiting();
    await refused(money, { ...drop, quantity: 2 });
    expect((await money.life.read()).pending_change).not.toBeNull();
    await money.life.change(drop);
  });
});
