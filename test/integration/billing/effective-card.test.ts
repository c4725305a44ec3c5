/** What would be charged decides, not what the subscription's own column says (W4); what is due opens at once (W11). */
import { renewSubscription } from '../../../billing/renewal/renew';
import { addPaymentMethod, deletePaymentMethod } from '../../../billing/customer/payment-methods';
import { attemptPayment } from '../../../billing/payment/attempt';
import { publishDue } from '../../../billing/renewal/publish-due';
import { applyPayment } from '../../../billing/subscription/apply-payment';
import { recordDunningStarted } from '../../../billing/subscription/dunning';
import type { ProblemError } from '../../../contracts/problem-error';
import type { SubscriptionCreation } from '../../../contracts/workflows/commands';
import { periodPaymentId } from '../../../domain/ids';
import { completed, declined, useBilling } from '../../support/billing';
import { moveBack } from '../../support/due';
import { activitiesOf, failRenewal } from '../../support/failed-renewals';
import { startLife } from '../../support/subscription-life';

const given = useBilling();
beforeAll(async () => {
  const days = { currency: 'EUR', interval_unit: 'day', interval_count: 2 };
  await given.db.plan.create({ data: { id: 'two_days', name: 'Two days', amount: 1000, ...days } });
});
beforeEach(() => {
  given.provider.charges = [completed];
});

const startedAt = '2031-01-01T12:00:00.000Z';
const trialEnd = '2031-01-15T12:00:00.000Z';

async function inTrial(more: Partial<SubscriptionCreation> = {}) {
  const lived = await startLife(given, startedAt, { trial_days: 14, payment_method_id: null, ...more });
  const { customer_id: customerId } = await lived.read();
  return { lived, customerId };
}

async function add(customerId: string, id: string, isDefault: boolean): Promise<void> {
  const method = { provider: 'sandbox', token: `tok_ok#${id}`, default: isDefault };
  await addPaymentMethod(given.db, { id, customerId, fingerprint: null, isLive: false, method });
}

describe('a cancellation at the end of the period, in a trial', () => {
  it('W4: ends with the trial when the customer’s default would be charged', async () => {
    const { lived, customerId } = await inTrial();
    await add(customerId, 'pm_default', true);
    await lived.cancel({ mode: 'period_end' });
    expect(await lived.read()).toMatchObject({ status: 'trialing', cancel_at: trialEnd });
    expect(await lived.advance(trialEnd)).toMatchObject({ status: 'cancelled' });
    expect(given.provider.asked.filter(({ customerId: of }) => of === customerId)).toEqual([]);
  });

  it('W4: so does the one of a change that names a card in the same command', async () => {
    const { lived, customerId } = await inTrial();
    await add(customerId, 'pm_named', false);
    await lived.change({ cancel_at_period_end: true, payment_method_id: 'pm_named' });
    expect(await lived.read()).toMatchObject({
      status: 'trialing',
      cancel_at: trialEnd,
      payment_method_id: 'pm_named',
    });
  });

  it('W4: ends at once where nothing would be charged: the own card was deleted, and there is no default', async () => {
    const { lived, customerId } = await inTrial();
    await add(customerId, 'pm_gone', false);
    await lived.change({ payment_method_id: 'pm_gone' });
    await deletePaymentMethod(given.db, customerId, 'pm_gone', true);
    await lived.cancel({ mode: 'period_end' });
    expect(await lived.read()).toMatchObject({ status: 'cancelled' });
  });
});

it('W4: the default is in use where a subscription’s own card is deleted, and is kept', async () => {
  const { lived, customerId } = await inTrial();
  await add(customerId, 'pm_of_its_own', false);
  await add(customerId, 'pm_standing_in', true);
  await lived.change({ payment_method_id: 'pm_of_its_own' });
  await deletePaymentMethod(given.db, customerId, 'pm_of_its_own', false);
  await expect(deletePaymentMethod(given.db, customerId, 'pm_standing_in', false)).rejects.toMatchObject({
    code: 'payment_method_in_use',
  } satisfies Partial<ProblemError>);
  expect(await lived.change({ payment_method_id: 'pm_of_its_own' })).toMatchObject({
    code: 'validation_failed',
    reason: 'payment_method_id',
  });
});

/** What was published as due of a subscription, as `period cause`. */
async function published(id: string): Promise<string[]> {
  const rows = await given.db.outboxEvent.findMany({
    where: { key: id, topic: 'subscriptions.renew_required' },
    orderBy: { id: 'asc' },
  });
  return rows.map(({ payload }) => {
    const { data } = JSON.parse(payload ?? '{}') as { data: { period_index: number; cause: string } };
    return `${data.period_index} ${data.cause}`;
  });
}

describe('a period that is paid when the next one is due', () => {
  it('W11: by a test clock, the next one is published as due with the payment', async () => {
    const failed = await failRenewal(given, { plan_id: 'two_days' });
    const { lived, paymentId } = failed;
    // 31 days of two: the renewal of 3 January failed, and the clock stands at 1 February.
    const renewal = periodPaymentId(lived.id, 2);
    expect(paymentId).toBe(renewal);
    given.provider.charges = [completed];
    await failed.attempt();
    const { activities } = activitiesOf(given);
    await activities.applyPayment(lived.id, renewal);
    expect(await published(lived.id)).toEqual(['3 period_end']);
    // The period that it opens is over as well; so it goes on, up to the present one.
    await renewSubscription(given, lived.id);
    expect((await published(lived.id)).at(-1)).toBe('4 period_end');
    expect(await lived.read()).toMatchObject({ status: 'active', period: { index: 3, paid: true } });
    const row = await given.db.subscription.findUniqueOrThrow({ where: { id: lived.id } });
    expect(row.announced_version).toBe(row.version);
  });

  it('W11: what lies ahead by the clock is left to the clock', async () => {
    const failed = await failRenewal(given);
    given.provider.charges = [completed];
    await failed.attempt();
    await activitiesOf(given).activities.applyPayment(failed.lived.id, failed.paymentId);
    expect(await published(failed.lived.id)).toEqual([]);
  });

  it('W11: by real time, the scheduler finds it with its next look', async () => {
    const { subscriptionId, paymentId } = await given.opened();
    given.provider.charges = [declined, completed];
    await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'renewal' });
    await recordDunningStarted(given, subscriptionId, { payment_id: paymentId, period_index: 1 });
    const query = (text: string, values: unknown[]) => given.db.$executeRawUnsafe(text, ...values);
    await moveBack({ query }, subscriptionId, '1 month 1 day');
    await attemptPayment(given, { payment_id: paymentId, number: 2, trigger: 'automatic_retry' });
    await applyPayment(given, subscriptionId, paymentId);
    expect(await published(subscriptionId)).toEqual([]);
    await publishDue(given.db, { renewalsPerSecond: 0, shards: 1, tickMs: 1_000 }, 0);
    expect(await published(subscriptionId)).toEqual(['2 period_end']);
  });
});
