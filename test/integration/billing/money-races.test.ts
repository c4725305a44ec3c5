/**
 * Money that moves while something else moves it: after each round the ledger holds, nothing is kept unapplied, and
 * nothing was charged or given back twice.
 */
import { declined, completed, pending } from '../../support/billing';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';
import { deadlocksOf, Race } from '../../support/rounds';

const { given, begin } = useMoneyLives();
const rounds = 20;

/** Runs a race and counts how it came out. @returns the outcomes that were met */
async function race(seed: number, round: (race: Race) => Promise<string>): Promise<string[]> {
  const racing = new Race(given.db, seed);
  const before = await deadlocksOf(given.db);
  const met = new Set<string>();
  for (let number = 0; number < rounds; number += 1) met.add(await round(racing));
  // Repeating a transaction hides an order of locks that is at fault.
  expect(await deadlocksOf(given.db)).toBe(before);
  return [...met].toSorted();
}

/** Nothing waits to be applied or is set aside, and what the ledger says is what the rows say. */
async function settled(money: MoneyLife): Promise<void> {
  await money.holds();
  const payments = await given.db.payment.findMany({ where: { customer_id: money.customerId } });
  expect(payments.filter(({ unapplied_amount }) => unapplied_amount !== 0n)).toEqual([]);
  expect(await money.accounts()).not.toHaveProperty('credit_held');
}

const sumOf = (refunds: [number, number, string][]) => refunds.reduce((sum, [, amount]) => sum + amount, 0);

/** Since 1 June; on 11 June a change is asked for whose charge stays open. */
async function waiting() {
  const money = await begin('basic');
  await money.life.setNow(on('06-11'));
  given.provider.charges = [pending];
  await money.life.change({ plan_id: 'top', proration: 'charge_now' });
  given.provider.charges = [completed];
  return money;
}

describe('a cancellation with refund=full and a refund at the provider', () => {
  it('give back the charge once, or a person is asked about what is beyond it', async () => {
    const met = await race(20_261_129, async (racing) => {
      const money = await begin('top');
      await money.life.setNow(on('06-11'));
      await racing.run(
        () => money.life.cancel({ refund: 'full' }),
        () => money.refundAtProvider(0, 4000, 're_there'),
      );
      await settled(money);
      const [refunds, tasks] = [await money.refunds(), await money.tasks()];
      const total = sumOf(refunds);
      expect([total, tasks]).toEqual(total === 10_000 ? [10_000, []] : [14_000, ['refund_failed']]);
      return String(total);
    });
    expect(met).toEqual(['10000', '14000']);
  });
});

describe('a cancellation and the late success of a change', () => {
  it('give back the time that is left with the change, or all of its charge', async () => {
    const met = await race(20_261_130, async (racing) => {
      const money = await waiting();
      await money.life.setNow(on('06-16'));
      await racing.run(
        () => money.life.cancel({ refund: 'prorated' }),
        async () => {
          await money.receive(1);
          await money.apply(1);
        },
      );
      await settled(money);
      const refunds = await money.refunds();
      const applied = [[1, 5000, 'subscription_cancelled']];
      const late = [
        [0, 500, 'subscription_cancelled'],
        [1, 6000, 'subscription_final'],
      ];
      expect([applied, late]).toContainEqual(refunds);
      return refunds.length === 1 ? 'applied' : 'late';
    });
    expect(met).toEqual(['applied', 'late']);
  });
});

describe('the opening of a period and the late success of a change', () => {
  it('open it at the new price, or give the change back', async () => {
    const met = await race(20_261_131, async (racing) => {
      const money = await waiting();
      await money.life.setNow(on('07-01'));
      await racing.run(
        () => money.life.advance(on('07-01')),
        async () => {
          await money.receive(1);
          await money.apply(1);
        },
      );
      await settled(money);
      const { plan_id, period } = await money.life.read();
      expect(period).toMatchObject({ index: 2, paid: true });
      const outcome = { plan_id, charged: money.charged(), refunds: await money.refunds() };
      expect([
        { plan_id: 'top', charged: [1000, 6000, 10_000], refunds: [] },
        { plan_id: 'basic', charged: [1000, 6000, 1000], refunds: [[1, 6000, 'payment_cancelled']] },
      ]).toContainEqual(outcome);
      return plan_id;
    });
    expect(met).toEqual(['basic', 'top']);
  });
});

describe('a refund and a dispute that is lost', () => {
  it('take the money once each, and a refund that fails for it gives nothing back', async () => {
    const met = await race(20_261_132, async (racing) => {
      const money = await begin('top');
      await money.life.setNow(on('06-11'));
      let answer = '';
      await racing.run(
        async () => {
          answer = await money.refund(0, 4000);
        },
        () => money.dispute(0, 'lost'),
      );
      await settled(money);
      if (answer !== 'disputed') {
        await money.receiveRefund(answer, { status: 'failed', provider_reference: null, reason: 'disputed' });
        await money.resolve('refund_failed', 'failed');
        await settled(money);
      }
      const { unearned = 0, credit = 0, 'cash/sandbox': cash = 0 } = await money.accounts();
      expect({ unearned, credit, cash }).toEqual({ unearned: 0, credit: 0, cash: 0 });
      return answer === 'disputed' ? 'refused' : 'reserved';
    });
    expect(met).toEqual(['refused', 'reserved']);
  });
});

describe('a pause by dunning, a late success and a resumption', () => {
  it('take each charge once, and keep what is too much as credit', async () => {
    const met = await race(20_261_133, async (racing) => {
      const money = await begin('basic');
      given.provider.charges = [declined];
      await money.life.advance(on('07-01'));
      given.provider.charges = [completed];
      await money.startDunning(1);
      await money.life.setNow(on('07-11'));
      await racing.run(
        () => money.exhaustDunning(1, 'pause'),
        async () => {
          await money.receive(1);
          await money.apply(1);
        },
        () => money.life.resume(),
      );
      await settled(money);
      const { status, period, balance } = await money.life.read();
      expect(await money.refunds()).toEqual([]);
      const outcome = { status, index: period?.index, balance, charges: money.charged().length };
      expect([
        // The money came first, or while it was paused: the period goes on.
        { status: 'active', index: 2, balance: 0, charges: 2 },
        { status: 'paused', index: 2, balance: 0, charges: 2 },
        // Resumed before the money came: a period of its own, and the rest of the other is credit.
        { status: 'active', index: 3, balance: -677, charges: 3 },
      ]).toContainEqual(outcome);
      return `${status} ${period?.index}`;
    });
    expect(met.length).toBeGreaterThan(1);
  });
});

describe('two changes that want the same credit', () => {
  it('use it once', async () => {
    const met = await race(20_261_134, async (racing) => {
      const money = await begin('top');
      await money.life.setNow(on('06-11'));
      await money.life.change({ plan_id: 'basic' });
      await racing.run(
        () => money.life.change({ plan_id: 'top', proration: 'charge_now' }),
        () => money.life.change({ plan_id: 'year', proration: 'charge_now' }),
      );
      await settled(money);
      const { plan_id, balance, period } = await money.life.read();
      const refunds = await money.refunds();
      const outcome = { plan_id, balance, charged: money.charged(), back: sumOf(refunds) };
      // Paid and not given back = service used (33.33) + what it costs from now on + credit.
      const month = period?.index === 1 ? 6667 : 10_000;
      const cost = plan_id === 'year' ? 12_000 : month;
      const paid = outcome.charged.reduce((sum, amount) => sum + amount, 0) - outcome.back;
      expect({ ...outcome, paid }).toEqual({ ...outcome, paid: 3333 + cost - balance });
      return `${plan_id} ${outcome.back}`;
    });
    expect(met.length).toBeGreaterThan(1);
  });
});
