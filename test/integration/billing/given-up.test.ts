/** W8: what is given up is cancelled at the provider, whatever it is; where it cannot be, it does not end silently. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { cancelPayment } from '../../../billing/payment/follow-up';
import { endNotCompleted, lookUp } from '../../../billing/payment/look-up';
import { NoClearAnswer } from '../../../billing/payment/no-clear-answer';
import { readState } from '../../../billing/payment/payment-state';
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import type { AttemptOutcome } from '../../../domain/payment/payment';
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import type { LookupOutcome } from '../../../providers/port';
import { startSandbox, dropDatabase, freshDatabaseUrl } from '../providers/running-sandbox';
import { completed, declined, noAnswer, pending, requiresAction } from '../../support/billing';
import { on, useMoneyLives } from '../../support/money-life';
import { planLookup } from '../../support/payment-follow-up';

const { given, begin } = useMoneyLives();
beforeEach(() => {
  given.provider.askedCancels.length = 0;
  given.provider.refusesCancels = false;
});

const progress = { unknownSinceMs: Date.now(), lookups: 6, incompleteHours: 23 };

/** A creation whose first payment was answered by `outcome`, a day ago, and is looked up as `found`. */
async function abandoned(outcome: AttemptOutcome, found: LookupOutcome = pending) {
  given.provider.charges = [outcome];
  given.provider.lookups = [found];
  const begun = await given.begun();
  const { paymentId, subscriptionId } = begun;
  await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
  await applyFirstPayment(given.db, subscriptionId);
  const created_at = new Date(Date.now() - 24 * 3_600_000);
  await given.db.payment.update({ where: { id: paymentId }, data: { created_at } });
  await given.db.paymentAttempt.updateMany({ where: { payment_id: paymentId }, data: { lookups: 5 } });
  return begun;
}
const subscriptionAfter = async (id: string) => (await applyFirstPayment(given.db, id)).subscription;
const tasksOf = (subject_id: string) =>
  given.db.operatorTask.findMany({ where: { subject_id, status: 'open' } });

describe('W8: a first payment that is given up', () => {
  it('is cancelled at the provider over HTTP, so that nothing is charged later, and ends its subscription', async () => {
    const sandbox = await startSandbox(freshDatabaseUrl());
    try {
      await sandbox.control({ pending_ms: 60_000 });
      const providers = new Map([['sandbox', sandboxProvider({ baseUrl: sandbox.baseUrl })]]);
      const deps = { ...given, providers };
      const { paymentId, subscriptionId } = await given.begun();
      await given.db.paymentMethod.update({ where: { id: 'pm_1' }, data: { token: 'tok_pending_then_ok' } });
      await attemptPayment(deps, { payment_id: paymentId, number: 1, trigger: 'first' });
      await applyFirstPayment(given.db, subscriptionId);
      await endNotCompleted(deps, paymentId, progress);
      expect(await sandbox.charges(`payment_id=${paymentId}`)).toMatchObject([
        { status: 'failed', failure: { code: 'cancelled' } },
      ]);
      expect(await subscriptionAfter(subscriptionId)).toMatchObject({ status: 'expired' });
    } finally {
      await given.db.paymentMethod.update({ where: { id: 'pm_1' }, data: { token: 'tok_ok' } });
      await sandbox.stop();
      await dropDatabase(sandbox.databaseUrl);
    }
  });

  it('is cancelled by one request that names it, and says that its customer did not complete it', async () => {
    const { paymentId, subscriptionId } = await abandoned(pending);
    expect(await endNotCompleted(given, paymentId, progress)).toMatchObject({ status: 'failed' });
    expect(given.provider.askedCancels).toMatchObject([
      { idempotencyKey: `${paymentId}/1`, providerReference: 'ch_1' },
    ]);
    const attempt = await given.db.paymentAttempt.findFirstOrThrow({ where: { payment_id: paymentId } });
    expect(attempt).toMatchObject({ status: 'failed', failure: { code: 'not_completed' } });
    expect(await subscriptionAfter(subscriptionId)).toMatchObject({ status: 'expired' });
  });

  it.each([
    ['was paid at that moment counts', completed, 'active'],
    ['was declined at that moment says so', declined, 'expired'],
  ] as const)('and %s', async (_, found, status) => {
    const { paymentId, subscriptionId } = await abandoned(requiresAction, found);
    expect(await endNotCompleted(given, paymentId, progress)).toMatchObject({ status: found.status });
    expect(await subscriptionAfter(subscriptionId)).toMatchObject({ status });
  });

  it.each([
    ['cancels nothing', () => void (given.provider.cancel = undefined)],
    ['does not cancel it in this state', () => void (given.provider.refusesCancels = true)],
  ])('stays open where the provider %s: asked each day, and of an operator at once', async (_, refuse) => {
    const kept = given.provider.cancel;
    const { paymentId, subscriptionId } = await abandoned(pending);
    refuse();
    try {
      const state = await endNotCompleted(given, paymentId, progress);
      expect(state).toMatchObject({ status: 'pending' });
      expect(await tasksOf(paymentId)).toMatchObject([{ kind: 'unknown_outcome' }]);
      expect(await subscriptionAfter(subscriptionId)).toMatchObject({ status: 'incomplete' });
      const next = planLookup(state);
      expect(next?.lookup).toMatchObject({ last: false });
      given.provider.lookups = [completed];
      await lookUp(given, paymentId, true, { ...progress, lookups: 7 });
      expect(await subscriptionAfter(subscriptionId)).toMatchObject({ status: 'active' });
      expect(await tasksOf(paymentId)).toEqual([]);
    } finally {
      given.provider.cancel = kept;
    }
  });

  it('stays open without an answer, and is tried again in an hour', async () => {
    const { paymentId } = await abandoned(pending, noAnswer);
    await expect(endNotCompleted(given, paymentId, progress)).rejects.toThrow(NoClearAnswer);
    const state = await readState(given.db, paymentId);
    const planned = state === null ? null : planLookup(state);
    expect(planned?.lookup).toMatchObject({ last: true });
    const inMs = (planned?.lookup.atMs ?? 0) - Date.now();
    expect(inMs).toBeGreaterThan(3_500_000);
    expect(inMs).toBeLessThanOrEqual(3_600_000);
  });
});

async function found(paymentId: string): Promise<string[]> {
  const items = await findStuckWork(given.db, { toleranceMs: 60_000, testClockId: null, limit: 100 });
  return items.filter(({ subject }) => subject.id === paymentId).map(({ predicate }) => predicate);
}

describe('W8: everything else that is given up while its attempt is open', () => {
  it('a change that its period overtook is cancelled, and found by the reconciliation until it is', async () => {
    const money = await begin('basic');
    given.provider.charges = [pending, completed];
    given.provider.lookups = [pending];
    await money.life.change({ plan_id: 'top', proration: 'charge_now' });
    await money.life.advance(on('07-01'));
    const id = await money.paymentId(1);
    const at = new Date(Date.now() - 120_000);
    await given.db.payment.update({ where: { id }, data: { updated_at: at } });
    expect(await found(id)).toContain('cancel_not_asked');
    await money.followUp(1, on('07-02'));
    expect(await money.payment(1)).toMatchObject({ status: 'cancelled' });
    expect(given.provider.askedCancels).toHaveLength(1);
    expect(await found(id)).toEqual([]);
  });

  it('a renewal that was pending when its subscription was cancelled is cancelled, or goes back', async () => {
    for (const [answer, status] of [
      [pending, 'cancelled'],
      [completed, 'completed'],
    ] as const) {
      const money = await begin('basic');
      given.provider.charges = [pending];
      given.provider.lookups = [pending];
      await money.life.advance(on('07-01'));
      await money.life.cancel({ mode: 'now' });
      const id = await money.paymentId(1);
      expect(await cancelPayment(given, id, 'subscription_cancelled')).toMatchObject({ given_up: true });
      given.provider.lookups = [answer];
      await money.followUp(1, '2027-07-01T00:00:01.000Z');
      expect(await money.payment(1)).toMatchObject({ status });
      expect(await money.refunds()).toEqual(answer === completed ? [[1, 1000, 'subscription_final']] : []);
      await money.payOut();
    }
  });

  it('a payment of its own that is cancelled in vain is asked about each day, until its money goes back', async () => {
    const money = await begin('basic');
    given.provider.charges = [pending];
    given.provider.lookups = [pending];
    given.provider.refusesCancels = true;
    await money.life.advance(on('07-01'));
    await cancelPayment(given, await money.paymentId(1), 'a mistake');
    await money.followUp(1, on('07-05'));
    expect(await money.tasks()).toEqual(['unknown_outcome']);
    expect(given.provider.askedCancels.length).toBeGreaterThan(6);
    given.provider.lookups = [completed];
    await money.followUp(1, on('07-06'));
    expect(await money.refunds()).toEqual([[1, 1000, 'payment_cancelled']]);
    expect(await money.tasks()).toEqual([]);
    await money.payOut();
  });
});
