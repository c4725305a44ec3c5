/** What customers are told of a failed payment, asked for with the rows that make it true. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { planRetry } from '../../../billing/retry/plan';
import { applyPayment } from '../../../billing/subscription/apply-payment';
import { recordDunningExhausted, recordDunningStarted } from '../../../billing/subscription/dunning';
import type { EventData } from '../../../contracts/topics/events';
import { shippedPolicy, type RetryPolicyDocument } from '../../../domain/retry/policy';
import { previewOf } from '../../../domain/retry/preview';
import { inTransaction } from '../../../prisma/client';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { writeRetryPolicy } from '../../../billing/payment/retry-policies';
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { completed, declined, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { startLife, type SubscriptionLife } from '../../support/subscription-life';

const given = useBilling();

const failedAt = '2027-02-01T00:00:00.000Z';
const at = (days: number) => new Date(Date.parse(failedAt) + days * 86_400_000).toISOString();

interface Owing {
  lived: SubscriptionLife;
  paymentId: string;
  customerId: string;
}

/** A subscription whose renewal was declined, under a policy of its own where one is given. */
async function owing(policy?: Partial<RetryPolicyDocument>): Promise<Owing> {
  const name =
    policy === undefined
      ? 'default'
      : `policy-${JSON.stringify(policy).length}-${Object.keys(policy).join('-')}`;
  if (policy !== undefined) {
    const document = { ...shippedPolicy, ...policy };
    await writeRetryPolicy(given.db, { id: name, document, actor, at: new Date(), expected: null });
  }
  given.provider.charges = [completed, declined];
  const lived = await startLife(given, '2027-01-01T00:00:00.000Z', { retry_policy_id: name });
  await lived.advance(failedAt);
  const { id, customer_id } = await given.db.payment.findFirstOrThrow({
    where: { subscription_id: lived.id, period_index: 2 },
  });
  return { lived, paymentId: id, customerId: customer_id };
}

async function asked({
  customerId,
}: Owing): Promise<{ id: string; at: string; data: EventData<'notifications.requested'> }[]> {
  const rows = await given.db.outboxEvent.findMany({
    where: { key: customerId, topic: 'notifications.requested' },
    orderBy: { id: 'asc' },
  });
  return rows.map(({ event_id, payload }) => {
    const { data } = JSON.parse(payload ?? '{}') as { data: EventData<'notifications.requested'> };
    return { id: event_id, at: data.not_before, data };
  });
}
const namesOf = async (its: Owing) => (await asked(its)).map(({ id }) => id.replace(`${its.paymentId}/`, ''));
const retry = ({ paymentId }: Owing, number: number) =>
  attemptPayment(given, { payment_id: paymentId, number, trigger: 'automatic_retry' });

/** Does what `retry/{payment}` does, stopping where it would wake, until it ends. */
async function collect(its: Owing): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) {
    const state = await planRetry(given.db, its.paymentId);
    if (state === null || state.next.kind === 'done' || state.next.kind === 'open') return;
    const reported = { payment_id: its.paymentId, period_index: 2 };
    await recordDunningStarted(given, its.lived.id, reported);
    const until = 'until' in state.next ? (state.next.until ?? '') : state.next.at;
    if (until > (state.clock_now ?? '')) {
      await its.lived.setNow(state.notice_at !== null && state.notice_at < until ? state.notice_at : until);
    } else if (state.next.kind === 'attempt') await retry(its, state.next_number);
    else if (state.next.kind === 'exhausted') {
      const { final_action } = state.next;
      await recordDunningExhausted(given, its.lived.id, { ...reported, final_action });
      return;
    }
  }
  throw new Error('it does not end');
}

describe('a payment that is never paid', () => {
  it('is told of at each failure, reminded of as the preview says, and at its end; each once, nothing personal', async () => {
    const its = await owing();
    await collect(its);
    await planRetry(given.db, its.paymentId);
    const reported = await asked(its);
    const preview = previewOf(shippedPolicy, {
      category: 'insufficient_funds',
      failed_at: failedAt,
      time_zone: 'UTC',
      network: null,
      earlier_attempts: [failedAt],
    });
    const wanted = preview.map((entry) => [
      entry.kind === 'attempt'
        ? 'payment_failed'
        : entry.kind === 'reminder'
          ? 'final_action_ahead'
          : 'final_action_taken',
      entry.at,
    ]);
    expect(reported.map((one) => [one.data.template, one.at])).toEqual([
      ['payment_failed', failedAt],
      ...wanted,
    ]);
    expect(await namesOf(its)).toEqual([
      'payment_failed/attempt/1',
      'payment_failed/attempt/2',
      'payment_failed/attempt/3',
      'final_action_ahead/days/3',
      'final_action_ahead/days/1',
      'final_action_taken/expire',
    ]);
    expect(reported[0]?.data).toEqual({
      customer_id: its.customerId,
      template: 'payment_failed',
      subscription_id: its.lived.id,
      payment_id: its.paymentId,
      not_before: failedAt,
      data: {
        amount: 1000,
        currency: 'EUR',
        attempt: 1,
        customer_must_act: false,
        next_attempt_at: preview[0]?.at,
        final_action: 'expire',
        final_action_at: at(14),
      },
    });
    const payment = await given.db.payment.findUniqueOrThrow({ where: { id: its.paymentId } });
    expect(payment).toMatchObject({ status: 'uncollectible', next_notice_at: null, next_attempt_at: null });
  });

  it('under a policy that leaves it due is told of when nothing is tried any more', async () => {
    const its = await owing({
      final_action: 'leave_past_due',
      notify: { on_failure: false, before_final_days: [2] },
    });
    await collect(its);
    await planRetry(given.db, its.paymentId);
    expect(await namesOf(its)).toEqual(['final_action_ahead/days/2', 'final_action_taken/leave_past_due']);
    expect((await asked(its)).map((one) => one.at)).toEqual([at(12), at(14)]);
  });

  it('is not told of where the policy tells customers nothing', async () => {
    const its = await owing({ notify: { on_failure: false, before_final_days: [] } });
    await collect(its);
    expect(await namesOf(its)).toEqual([]);
    expect((await its.lived.read()).status).toBe('expired');
  });
});

describe('reminders that were missed', () => {
  it('are made up for by the latest, while the final action is ahead', async () => {
    const its = await owing({ ladder: [{ after: 'P1D' }] });
    await planRetry(given.db, its.paymentId);
    await its.lived.setNow(at(1.5));
    await retry(its, 2);
    await its.lived.setNow(at(13.5));
    await planRetry(given.db, its.paymentId);
    await planRetry(given.db, its.paymentId);
    expect((await namesOf(its)).filter((name) => name.startsWith('final'))).toEqual([
      'final_action_ahead/days/1',
    ]);
  });

  it('are dropped when the final action has come', async () => {
    const its = await owing({ ladder: [{ after: 'P2D' }] });
    await planRetry(given.db, its.paymentId);
    await its.lived.setNow(at(20));
    await collect(its);
    expect(await namesOf(its)).toEqual(['payment_failed/attempt/1', 'final_action_taken/expire']);
  });

  it('are found by whoever looks for what did not go on by itself, unless a pause holds them', async () => {
    const its = await owing({
      ladder: [{ after: 'P3D' }],
      grace_days: 10,
      notify: { on_failure: true, before_final_days: [8] },
    });
    await planRetry(given.db, its.paymentId);
    await recordDunningStarted(given, its.lived.id, { payment_id: its.paymentId, period_index: 2 });
    const { test_clock_id } = await given.db.customer.findUniqueOrThrow({ where: { id: its.customerId } });
    const found = async () =>
      (await findStuckWork(given.db, { toleranceMs: 0, testClockId: test_clock_id, limit: 10 }))
        .filter(({ predicate }) => predicate === 'notice_due')
        .map(({ subject }) => subject.id);
    expect(await found()).toEqual([]);
    await its.lived.setNow(at(2));
    expect(await found()).toEqual([its.paymentId]);
    await its.lived.pause();
    expect(await found()).toEqual([]);
    await its.lived.resume();
    await planRetry(given.db, its.paymentId);
    expect(await found()).toEqual([]);
  });
});

describe('money that comes after all', () => {
  it('is told of to a customer who was told that it had not, once', async () => {
    const its = await owing();
    await planRetry(given.db, its.paymentId);
    given.provider.charges = [completed];
    await its.lived.setNow(at(4));
    await retry(its, 2);
    await applyPayment(given, its.lived.id, its.paymentId);
    await inTransaction(given.db, (tx) => settleAttempt(tx, its.paymentId, 2, completed, 'webhook'));
    expect(await namesOf(its)).toEqual(['payment_failed/attempt/1', 'payment_recovered/attempt/2']);
    expect((await its.lived.read()).status).toBe('active');
  });

  it('is no news to a customer who heard of nothing, nor is money that goes back', async () => {
    const unnotified = await owing({ notify: { on_failure: false, before_final_days: [3] } });
    await planRetry(given.db, unnotified.paymentId);
    given.provider.charges = [completed];
    await retry(unnotified, 2);
    expect(await namesOf(unnotified)).toEqual([]);
    const ended = await owing();
    await collect(ended);
    await inTransaction(given.db, (tx) => settleAttempt(tx, ended.paymentId, 3, completed, 'webhook'));
    expect(await namesOf(ended)).not.toContain('payment_recovered/attempt/3');
  });

  it('of a failed attempt that turns out to have succeeded is told of, too', async () => {
    const its = await owing();
    await planRetry(given.db, its.paymentId);
    await inTransaction(given.db, (tx) => settleAttempt(tx, its.paymentId, 1, completed, 'webhook'));
    expect(await namesOf(its)).toEqual(['payment_failed/attempt/1', 'payment_recovered/attempt/1']);
  });
});
