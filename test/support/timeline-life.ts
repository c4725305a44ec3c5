/** A subscription with an entry of every kind in its timeline, and reading timelines page by page. */
import { enqueueOperatorTask } from '../../billing/operator-tasks';
import { reserveRefund } from '../../billing/payment/reserve-refund';
import { planRetry } from '../../billing/retry/plan';
import { nextRequest } from '../../billing/retry/requests';
import { recordDunningStarted } from '../../billing/subscription/dunning';
import type { TimelineSubject } from '../../billing/timeline/index-query';
import { readTimeline } from '../../billing/timeline/timeline';
import { storeWebhook } from '../../billing/webhook/deliveries';
import type { TimelineEntry } from '../../contracts/http/timeline';
import type { TimelinePlace } from '../../domain/timeline/timeline';
import { inTransaction, type Database } from '../../prisma/client';
import { completed, declined, type useBilling } from './billing';
import { actor } from './creation';
import { startLife } from './subscription-life';
import { someTrace } from './trace';
import { wholeTimeline } from './whole-timeline';

/** Two paid periods, a third whose renewal is declined, and what people did about it. */
export async function liveForTimelines(
  given: ReturnType<typeof useBilling>,
): Promise<Record<'subscription' | 'failed' | 'customer', TimelineSubject>> {
  given.provider.charges = [completed, completed, declined];
  const lived = await startLife(given, '2027-01-31T10:00:00.000Z');
  await lived.advance('2027-04-01T00:00:00.000Z');
  const row = await given.db.payment.findFirstOrThrow({
    where: { subscription_id: lived.id, period_index: 3 },
  });
  await recordDunningStarted(given, lived.id, { payment_id: row.id, period_index: 3 });
  await planRetry(given.db, row.id);
  await aroundIt(given.db, lived.id, row.id);
  return {
    subscription: { type: 'subscription', id: lived.id },
    failed: { type: 'payment', id: row.id },
    customer: { type: 'customer', id: row.customer_id },
  };
}

/** A request that is refused, a webhook, a task that is resolved, calls, a refund of the period before. */
async function aroundIt(db: Database, subscriptionId: string, paymentId: string): Promise<void> {
  const request = { id: 'rtr_1', payment_id: paymentId, payment_method_id: 'pm_gone', reason: 'she called' };
  await db.retryRequest.create({ data: { ...request, actor } });
  await db.paymentMethod.updateMany({ data: { deleted_at: new Date() } });
  await nextRequest(db, paymentId);
  await storeWebhook(db, {
    provider: 'sandbox',
    event: {
      id: 'evt_1',
      type: 'charge.failed',
      payment_id: paymentId,
      outcome: null,
      dispute: null,
      refund: null,
    },
    body: Buffer.from('{}'),
    headers: {},
    receivedAt: new Date(),
    trace: someTrace,
    isTraceSent: false,
  });
  const subject = { type: 'payment', id: paymentId } as const;
  await inTransaction(db, async (tx) => enqueueOperatorTask(tx, 'dispute', subject, 'Look.', new Date()));
  const resolution = { actor: { ...actor, reason: 'it is well' }, reason: 'it is well', outcome: null };
  await db.operatorTask.updateMany({
    where: { subject_id: paymentId },
    data: { status: 'resolved', resolved_at: new Date(), resolution },
  });
  const { id: taskId } = await db.operatorTask.findFirstOrThrow({ where: { subject_id: paymentId } });
  const paid = await db.payment.findFirstOrThrow({
    where: { subscription_id: subscriptionId, period_index: 2 },
  });
  const refund = { refund_id: 'rfd_1', payment_id: paid.id, amount: 250, reason: 'goodwill', actor };
  await inTransaction(db, (tx) => reserveRefund(tx, refund));
  const call = { actor: { ...actor, reason: 'she called' }, request_id: 'req_1' };
  await db.auditLog.createMany({
    data: [
      {
        ...call,
        action: 'POST /payments/{payment_id}/retry',
        subject_id: paymentId,
        status: 202,
        detail: { scope: 'operator' },
      },
      {
        ...call,
        action: 'POST /operator-tasks/{operator_task_id}/resolve',
        subject_id: taskId,
        status: 200,
        detail: { scope: 'operator' },
      },
      {
        ...call,
        action: 'POST /subscriptions/{subscription_id}/pause',
        subject_id: subscriptionId,
        status: 409,
        detail: { scope: 'subscriptions:write', code: 'subscription_state' },
      },
      { ...call, action: 'POST /plans', subject_id: 'gold', status: 201, detail: {} },
    ],
  });
  await db.outboxEvent.updateMany({
    where: { event_id: `${paymentId}/attempt/1/failed` },
    data: { published_at: new Date(), partition: 3, offset: 17 },
  });
}

/** All entries, read in pages of this size. */
export async function pagedTimeline(
  db: Database,
  subject: TimelineSubject,
  limit: number,
  readable = wholeTimeline,
): Promise<TimelineEntry[]> {
  const entries: TimelineEntry[] = [];
  let after: TimelinePlace | null = null;
  for (;;) {
    const { places, entryAt } = await readTimeline(db, subject, readable, after, limit);
    for (const place of places) entries.push(entryAt(place)!);
    const last = places.at(-1);
    if (last === undefined) return entries;
    after = last;
  }
}
