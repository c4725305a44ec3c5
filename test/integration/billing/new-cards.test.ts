/** A card that comes while a payment is failed is tried at once, by whatever route it comes; W2 and W12. */
import { changeCustomer } from '../../../billing/customer/customers';
import { addPaymentMethod, deletePaymentMethod } from '../../../billing/customer/payment-methods';
import { methodToCharge, paymentsToPlanAgain } from '../../../billing/payment/card-store';
import { refusalNow } from '../../../billing/payment/retry-facts';
import { repair } from '../../../billing/reconcile/repair';
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { planRetry } from '../../../billing/retry/plan';
import { paymentRow, subscriptionRow } from '../../../billing/rows';
import { failure, paymentKinds } from '../../../domain/payment/payment';
import { shippedPolicy } from '../../../domain/retry/policy';
import { writeRetryPolicy } from '../../../billing/payment/retry-policies';
import { completed, declined, declinedAs, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { writeFailed } from '../../support/failed-payment';
import { activitiesOf, failRenewal, policyThat, type FailedRenewal } from '../../support/failed-renewals';
import { nothingAsked } from '../../support/subscription-life';

const given = useBilling();

let methods = 0;
/** Adds a card by the API's route. @returns its id, and the payments whose retries are started */
async function add(customerId: string, { isDefault = true, fingerprint = null as string | null } = {}) {
  methods += 1;
  const id = `pm_new_${methods}`;
  const method = { provider: 'sandbox', token: `tok_ok#${id}`, default: isDefault };
  const { messages } = await addPaymentMethod(given.db, {
    id,
    customerId,
    fingerprint,
    isLive: false,
    method,
  });
  return { id, woken: messages.map((message) => ('payment_id' in message ? message.payment_id : '')) };
}

const tried = (now: string) => ({
  kind: 'attempt',
  at: now,
  reason: 'a payment method that was not tried yet',
});
const hard = declinedAs('stolen_or_lost');
const fourthDay = '2031-02-04T12:00:00.000Z';

/** What was planned for the card before is over: the money comes, and the subscription runs. */
async function expectRecovered({ lived, attempt, paymentId }: FailedRenewal): Promise<void> {
  given.provider.charges = [completed];
  expect(await attempt()).toEqual({ status: 'completed' });
  const { activities } = activitiesOf(given);
  const { subscription } = await activities.applyPayment(lived.id, paymentId);
  expect(subscription).toMatchObject({ status: 'active', period: { paid: true } });
}

describe('W2: a new card', () => {
  it('of a customer whose trial ended without one is tried at once', async () => {
    const failed = await failRenewal(given, { trial_days: 31, payment_method_id: null });
    expect(await failed.plan()).toMatchObject({ kind: 'wait', reason: 'the customer has no payment method' });
    await failed.lived.setNow(fourthDay);
    expect((await add(failed.customerId)).woken).toEqual([failed.paymentId]);
    expect(await failed.plan()).toEqual(tried(fourthDay));
    await expectRecovered(failed);
  });

  it('named by PUT is tried at once, also when the policy has left the subscription past due', async () => {
    const failed = await failRenewal(given, { retry_policy_id: await policyThat(given, 'leave_past_due') });
    const yearLater = '2032-02-01T12:00:00.000Z';
    await failed.lived.setNow(yearLater);
    expect(await failed.plan()).toMatchObject({ kind: 'exhausted', final_action: 'leave_past_due' });
    expect(await failed.giveUp('leave_past_due')).toBe('past_due');
    const { id, woken } = await add(failed.customerId, { isDefault: false });
    expect(woken).toEqual([]);
    const { activities, woken: started } = activitiesOf(given);
    const command = { ...nothingAsked, actor, command_id: `${failed.lived.id}/put`, payment_method_id: id };
    await activities.commitChange(failed.lived.id, command);
    expect(started).toEqual([`${failed.paymentId} paymentMethodChanged`]);
    expect(await failed.plan()).toEqual(tried(yearLater));
    await expectRecovered(failed);
  });

  it('that takes the place of the default before it is tried at once', async () => {
    const failed = await failRenewal(given, { trial_days: 31, payment_method_id: null });
    await add(failed.customerId);
    given.provider.charges = [declined];
    await failed.attempt();
    await failed.plan();
    const { id, woken } = await add(failed.customerId, { isDefault: false });
    expect(woken).toEqual([]);
    const { messages } = await changeCustomer(given.db, failed.customerId, { default_payment_method_id: id });
    expect(messages).toEqual([
      { kind: 'start_retry', payment_id: failed.paymentId, reason: 'paymentMethodChanged' },
    ]);
    expect(await failed.plan()).toMatchObject({ kind: 'attempt', reason: tried('').reason });
  });

  it('is the default that is left when the subscription’s own is deleted: found by the reconciliation', async () => {
    const failed = await failRenewal(given);
    expect((await add(failed.customerId)).woken).toEqual([]);
    const { payment_method_id: own } = await failed.lived.read();
    await deletePaymentMethod(given.db, failed.customerId, own ?? '', false);
    const items = await findStuckWork(given.db, { toleranceMs: 0, testClockId: null, limit: 5_000 });
    expect(items).toContainEqual({
      predicate: 'payment_method_not_planned',
      subject: { type: 'payment', id: failed.paymentId },
    });
    expect(await failed.plan()).toMatchObject({ kind: 'attempt', reason: tried('').reason });
  });

  it('helps a payment of its own that named none, and no other', async () => {
    const document = { ...shippedPolicy, retry_manual_payments: true };
    const at = new Date('2031-01-01T00:00:00.000Z');
    await writeRetryPolicy(given.db, { id: 'default', document, actor, at, expected: null });
    for (const [id, named_method] of [
      ['pay_unnamed', false],
      ['pay_named', true],
    ] as const) {
      await writeFailed(given.db, { id, at: new Date().toISOString() });
      await given.db.payment.update({ where: { id }, data: { named_method } });
      await planRetry(given.db, id);
      expect((await add(`cus_of_${id}`)).woken).toEqual(named_method ? [] : [id]);
    }
    await writeRetryPolicy(given.db, { id: 'default', document: shippedPolicy, actor, at, expected: null });
  });

  it('whose retry was not signalled is found by the reconciliation, until it is planned with', async () => {
    const failed = await failRenewal(given, { trial_days: 31, payment_method_id: null });
    await add(failed.customerId);
    const found = async () => {
      const items = await findStuckWork(given.db, { toleranceMs: 0, testClockId: null, limit: 5_000 });
      return items.filter(
        ({ predicate, subject }) =>
          predicate === 'payment_method_not_planned' && subject.id === failed.paymentId,
      );
    };
    const [item] = await found();
    expect(item && (await repair(given, item))).toEqual([
      { kind: 'start_retry', payment_id: failed.paymentId, reason: 'paymentMethodChanged' },
    ]);
    await failed.plan();
    expect(await found()).toEqual([]);
  });

  it('is tried before the final action that was reported an instant earlier', async () => {
    const failed = await failRenewal(given);
    await failed.lived.setNow('2031-02-15T11:59:59.000Z');
    await failed.plan();
    const { id } = await add(failed.customerId, { isDefault: false });
    await failed.lived.change({ payment_method_id: id });
    expect(await failed.giveUp('expire')).toBe('past_due');
    expect(await failed.plan()).toMatchObject(tried('2031-02-15T11:59:59.000Z'));
    // The attempt has begun: the report is late, too.
    expect(await failed.giveUp('expire')).toBe('past_due');
    await failed.attempt();
    await failed.lived.setNow('2031-02-15T12:00:00.000Z');
    expect(await failed.plan()).toMatchObject({ kind: 'exhausted' });
    expect(await failed.giveUp('expire')).toBe('expired');
  });
});

describe('W12: a hard decline', () => {
  async function declinedForGood(): Promise<FailedRenewal> {
    const failed = await failRenewal(given, { trial_days: 31, payment_method_id: null });
    await add(failed.customerId, { fingerprint: 'card' });
    given.provider.charges = [hard];
    await failed.attempt();
    await failed.plan();
    return failed;
  }
  const refusal = async (paymentId: string) => {
    const payment = paymentRow(await given.db.payment.findUniqueOrThrow({ where: { id: paymentId } }));
    const row = await given.db.subscription.findUniqueOrThrow({
      where: { id: payment.subscription_id ?? '' },
    });
    return refusalNow(given.db, payment, subscriptionRow(row), null, new Date('2031-02-01T12:00:00.000Z'));
  };

  it('goes with the card: deleted and added again it is refused', async () => {
    const failed = await declinedForGood();
    const { default_payment_method_id: id } = await given.db.customer.findUniqueOrThrow({
      where: { id: failed.customerId },
    });
    await deletePaymentMethod(given.db, failed.customerId, id ?? '', true);
    expect((await add(failed.customerId, { fingerprint: 'card' })).woken).toEqual([failed.paymentId]);
    expect(await failed.plan()).toMatchObject({
      kind: 'wait',
      reason: 'no further attempt with this payment method after stolen_or_lost',
    });
    expect(await refusal(failed.paymentId)).toBe('hard_declined');
  });

  it('says nothing about another card, nor about one whose fingerprint is not known', async () => {
    for (const fingerprint of ['another card', null]) {
      const failed = await declinedForGood();
      await add(failed.customerId, { fingerprint });
      expect(await failed.plan()).toMatchObject({ kind: 'attempt' });
      expect(await refusal(failed.paymentId)).toBeNull();
    }
  });

  it('is remembered through a soft decline of the same card', async () => {
    const failed = await declinedForGood();
    await given.db.paymentAttempt.create({
      data: {
        payment_id: failed.paymentId,
        number: 3,
        idempotency_key: `${failed.paymentId}/3`,
        trigger: 'manual_retry',
        on_session: false,
        provider: 'sandbox',
        payment_method_id: (await add(failed.customerId, { isDefault: false, fingerprint: 'card' })).id,
        amount: 1000,
        currency: 'EUR',
        status: 'failed',
        failure: { ...failure('do_not_honor', 'Not now.') },
        started_at: new Date(),
        settled_at: new Date('2031-02-01T13:00:00.000Z'),
      },
    });
    expect(await refusal(failed.paymentId)).toBe('hard_declined');
  });
});

test('the rows say of every payment what an attempt would charge', async () => {
  const ids = ['own', 'named', 'fallback'] as const;
  const choices = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((alive) =>
    paymentKinds.flatMap((kind) => [true, false].map((named) => ({ alive, kind, named }))),
  );
  const retried = choices.filter(({ kind }) => kind === 'renewal' || kind === 'manual');
  for (const [at, { alive, kind, named }] of retried.entries()) {
    const id = `choice_${at}`;
    await writeFailed(given.db, { id, plan: 'gold' });
    const customer_id = `cus_of_${id}`;
    await given.db.paymentMethod.createMany({
      data: ids.map((name, index) => ({
        id: `${id}_${name}`,
        customer_id,
        provider: 'sandbox',
        token: 'tok_ok',
        deleted_at: (alive >> index) % 2 === 1 ? null : new Date(),
      })),
    });
    await given.db.customer.update({
      where: { id: customer_id },
      data: { default_payment_method_id: `${id}_fallback` },
    });
    await given.db.subscription.update({
      where: { id: `sub_of_${id}` },
      data: { payment_method_id: `${id}_own` },
    });
    const written = await given.db.payment.update({
      where: { id },
      data: { kind, named_method: named, payment_method_id: `${id}_named` },
    });
    const subscription = { payment_method_id: `${id}_own` };
    const method = await methodToCharge(given.db, paymentRow(written), subscription);
    const plan = { payment_id: id, after_attempt: 1, kind: 'attempt', at: new Date(), reason: 'test' };
    const policy = { policy_id: 'default', policy_version: 1 };
    await given.db.retryPlan.create({
      data: { ...plan, ...policy, sequence: 1, payment_method_id: method?.id ?? null },
    });
    expect(await paymentsToPlanAgain(given.db, { payment_id: id })).toEqual([]);
    await given.db.retryPlan.create({
      data: { ...plan, ...policy, sequence: 2, payment_method_id: 'another' },
    });
    expect(await paymentsToPlanAgain(given.db, { payment_id: id })).toEqual([id]);
  }
});
