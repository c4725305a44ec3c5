/**
 * Group subscription-service: what is due, and what was paid, told to the subscription's process.
 *
 * Invariants: judged by the rows before anybody is woken, so a repeated, late or foreign record costs a look; what
 * the rows say already is not told again; no record is believed about money; a process that is not there is started,
 * unless the subscription has ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadEvent } from '../../contracts/topics/envelope';
import type { PaymentCompleted, RenewRequired } from '../../contracts/workflows/commands';
import { messages, subscriptionStart } from '../../contracts/workflows/workflows';
import { isFinal } from '../../domain/subscription/subscription';
import { earlyByMs, nextDue } from '../../domain/subscription/due';
import type { SubscriptionFacts } from '../../domain/subscription/facts';
import type { Database } from '../../prisma/client';
import { timesFor } from '../../billing/clock';
import { toFacts } from '../../billing/rows';
import type { Handlers } from '../consumer/consumer';
import type { WorkflowClient } from '../../temporal/client';
import { Unprocessable } from '../../billing/unprocessable';
import { confirmPaymentOutcome } from '../../billing/payment/confirm-outcome';

export interface SubscriptionServiceDependencies {
  db: Database;
  client: WorkflowClient;
}

/** So long the task that took the money may need to record what it paid. */
const recordedWithinMs = 3_000;

export function subscriptionServiceHandlers(deps: SubscriptionServiceDependencies): Handlers {
  return {
    'subscriptions.renew_required': (event) => onRenewRequired(deps, event),
    'payments.completed': (event) => onCompleted(deps, event),
  };
}

async function onRenewRequired(
  deps: SubscriptionServiceDependencies,
  { id, data }: ReadEvent<'subscriptions.renew_required'>,
): Promise<void> {
  const row = await deps.db.subscription.findUnique({ where: { id: data.subscription_id } });
  if (row === null) {
    throw new Unprocessable('unknown_subscription', `there is no subscription ${data.subscription_id}`);
  }
  const due = nextDue(toFacts(row));
  // Anybody may say that something is due; only the row and the clock make it so.
  const { now } = await timesFor(deps.db, row.test_clock_id);
  const isDue = due !== null && Date.parse(due.at) - now.getTime() <= earlyByMs;
  if (!isDue && !isHalfOpened(toFacts(row))) return;
  const message: RenewRequired = { period_index: data.period_index, cause: data.cause };
  await deps.client.signalWithStart(processOf(row.id), {
    name: messages.renewRequired,
    args: [message],
    eventId: id,
  });
}

/** A period was opened and perhaps never attempted: the process looks after that, too. */
function isHalfOpened({ status, period, open_payment_id }: SubscriptionFacts): boolean {
  return status === 'active' && period?.paid === false && open_payment_id !== null;
}

async function onCompleted(
  deps: SubscriptionServiceDependencies,
  { id, data }: ReadEvent<'payments.completed'>,
): Promise<void> {
  await confirmPaymentOutcome(deps.db, data);
  if (data.subscription_id === null) return;
  // Who took the money records it as well, an instant after this record was written: only had they crashed need
  // anybody be woken.
  const timeoutMs = data.settled_by === 'answer' ? recordedWithinMs : 0;
  const row = await stillWaiting(deps.db, data.subscription_id, data.payment_id, timeoutMs);
  if (row === null) return;
  const message: PaymentCompleted = { payment_id: data.payment_id, period_index: data.period_index };
  await deps.client.signalWithStart(processOf(row.id), {
    name: messages.paymentCompleted,
    args: [message],
    eventId: id,
  });
}

/** The subscription, when it does not come to know of the payment by itself within `timeoutMs`. */
async function stillWaiting(db: Database, subscriptionId: string, paymentId: string, timeoutMs: number) {
  const deadlineMs = performance.now() + timeoutMs;
  for (let waitMs = 50; ; waitMs *= 2) {
    const row = await db.subscription.findUnique({ where: { id: subscriptionId } });
    if (row === null || !waitsFor(toFacts(row), paymentId)) return null;
    if (performance.now() + waitMs > deadlineMs) return row;
    await sleep(waitMs);
  }
}

/** Whether the subscription does not yet know what this payment paid for. */
function waitsFor(subscription: SubscriptionFacts, paymentId: string): boolean {
  const { status, open_payment_id: open, pending_change: pending } = subscription;
  return !isFinal(status) && (open === paymentId || pending?.payment_id === paymentId);
}

function processOf(subscriptionId: string) {
  return subscriptionStart({ subscription_id: subscriptionId, creation: null });
}
