/** W13: a first payment that is open can be paid with another card; the attempt that is given up for it is cancelled. */
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { cancelPayment, markUnknown } from '../../../billing/payment/follow-up';
import { mustRead } from '../../../billing/payment/payment-state';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { repair } from '../../../billing/reconcile/repair';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { mostFirstAttempts } from '../../../domain/payment/payment';
import { inTransaction } from '../../../prisma/client';
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import { completed, declined, noAnswer, pending, requiresAction } from '../../support/billing';
import { expectPaidOnce, paid, useFirstPayments } from '../../support/first-payments';
import { on, type MoneyLife } from '../../support/money-life';
import { StatementKills } from '../../support/statement-kills';
import { dropDatabase, freshDatabaseUrl, startSandbox } from '../providers/running-sandbox';

const { given, open } = useFirstPayments();
const keysOf = (requests: readonly { idempotencyKey: string }[]) =>
  requests.map(({ idempotencyKey }) => idempotencyKey.replace(/^.*\//, '/'));

describe('W13: a first payment that waits at the bank, and another card', () => {
  it('is cancelled at the provider over HTTP, and paid with that card by a key of its own', async () => {
    const sandbox = await startSandbox(freshDatabaseUrl());
    try {
      const real = sandboxProvider({ baseUrl: sandbox.baseUrl });
      // The first card wants 3-D Secure.
      const token = 'tok_authentication_required';
      const charge: typeof real.charge = (request, timeoutMs) =>
        real.charge(request.attempt === 1 ? { ...request, token } : request, timeoutMs);
      const deps = { ...given, providers: new Map([['sandbox', { ...real, charge }]]) };
      const money = await open(requiresAction, deps);
      expect(await money.payment(0)).toMatchObject({ status: 'requires_action' });
      await money.giveCard();
      expect(await money.proceed()).toBe('active');
      const charges = await sandbox.charges(`payment_id=${await money.paymentId(0)}`);
      const outcomes = charges.map(({ idempotency_key: key, status, failure }) => [
        key.slice(-2),
        failure?.code ?? status,
      ]);
      expect(Object.fromEntries(outcomes)).toEqual({ '/1': 'cancelled', '/2': 'succeeded' });
    } finally {
      await sandbox.stop();
      await dropDatabase(sandbox.databaseUrl);
    }
  });

  it('is found until it is tried, though its message is lost; a clock waits for it', async () => {
    const money = await open();
    const id = await money.paymentId(0);
    expect(await money.found()).toEqual([]);
    expect(await money.giveCard()).toEqual([id]);
    const [item] = await money.found();
    expect(item).toMatchObject({ predicate: 'other_card_not_tried' });
    expect(item && (await repair(given, item))).toEqual([{ kind: 'refresh_payment', payment_id: id }]);
    expect(await money.proceed()).toBe('active');
    expect(await money.found()).toEqual([]);
    expect(keysOf(given.provider.askedCancels)).toEqual(['/1']);
    expect(keysOf(given.provider.asked)).toEqual(['/1', '/2']);
    expect(given.provider.asked.map(({ offSession }) => offSession)).toEqual([false, false]);
    await expectPaidOnce(money);
  });

  it('comes as the customer’s new default, where the subscription has no card of its own', async () => {
    const money = await open();
    const where = { id: money.life.id };
    await given.db.subscription.update({ where, data: { payment_method_id: null } });
    const isDefault = await money.addCard({ isDefault: true });
    const id = await money.paymentId(0);
    expect(isDefault.messages).toEqual([{ kind: 'refresh_payment', payment_id: id }]);
    expect(await money.proceed()).toBe('active');
    expect(keysOf(given.provider.asked)).toEqual(['/1', '/2']);
  });

  it('is not charged with the same card again, whatever its method’s id', async () => {
    const money = await open();
    const id = (await money.life.read()).payment_method_id ?? '';
    await given.db.paymentMethod.update({ where: { id }, data: { fingerprint: 'fp_1' } });
    for (const same of [id, await money.card({ fingerprint: 'fp_1' })]) {
      expect(await money.put(same)).toEqual([]);
      expect(await money.proceed()).toBe('incomplete');
    }
    expect(keysOf(given.provider.asked)).toEqual(['/1']);
    expect(given.provider.askedCancels).toEqual([]);
    const elsewhere = await money.card({ fingerprint: 'fp_1', provider: 'other' });
    expect(await money.put(elsewhere)).toEqual([await money.paymentId(0)]);
  });

  it('ends with the decline of the second card, and goes on with a third that was given before', async () => {
    for (const [third, status] of [
      [false, 'expired'],
      [true, 'active'],
    ] as const) {
      const money = await open();
      given.provider.charges = [pending, paid];
      await money.giveCard();
      expect(await money.proceed()).toBe('incomplete');
      if (third) await money.giveCard();
      await money.report(2, declined);
      expect(await money.proceed()).toBe(status);
      expect(await money.attempts()).toEqual(['failed', 'failed', ...(third ? ['completed'] : [])]);
    }
  });

  it('may be paid with a card that was given up before, and never with one that was declined', async () => {
    const money = await open();
    const { payment_method_id: first } = await money.life.read();
    const second = await money.card();
    given.provider.charges = [pending];
    await money.put(second);
    expect(await money.proceed()).toBe('incomplete');
    await money.giveCard();
    given.provider.lookups = [declined, pending];
    expect(await money.proceed()).toBe('incomplete');
    expect(await money.put(second)).toEqual([]);
    expect(await money.put(first ?? '')).toHaveLength(1);
    given.provider.charges = [paid];
    expect(await money.proceed()).toBe('active');
    expect(keysOf(given.provider.askedCancels)).toEqual(['/1', '/2', '/3']);
    expect(await money.attempts()).toEqual(['failed', 'failed', 'failed', 'completed']);
  });

  it('is tried with ten cards at most, and for a week', async () => {
    const money = await open();
    given.provider.charges = [requiresAction];
    for (let nth = 0; nth < 12; nth += 1) {
      await money.giveCard();
      expect(await money.proceed()).toBe('incomplete');
    }
    expect(await money.attempts()).toHaveLength(mostFirstAttempts);
    const late = await open();
    await late.giveCard();
    await late.report(1, declined);
    await late.life.setNow('2027-06-07T23:00:00.000Z');
    expect((await applyFirstPayment(given.db, late.life.id)).subscription.status).toBe('incomplete');
    await late.life.setNow('2027-06-08T00:00:00.000Z');
    expect(await late.proceed()).toBe('expired');
    expect(await late.attempts()).toEqual(['failed']);
  });
});

describe('W13: both cards', () => {
  it('are never charged where the first has paid by the time that it is cancelled', async () => {
    const money = await open();
    await money.giveCard();
    given.provider.lookups = [completed];
    expect(await money.proceed()).toBe('active');
    expect(await money.attempts()).toEqual(['completed']);
    await expectPaidOnce(money);
  });

  it('pay once when the first succeeds late, before the second is charged', async () => {
    const money = await open();
    await money.giveCard();
    await money.report(1, declined);
    await money.report(1, completed);
    expect(await money.proceed()).toBe('active');
    expect(await money.attempts()).toEqual(['completed']);
    await expectPaidOnce(money);
  });

  it.each([
    ['is cancelled', pending, ['completed', 'failed'], []],
    ['takes the money all the same, which goes back', paid, ['completed', 'completed'], [2]],
  ])('pay once when the first succeeds late, and the second, open then, %s', async (_, second, all, back) => {
    const money = await open();
    given.provider.charges = [pending];
    await money.giveCard();
    expect(await money.proceed()).toBe('incomplete');
    await money.report(1, completed);
    expect(await money.found(1)).toMatchObject([{ predicate: 'cancel_not_asked' }]);
    given.provider.lookups = [second];
    expect(await money.proceed()).toBe('active');
    expect(await money.attempts()).toEqual(all);
    await expectPaidOnce(money, back);
  });

  it('pay once when the second is not sent yet: it is never sent', async () => {
    const money = await open();
    await money.giveCard();
    await money.report(1, declined);
    const payment_id = await money.paymentId(0);
    await beginAttempt(given.db, { payment_id, number: 2, trigger: 'first' }, false);
    await money.report(1, completed);
    given.provider.lookups = [{ status: 'not_found' }];
    expect(await money.proceed(on('06-02'))).toBe('active');
    expect(keysOf(given.provider.asked)).toEqual(['/1']);
    await expectPaidOnce(money);
  });

  it('pay once when the first succeeds late, after the second: it goes back', async () => {
    const money = await open();
    await money.giveCard();
    expect(await money.proceed()).toBe('active');
    await money.report(1, completed);
    await expectPaidOnce(money, [1]);
    expect(await money.tasks()).toEqual(['second_success']);
  });

  it('pay once wherever the process dies between the cancellation and the outcome', async () => {
    const kills = new StatementKills();
    try {
      for (const cutAt of [(nth: number) => ({ before: nth }), (nth: number) => ({ afterCommit: nth })]) {
        for (let nth = 1, wasCut = true; wasCut; nth += 1) {
          const money = await open();
          given.provider.asked.length = 0;
          await money.giveCard();
          wasCut = await kills.during(cutAt(nth), () => money.proceed());
          expect(await money.proceed()).toBe('active');
          expect(new Set(keysOf(given.provider.asked))).toEqual(new Set(['/2']));
          expect(await money.attempts()).toEqual(['failed', 'completed']);
          await expectPaidOnce(money);
        }
      }
    } finally {
      kills.end();
    }
  });
});

describe('W13: while the first attempt cannot be given up', () => {
  it.each([
    ['cancels nothing', () => void (given.provider.cancel = undefined)],
    ['does not cancel it in this state', () => void (given.provider.refusesCancels = true)],
  ])('since the provider %s, the other card waits until it has failed', async (_, refuse) => {
    const kept = given.provider.cancel;
    const money = await open(pending);
    given.provider.lookups = [pending];
    refuse();
    try {
      await money.giveCard();
      expect(await money.proceed(on('06-03'))).toBe('incomplete');
      expect(await money.attempts()).toEqual(['pending']);
      expect(await money.tasks()).toEqual(['unknown_outcome']);
      expect(await money.found()).toEqual([]);
      given.provider.lookups = [declined];
      expect(await money.proceed(on('06-05'))).toBe('active');
      expect(await money.attempts()).toEqual(['failed', 'completed']);
      expect(await money.tasks()).toEqual([]);
    } finally {
      given.provider.cancel = kept;
    }
  });

  it('since nothing is known of it, it is not sent again, and ends once it is proven absent', async () => {
    const money = await open(noAnswer);
    const payment_id = await money.paymentId(0);
    await markUnknown(given, payment_id);
    given.provider.lookups = [noAnswer, { status: 'not_found' }];
    given.provider.asked.length = 0;
    await money.giveCard();
    expect(await money.proceed('2027-06-01T00:05:30.000Z')).toBe('incomplete');
    expect(given.provider.asked).toEqual([]);
    expect(await money.proceed('2027-06-01T00:59:00.000Z')).toBe('active');
    expect(keysOf(given.provider.asked)).toEqual(['/2']);
  });
});

describe('W13: the subscription', () => {
  it('waits on when its customer gave the card before the failure was applied, and not after', async () => {
    const before = await open();
    await before.giveCard();
    await before.report(1, declined);
    const applied = () => applyFirstPayment(given.db, before.life.id);
    expect((await applied()).subscription.status).toBe('incomplete');
    expect(await before.found()).toMatchObject([{ predicate: 'other_card_not_tried' }]);
    expect(await before.proceed()).toBe('active');
    const after = await open();
    await after.report(1, declined);
    expect(await after.proceed()).toBe('expired');
    const late = { payment_method_id: await after.card() };
    expect(await after.life.change(late)).toMatchObject({ kind: 'refused', code: 'subscription_final' });
    await given.db.subscription.update({ where: { id: after.life.id }, data: late });
    expect(await mustRead(given.db, await after.paymentId(0))).toMatchObject({ other_card: false });
  });

  it.each([
    ['it is cancelled', (money: MoneyLife) => money.life.cancel({ mode: 'now' }), 'cancelled'],
    [
      'its payment is cancelled',
      async (money: MoneyLife) => cancelPayment(given, await money.paymentId(0), 'a mistake'),
      'expired',
    ],
  ])('charges no other card once %s', async (_, cancel, status) => {
    const money = await open();
    await money.giveCard();
    await money.report(1, declined);
    await cancel(money);
    expect(await money.proceed()).toBe(status);
    expect(await money.attempts()).toEqual(['failed']);
  });

  it('that is being created does not wait: its caller is answered with the decline', async () => {
    const { subscriptionId: id, paymentId } = await given.begun();
    const method = { id: 'pm_2', customer_id: 'cus_1', provider: 'sandbox', token: 'tok_ok#2' };
    await given.db.paymentMethod.create({ data: method });
    await given.db.subscription.update({ where: { id }, data: { payment_method_id: method.id } });
    await inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, declined, 'answer'));
    expect((await applyFirstPayment(given.db, id)).subscription.status).toBe('expired');
  });
});
