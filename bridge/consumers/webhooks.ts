/**
 * Group payment-service on webhooks.received: the payment's row first, then whoever waits for it.
 *
 * Invariants: the delivery's own row says what the provider told, the record only which delivery; a repeat settles
 * nothing twice, and tells a waiting workflow again, which judges by the row.
 */
import type { ReadEvent } from '../../contracts/topics/envelope';
import { messages, paymentStart, paymentWorkflowId } from '../../contracts/workflows/workflows';
import { inTransaction, type Database } from '../../prisma/client';
import { processDelivery } from '../../billing/webhook/process-delivery';
import type { Signal, WorkflowClient } from '../../temporal/client';
import { Unprocessable } from '../../billing/unprocessable';

interface WebhookDependencies {
  db: Database;
  client: WorkflowClient;
  incompleteHours: number;
}

/** @throws Unprocessable about a payment that is not there, which may still be committed */
export async function onWebhook(
  deps: WebhookDependencies,
  { id, data: { delivery_id } }: ReadEvent<'webhooks.received'>,
): Promise<void> {
  const result = await inTransaction(deps.db, (tx) => processDelivery(tx, delivery_id));
  if (result.kind === 'absent') {
    throw new Unprocessable(`unknown_${result.what}`, `there is no ${result.what} for ${delivery_id}`);
  }
  if (result.paymentId === null) return;
  await signalProcess(deps, result.paymentId, { name: messages.settled, args: [], eventId: id });
}

async function signalProcess(deps: WebhookDependencies, paymentId: string, signal: Signal): Promise<void> {
  const waiter = await whoWaits(deps.db, paymentId);
  if (waiter === 'nobody') return;
  const start = paymentStart(paymentId, deps.incompleteHours);
  if (waiter === 'for_sure') return deps.client.signalWithStart(start, signal);
  await deps.client.signalIfRunning(paymentWorkflowId(paymentId), signal);
}

/**
 * `for_sure`: money is to be given back, or a subscription was answered with its first payment open and not told of the
 * outcome; only the payment's process does either. `perhaps`: it follows up an attempt that a webhook has settled.
 * `nobody`: our own answer or a lookup settled everything.
 */
async function whoWaits(db: Database, paymentId: string): Promise<'for_sure' | 'perhaps' | 'nobody'> {
  const payment = await db.payment.findUnique({
    where: { id: paymentId },
    select: {
      kind: true,
      subscription: { select: { status: true, version: true } },
      attempts: { where: { settled_by: 'webhook' }, take: 1, select: { number: true } },
      refunds: { select: { settled_at: true } },
    },
  });
  if (payment === null) return 'nobody';
  const { kind, subscription, attempts, refunds } = payment;
  if (refunds.some(({ settled_at }) => settled_at === null)) return 'for_sure';
  const isIncomplete = subscription?.status === 'incomplete' && subscription.version > 0;
  if (kind === 'first' && isIncomplete) return attempts.length > 0 ? 'for_sure' : 'perhaps';
  return attempts.length > 0 || refunds.length > 0 ? 'perhaps' : 'nobody';
}
