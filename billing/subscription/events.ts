/** The events of the Subscription Service, each written in the transaction of its change. */
import type { CancelCommand } from '../../contracts/workflows/commands';
import type { Actor } from '../../contracts/fields';
import type { FirstPayment, Subscription } from '../../contracts/http/subscriptions';
import type { NewEvent } from '../../contracts/topics/envelope';
import { renewRequiredEventId, subscriptionEventId } from '../../domain/event-ids';
import { nextDue } from '../../domain/subscription/due';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import { renewalTrace, type TraceContext } from '../../domain/trace';
import type { Transaction } from '../../prisma/client';
import { appendToOutbox } from '../outbox';
import { toFacts, type SubscriptionRow } from '../rows';

const envelope = (subscription: Subscription) => ({
  id: subscriptionEventId(subscription.id, subscription.version),
  source: '/subscription-service' as const,
  subject: subscription.id,
  key: subscription.id,
});

/** What a change comes from. */
interface Cause {
  actor: Actor;
  trace: TraceContext;
  realNow: Date;
}

/** `firstPayment` in its state of now: completed, or still open; null when there was none. */
export function announceCreated(
  tx: Transaction,
  subscription: Subscription,
  firstPayment: FirstPayment | null,
  at: Date,
  trace: TraceContext,
): void {
  const data = { subscription, first_payment: firstPayment };
  appendToOutbox(tx, { ...envelope(subscription), trace, topic: 'subscriptions.created', data }, at);
}

/** `previous` has the changed fields only. */
export function announceUpdated(
  tx: Transaction,
  subscription: Subscription,
  changes: SubscriptionChange[],
  previous: Partial<Subscription>,
  { actor, trace, realNow }: Cause,
): void {
  const data = { subscription, changes, previous, actor };
  appendToOutbox(tx, { ...envelope(subscription), trace, topic: 'subscriptions.updated', data }, realNow);
}

/**
 * That a version of a subscription is due.
 * @param repeat how often it was published before
 * @returns null when nothing of it is due
 */
export function renewRequired(
  row: SubscriptionRow,
  repeat: number,
): NewEvent<'subscriptions.renew_required'> | null {
  const due = nextDue(toFacts(row));
  if (due === null) return null;
  return {
    topic: 'subscriptions.renew_required',
    id: renewRequiredEventId(row.id, due.period_index, row.version, repeat),
    source: '/retry-service',
    subject: row.id,
    key: row.id,
    trace: renewalTrace(row.id, due.period_index),
    data: {
      subscription_id: row.id,
      customer_id: row.customer_id,
      period_index: due.period_index,
      due_at: due.at,
      cause: due.cause,
    },
  };
}

export interface Cancellation extends Pick<CancelCommand, 'mode' | 'reason'> {
  /** What goes back of which payment; reserved in the same transaction. */
  refunds: { payment_id: string; amount: number }[];
  /** What the Payment Service has to cancel, or to refund if it completes after all. */
  openPaymentIds: string[];
}

export function announceCancelled(
  tx: Transaction,
  subscription: Subscription,
  { mode, reason, refunds, openPaymentIds }: Cancellation,
  { actor, trace, realNow }: Cause,
): void {
  const amount = refunds.reduce((sum, part) => sum + part.amount, 0);
  const refund = amount === 0 ? null : { amount, currency: subscription.currency };
  const data = { subscription, mode, reason, refund, refunds, open_payment_ids: openPaymentIds, actor };
  appendToOutbox(tx, { ...envelope(subscription), trace, topic: 'subscriptions.cancelled', data }, realNow);
}
