/**
 * What records mean for the process of a subscription.
 *
 * Invariants: judged by the rows before a process is woken, so a repeated, late or foreign record costs a read; what the
 * rows hold already is not reported again; no record is believed about money; an ended subscription is not woken.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventData } from '../../contracts/topics/events';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { earlyByMs, nextDue } from '../../domain/subscription/due';
import type { SubscriptionFacts } from '../../domain/subscription/facts';
import type { Database } from '../../prisma/client';
import { timesFor } from '../clock';
import { confirmPaymentOutcome } from '../payment/confirm-outcome';
import { toFacts } from '../rows';
import { Unprocessable } from '../unprocessable';

/** So long the task that took the money may need to record what it paid. */
const recordedWithinMs = 3_000;

/** Decides whether a subscription is due, whatever the record says. @throws Unprocessable `unknown_subscription` */
export async function promptWhenDue(
  db: Database,
  { subscription_id, period_index, cause }: EventData<'subscriptions.renew_required'>,
): Promise<WorkflowMessage[]> {
  const row = await db.subscription.findUnique({ where: { id: subscription_id } });
  if (row === null) {
    throw new Unprocessable('unknown_subscription', `there is no subscription ${subscription_id}`);
  }
  const facts = toFacts(row);
  const due = nextDue(facts);
  const { now } = await timesFor(db, row.test_clock_id);
  const isDue = due !== null && Date.parse(due.at) - now.getTime() <= earlyByMs;
  if (!isDue && !isHalfOpened(facts)) return [];
  return [{ kind: 'wake_subscription', subscription_id, payload: { period_index, cause } }];
}

/** A period was opened and perhaps never attempted: the process resumes that, too. */
function isHalfOpened({ status, period, open_payment_id }: SubscriptionFacts): boolean {
  return status === 'active' && period?.paid === false && open_payment_id !== null;
}

/** Decides whether a subscription has to be notified of a payment that completed. @throws Unprocessable */
export async function promptAfterPayment(
  db: Database,
  completed: EventData<'payments.completed'>,
): Promise<WorkflowMessage[]> {
  await confirmPaymentOutcome(db, completed);
  const { subscription_id, payment_id, period_index, settled_by } = completed;
  if (subscription_id === null) return [];
  // The task that took the money records it as well, an instant after this record was written: only after its crash
  // does the process have to be woken.
  const timeoutMs = settled_by === 'answer' ? recordedWithinMs : 0;
  if (!(await keepsWaiting(db, payment_id, timeoutMs))) return [];
  return [{ kind: 'payment_completed', subscription_id, payload: { payment_id, period_index } }];
}

/** Returns whether money of the payment is still not applied after `timeoutMs`. */
async function keepsWaiting(db: Database, paymentId: string, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  for (let waitMs = 50; ; waitMs *= 2) {
    const payment = await db.payment.findUnique({
      where: { id: paymentId },
      select: { unapplied_amount: true },
    });
    if (payment === null || payment.unapplied_amount === 0n) return false;
    if (performance.now() + waitMs > deadlineMs) return true;
    await sleep(waitMs);
  }
}
