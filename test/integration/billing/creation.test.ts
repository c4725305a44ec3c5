import fc from 'fast-check';
import { createSubscriptionActivities } from '../../../activities/subscription';
import { attemptPayment } from '../../../billing/payment/attempt';
import { beginCreation } from '../../../billing/subscription/begin';
import { adoptSubscription, createSubscription } from '../../../billing/subscription/create';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import type { SubscriptionCreation } from '../../../contracts/workflows/commands';
import { periodPaymentId } from '../../../domain/ids';
import { declined, completed, useBilling, noAnswer } from '../../support/billing';
import { fakeMessenger } from '../../support/fake-messenger';

const given = useBilling();

const rowOf = (id: string) => given.db.subscription.findUniqueOrThrow({ where: { id } });
const eventsOf = (id: string) =>
  given.db.outboxEvent.findMany({ where: { key: id }, orderBy: { id: 'asc' } });
const topicsOf = async (id: string) =>
  (await eventsOf(id)).map(({ event_id, topic }) => `${topic} ${event_id}`);
const charge = (paymentId: string, outcomes = [completed]) => {
  given.provider.charges = outcomes;
  return attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
};
const minutes = (date: Date) => date.getTime() / 60_000;

describe('beginning a creation', () => {
  it('writes one subscription, one period and one payment, however many execute it', async () => {
    const creation = given.creation();
    const id = creation.subscription_id;
    const begun = await Promise.all(Array.from({ length: 20 }, () => beginCreation(given, creation)));
    expect(new Set(begun.map(({ kind }) => kind))).toEqual(new Set(['charge']));
    expect(await given.db.payment.count({ where: { subscription_id: id } })).toBe(1);
    expect(await given.db.subscriptionPeriod.count({ where: { subscription_id: id } })).toBe(1);
    expect(await topicsOf(id)).toEqual([]);
  });

  it('finds what it wrote when it is repeated, also after the time to accept it', async () => {
    const creation = given.creation();
    await beginCreation(given, creation);
    const late = { ...creation, accept_by: '2020-01-01T00:00:00.000Z' };
    expect(await beginCreation(given, late)).toMatchObject({ kind: 'charge' });
  });

  it('writes nothing when the time to accept it has passed', async () => {
    const creation = given.creation({ accept_by: new Date(Date.now() - 60_000).toISOString() });
    expect(await beginCreation(given, creation)).toEqual({ kind: 'too_late' });
    expect(await given.db.subscription.findUnique({ where: { id: creation.subscription_id } })).toBeNull();
  });

  it('refuses for good what names a plan that is not there', async () => {
    const activities = createSubscriptionActivities({ ...given, messenger: fakeMessenger({}) });
    const refused = activities.createSubscription(given.creation({ plan_id: 'nothing' }));
    await expect(refused).rejects.toMatchObject({ type: 'validation_failed', nonRetryable: true });
  });

  const month = (from: Date) => {
    const to = new Date(from);
    to.setUTCMonth(to.getUTCMonth() + 1);
    return to;
  };

  it('opens the first period of what is to be paid now: unpaid, one interval long, not due', async () => {
    const { subscriptionId, paymentId } = await given.begun();
    const row = await rowOf(subscriptionId);
    const { period_start: start, period_end: end } = row;
    expect(row).toMatchObject({
      version: 0,
      status: 'incomplete',
      period_index: 1,
      period_paid: false,
      open_payment_id: paymentId,
      next_due_at: null,
    });
    expect(row.billing_anchor).toEqual(start);
    // The end of a month clamps; less than three days can be missing.
    expect(Math.abs(minutes(end ?? new Date(0)) - minutes(month(start ?? new Date(0))))).toBeLessThanOrEqual(
      3 * 1_440,
    );
  });

  it('begins a trial at once, with its period 0, and is due at its end', async () => {
    const creation = given.creation({ trial_days: 14 });
    expect(await beginCreation(given, creation)).toMatchObject({ kind: 'concluded' });
    const row = await rowOf(creation.subscription_id);
    expect(row).toMatchObject({
      version: 1,
      status: 'trialing',
      period_index: 0,
      period_paid: true,
      first_payment_id: null,
    });
    expect(row.trial_end).toEqual(row.period_end);
    expect(row.billing_anchor).toEqual(row.trial_end);
    expect(row.next_due_at).toEqual(row.trial_end);
    expect(minutes(row.trial_end ?? new Date(0)) - minutes(row.start_at)).toBe(14 * 1_440);
    expect(await topicsOf(row.id)).toEqual([`subscriptions.created ${row.id}/v1`]);
  });

  it('charges at once when the creation waives the trial that its plan has', async () => {
    const monthly = { currency: 'EUR', interval_unit: 'month', interval_count: 1 };
    await given.db.plan.create({
      data: { id: 'tried', name: 'Tried', amount: 1000, trial_days: 14, ...monthly },
    });
    const waived = given.creation({ plan_id: 'tried', trial_days: 0 });
    expect(await beginCreation(given, waived)).toMatchObject({ kind: 'charge' });
    expect(await rowOf(waived.subscription_id)).toMatchObject({
      status: 'incomplete',
      period_index: 1,
      trial_days: 0,
      trial_end: null,
    });
    // Without a word of its own, the creation takes the trial of the plan.
    const silent = given.creation({ plan_id: 'tried', trial_days: null });
    expect(await beginCreation(given, silent)).toMatchObject({ kind: 'concluded' });
    expect(await rowOf(silent.subscription_id)).toMatchObject({ status: 'trialing', trial_days: 14 });
  });

  it('waits for a start that lies ahead without a period', async () => {
    const start_at = '2099-03-01T09:00:00.000Z';
    const creation = given.creation({ start_at });
    await beginCreation(given, creation);
    const row = await rowOf(creation.subscription_id);
    expect(row).toMatchObject({
      version: 1,
      status: 'scheduled',
      period_index: null,
      next_due_at: new Date(start_at),
    });
    expect(await topicsOf(row.id)).toEqual([`subscriptions.created ${row.id}/v1`]);
  });

  it('needs no payment for a free plan', async () => {
    const creation = given.creation({ plan_id: 'free', payment_method_id: null });
    await beginCreation(given, creation);
    const row = await rowOf(creation.subscription_id);
    expect(row).toMatchObject({
      version: 1,
      status: 'active',
      period_index: 1,
      period_paid: true,
      first_payment_id: null,
    });
    expect(row.next_due_at).toEqual(row.period_end);
    expect(await topicsOf(row.id)).toEqual([`subscriptions.created ${row.id}/v1`]);
  });

  it('keeps its rows and events consistent for whatever is asked for', async () => {
    const asked = fc.record({
      plan_id: fc.constantFrom('gold', 'free'),
      quantity: fc.integer({ min: 1, max: 1_000 }),
      trial_days: fc.constantFrom(null, 0, 1, 730),
      start_at: fc.constantFrom(null, '2020-01-01T00:00:00.000Z', '2099-12-31T23:59:59.000Z'),
      time_zone: fc.constantFrom(null, 'Pacific/Kiritimati', 'Pacific/Pago_Pago'),
    }) as fc.Arbitrary<Partial<SubscriptionCreation>>;
    let number = 0;
    await fc.assert(
      fc.asyncProperty(asked, async (more) => {
        number += 1;
        const creation = given.creation({ ...more, subscription_id: `sub_any_${number}` });
        const begun = await beginCreation(given, creation);
        const row = await rowOf(creation.subscription_id);
        const isCharged = row.first_payment_id !== null;
        expect(begun.kind).toBe(isCharged ? 'charge' : 'concluded');
        expect(row.version).toBe(isCharged ? 0 : 1);
        expect(await topicsOf(row.id)).toHaveLength(isCharged ? 0 : 1);
        const periods = await given.db.subscriptionPeriod.findMany({ where: { subscription_id: row.id } });
        expect(periods).toHaveLength(row.status === 'scheduled' ? 0 : 1);
        expect(row.next_due_at === null).toBe(isCharged);
      }),
      { seed: 20_261_123, numRuns: 40 },
    );
  });
});

describe('the first payment', () => {
  it('that is paid makes the subscription active, with one event that says so', async () => {
    const { subscriptionId: id, paymentId } = await given.begun();
    await charge(paymentId);
    const { subscription } = await applyFirstPayment(given.db, id);
    expect(subscription).toMatchObject({
      version: 1,
      status: 'active',
      open_payment_id: null,
      period: { paid: true },
    });
    const row = await rowOf(id);
    expect(row.next_due_at).toEqual(row.period_end);
    expect(await topicsOf(id)).toEqual([`subscriptions.created ${id}/v1`]);
    const period = await given.db.subscriptionPeriod.findFirstOrThrow({ where: { subscription_id: id } });
    expect(period).toMatchObject({ paid_at: expect.any(Date), payment_id: paymentId });
  });

  it('carries the trace of who asked to the event of the creation, with a charge and without', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { subscriptionId: charged, paymentId } = await given.begun({ traceparent });
    await charge(paymentId);
    await applyFirstPayment(given.db, charged);
    const trial = given.creation({ trial_days: 7, traceparent });
    await beginCreation(given, trial);
    for (const id of [charged, trial.subscription_id]) {
      const [created] = await eventsOf(id);
      expect(JSON.parse(created?.payload ?? '{}')).toMatchObject({ traceparent });
    }
  });

  it('that is declined ends the creation without any event', async () => {
    const { subscriptionId: id, paymentId } = await given.begun();
    await charge(paymentId, [declined]);
    const { subscription } = await applyFirstPayment(given.db, id);
    expect(subscription).toMatchObject({ version: 1, status: 'expired', open_payment_id: null });
    expect(await topicsOf(id)).toEqual([]);
  });

  it('that stays open is announced, and settles the subscription later with an event of its own', async () => {
    const { subscriptionId: id, paymentId } = await given.begun();
    await charge(paymentId, [noAnswer]);
    const open = await applyFirstPayment(given.db, id);
    expect(open.subscription).toMatchObject({ version: 1, status: 'incomplete', open_payment_id: paymentId });
    expect(await applyFirstPayment(given.db, id)).toEqual(open);
    await charge(paymentId);
    const settled = await applyFirstPayment(given.db, id);
    expect(settled.subscription).toMatchObject({ version: 2, status: 'active' });
    expect(await topicsOf(id)).toEqual([`subscriptions.created ${id}/v1`, `subscriptions.updated ${id}/v2`]);
    const [created, updated] = (await eventsOf(id)).map(({ payload }) => JSON.parse(payload ?? '{}').data);
    expect(created.first_payment).toMatchObject({ payment_id: paymentId, status: 'processing' });
    expect(updated).toMatchObject({ changes: ['activated'], previous: { status: 'incomplete' } });
  });

  it('is applied once by twenty at once', async () => {
    const { subscriptionId: id, paymentId } = await given.begun();
    await charge(paymentId);
    const applied = await Promise.all(Array.from({ length: 20 }, () => applyFirstPayment(given.db, id)));
    expect(new Set(applied.map(({ subscription }) => subscription.version))).toEqual(new Set([1]));
    expect(await topicsOf(id)).toHaveLength(1);
  });
});

describe('a creation in one go', () => {
  it('is charged once and concluded once, however many execute it', async () => {
    const creation = given.creation();
    const id = creation.subscription_id;
    given.provider.charges = [completed];
    given.provider.asked.length = 0;
    const made = await Promise.all(Array.from({ length: 20 }, () => createSubscription(given, creation)));
    expect(new Set(made.map(({ kind }) => kind))).toEqual(new Set(['concluded']));
    expect(await rowOf(id)).toMatchObject({ version: 1, status: 'active', period_paid: true });
    expect(await topicsOf(id)).toEqual([`subscriptions.created ${id}/v1`]);
    expect(new Set(given.provider.asked.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  });

  it('that was lost before its call is carried on by whoever adopts it, with the same attempt', async () => {
    const { subscriptionId: id, paymentId } = await given.begun();
    given.provider.charges = [completed];
    given.provider.asked.length = 0;
    expect(await adoptSubscription(given, id)).toMatchObject({ kind: 'concluded' });
    expect(given.provider.asked).toMatchObject([{ idempotencyKey: `${paymentId}/1` }]);
    expect(await rowOf(id)).toMatchObject({ version: 1, status: 'active' });
    expect(await adoptSubscription(given, 'sub_that_never_was')).toEqual({ kind: 'none' });
  });

  it('whose answer is open applies nothing yet, and says whether the customer has to act', async () => {
    const action = { type: 'redirect', url: 'https://bank.example/3ds', expires_at: null } as const;
    const waits = { status: 'requires_action', provider_reference: 'ch_1', next_action: action } as const;
    for (const [outcome, waitsForCustomer] of [
      [noAnswer, false],
      [waits, true],
    ] as const) {
      const creation = given.creation();
      given.provider.charges = [outcome];
      const made = await createSubscription(given, creation);
      expect(made).toMatchObject({ kind: 'open', waitsForCustomer });
      expect(await rowOf(creation.subscription_id)).toMatchObject({ version: 0, status: 'incomplete' });
      expect(await topicsOf(creation.subscription_id)).toEqual([]);
    }
  });

  it('whose call breaks off is open, never failed', async () => {
    const creation = given.creation();
    given.provider.slow = () => Promise.reject(new Error('the adapter had a bad day'));
    const made = await createSubscription(given, creation);
    given.provider.slow = () => Promise.resolve();
    expect(made).toMatchObject({ kind: 'open', waitsForCustomer: false });
    const paymentId = periodPaymentId(creation.subscription_id, 1);
    const [attempt] = await given.db.paymentAttempt.findMany({ where: { payment_id: paymentId } });
    expect(attempt).toMatchObject({ status: 'processing', settled_at: null });
  });
});
