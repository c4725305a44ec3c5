/** M1 to M4 of the faults of November 2026, each with the right value and neighbours that differ from it. */
import { completed, declined, pending } from '../../support/billing';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';

const { given, begin } = useMoneyLives();

/** Basic since 1 June; on 11 June a change is asked for whose charge stays open. */
async function waiting(plan_id: string) {
  const money = await begin('basic');
  await money.life.setNow(on('06-11'));
  given.provider.charges = [pending];
  await money.life.change({ plan_id, proration: 'charge_now' });
  given.provider.charges = [completed];
  return money;
}

/** Basic since 1 June, whose renewal of 1 July got another answer than a success. */
async function renewedWith(answer: typeof pending, plan_id = 'basic') {
  const money = await begin(plan_id);
  given.provider.charges = [answer];
  await money.life.advance(on('07-01'));
  given.provider.charges = [completed];
  return money;
}

describe('M1: a change whose charge succeeds late', () => {
  it('after its period has ended is given back in full', async () => {
    const money = await waiting('top');
    await money.life.advance(on('07-03'));
    await money.receive(1);
    await money.apply(1);
    expect(await money.refunds()).toEqual([[1, 6000, 'payment_cancelled']]);
    expect(await money.life.read()).toMatchObject({ plan_id: 'basic', pending_change: null, balance: 0 });
    expect(money.charged()).toEqual([1000, 6000, 1000]);
    await money.payOut();
    expect([await money.cash(0), await money.cash(1), await money.cash(2)]).toEqual([1000, 0, 1000]);
  });

  it('after its period has ended is given back in full when it was to another interval', async () => {
    const money = await waiting('year');
    await money.life.advance(on('07-03'));
    await money.receive(1);
    await money.apply(1);
    expect(await money.refunds()).toEqual([[1, 11_333, 'payment_cancelled']]);
    expect(await money.life.read()).toMatchObject({
      plan_id: 'basic',
      period: { index: 2, start: on('07-01'), end: on('08-01'), paid: true },
    });
    expect(money.charged()).toEqual([1000, 11_333, 1000]);
  });

  it('after the subscription was cancelled is given back beside the unused time', async () => {
    const money = await waiting('top');
    await money.life.setNow(on('06-16'));
    await money.life.cancel({ refund: 'prorated' });
    await money.life.setNow(on('06-18'));
    await money.receive(1);
    await money.apply(1);
    expect(await money.refunds()).toMatchObject([
      [0, 500, 'subscription_cancelled'],
      [1, 6000, 'subscription_final'],
    ]);
    await money.payOut();
    expect([await money.cash(0), await money.cash(1)]).toEqual([500, 0]);
  });

  it('within its period applies with the amounts and the date of its asking', async () => {
    const money = await waiting('top');
    await money.life.setNow(on('06-16'));
    await money.receive(1);
    await money.apply(1);
    expect(await money.life.read()).toMatchObject({ plan_id: 'top', pending_change: null, balance: 0 });
    await money.life.setNow(on('06-21'));
    await money.life.cancel({ refund: 'prorated' });
    expect(await money.refunds()).toEqual([[1, 3334, 'subscription_cancelled']]);
    expect(await money.accounts()).toMatchObject({ earned: -3666, refunding: -3334 });
  });
});

describe('M2: money that comes after dunning has written it off', () => {
  /** The renewal of 1 July is declined; on 11 July the policy's final action is taken. */
  const writtenOff = async (action: 'pause' | 'cancel') => {
    const money = await renewedWith(declined);
    await money.startDunning(1);
    await money.life.setNow(on('07-11'));
    await money.exhaustDunning(1, action);
    expect(await money.accounts()).toMatchObject({ written_off: 323 });
    return money;
  };

  it('counts when the paused subscription is resumed, whoever tells it', async () => {
    const money = await writtenOff('pause');
    await money.life.setNow(on('07-21'));
    await money.receive(1);
    await money.life.setNow(on('07-26'));
    await money.life.resume();
    expect(await money.life.read()).toMatchObject({
      status: 'active',
      period: { index: 2, end: on('08-01'), paid: true },
    });
    expect(money.charged()).toEqual([1000, 1000]);
    await money.life.advance(on('08-01'));
    expect(money.charged()).toEqual([1000, 1000, 1000]);
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 3000, earned: -2000, unearned: -1000 });
  });

  it('is credit when the period has ended, and the resumption charges the rest', async () => {
    const money = await writtenOff('pause');
    await money.life.setNow(on('08-05'));
    await money.receive(1);
    await money.apply(1);
    expect(await money.life.read()).toMatchObject({ status: 'paused', balance: -677 });
    await money.life.setNow(on('08-11'));
    await money.life.resume();
    expect(money.charged()).toEqual([1000, 1000, 323]);
    expect(await money.life.read()).toMatchObject({
      status: 'active',
      balance: 0,
      period: { index: 3, start: on('08-11'), end: on('09-11'), paid: true },
    });
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 2323, earned: -1323, unearned: -1000 });
  });

  it('goes back when the subscription was cancelled', async () => {
    const money = await writtenOff('cancel');
    await money.life.setNow(on('07-21'));
    await money.receive(1);
    expect(await money.refunds()).toEqual([[1, 1000, 'subscription_final']]);
    expect(await money.tasks()).toEqual(['second_success']);
    await money.payOut();
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 1000, earned: -1323, written_off: 323 });
  });

  it('pays the period of a subscription that its customer paused while past due', async () => {
    const money = await renewedWith(declined);
    await money.startDunning(1);
    await money.life.setNow(on('07-11'));
    await money.life.pause();
    await money.life.setNow(on('07-21'));
    await money.receive(1);
    await money.life.setNow(on('07-26'));
    await money.life.resume();
    expect(await money.life.read()).toMatchObject({ status: 'active', period: { index: 2, paid: true } });
    expect(money.charged()).toEqual([1000, 1000]);
    expect(await money.accounts()).not.toHaveProperty('receivable');
  });
});

describe('M3: a cancellation gives back only what paid for the present period and is there', () => {
  it('with refund=full leaves a disputed month to the bank, and the month before alone', async () => {
    const money = await renewedWith(completed);
    await money.life.setNow(on('07-10'));
    await money.dispute(1, 'opened');
    await money.life.setNow(on('07-11'));
    await money.life.cancel({ refund: 'full' });
    expect(await money.refunds()).toEqual([]);
    expect(await money.customerCredit()).toBe(677);
    expect(await money.tasks()).toContain('refund_failed');
    await money.life.setNow(on('07-20'));
    await money.dispute(1, 'lost');
    expect(await money.customerCredit()).toBe(0);
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 1000, earned: -1323, written_off: 323 });
  });

  it('with refund=full gives back what is not on its way back yet', async () => {
    const money = await begin('top');
    await money.life.setNow(on('06-11'));
    await money.refund(0, 4000);
    await money.life.cancel({ refund: 'full' });
    expect(await money.refunds()).toEqual([
      [0, 4000, 'goodwill'],
      [0, 6000, 'subscription_cancelled'],
    ]);
    await money.payOut();
    expect(await money.cash(0)).toBe(0);
  });

  it('with refund=prorated counts a partial refund before', async () => {
    const money = await renewedWith(completed);
    await money.life.setNow(on('07-11'));
    await money.refund(1, 400);
    await money.payOut();
    await money.life.setNow(on('07-16'));
    await money.life.cancel({ refund: 'prorated' });
    expect(await money.refunds()).toEqual([
      [1, 400, 'goodwill'],
      [1, 211, 'subscription_cancelled'],
    ]);
  });

  it('with refund=full gives a month back whose dispute was won', async () => {
    const money = await renewedWith(completed);
    await money.life.setNow(on('07-05'));
    await money.dispute(1, 'opened');
    await money.life.setNow(on('07-08'));
    await money.dispute(1, 'won');
    await money.life.setNow(on('07-11'));
    await money.life.cancel({ refund: 'full' });
    expect(await money.refunds()).toEqual([[1, 1000, 'subscription_cancelled']]);
  });

  it('with refund=full gives nothing of the month before while the present one is pending', async () => {
    const money = await renewedWith(pending);
    await money.life.setNow(on('07-02'));
    await money.life.cancel({ refund: 'full' });
    expect(await money.refunds()).toEqual([]);
    await money.receive(1);
    expect(await money.refunds()).toEqual([[1, 1000, 'subscription_final']]);
  });
});

describe('M4: what a second change leaves out stays as the waiting one has it', () => {
  /** Top since 1 June; on 6 June a change waits for the period's end. */
  const scheduled = async (request: object) => {
    const money = await begin('top');
    await money.life.setNow(on('06-06'));
    await money.life.change({ ...request, effective: 'period_end' });
    await money.life.setNow(on('06-11'));
    return money;
  };
  const renewed = async (money: MoneyLife) => {
    const { plan_id, quantity, pending_change } = await money.life.advance(on('07-01'));
    return { plan_id, quantity, pending_change };
  };
  const threeBasic = { plan_id: 'basic', quantity: 3, pending_change: null };

  it('a quantity joins the plan that waits', async () => {
    const money = await scheduled({ plan_id: 'basic' });
    await money.life.change({ quantity: 3, effective: 'period_end' });
    expect(await money.life.read()).toMatchObject({ plan_id: 'top', quantity: 1 });
    expect(await renewed(money)).toEqual(threeBasic);
    expect(money.charged()).toEqual([10_000, 3000]);
  });

  it('a quantity at once is kept by the plan that waits', async () => {
    const money = await scheduled({ plan_id: 'basic' });
    await money.life.change({ quantity: 3 });
    expect(await money.life.read()).toMatchObject({ plan_id: 'top', quantity: 3, balance: 13_333 });
    expect(await renewed(money)).toEqual(threeBasic);
    expect(money.charged()).toEqual([10_000, 16_333]);
  });

  it('a quantity that it has already drops nothing', async () => {
    const money = await scheduled({ plan_id: 'basic' });
    await money.life.change({ quantity: 1 });
    expect(await renewed(money)).toEqual({ ...threeBasic, quantity: 1 });
    expect(money.charged()).toEqual([10_000, 1000]);
  });

  it('a plan joins the quantity that waits', async () => {
    const money = await scheduled({ quantity: 3 });
    await money.life.change({ plan_id: 'basic', effective: 'period_end' });
    expect(await renewed(money)).toEqual(threeBasic);
    expect(money.charged()).toEqual([10_000, 3000]);
  });

  it('cancel_change drops what waits', async () => {
    const money = await scheduled({ plan_id: 'basic' });
    await money.life.change({ quantity: 3, cancel_change: true });
    expect(await renewed(money)).toEqual({ ...threeBasic, plan_id: 'top' });
    expect(money.charged()).toEqual([10_000, 43_333]);
  });
});
