/**
 * Charges an open period: one attempt in the same task; an attempt without a clear answer is followed up elsewhere.
 *
 * Invariants: attempting twice is attempting once, because an attempt has its number; a failed attempt belongs to the
 * Retry Service, which is notified by the topic.
 */
import type { Committed, SubscriptionRecord } from '../../activities/subscription';
import { attempts, laterStep } from './activities';

/**
 * Attempts the payment of the open period, if there is one. A call that another one makes is left to them.
 * @returns the record as it stands then
 */
async function chargeOpenPeriod(record: SubscriptionRecord): Promise<SubscriptionRecord> {
  const { id, status, open_payment_id: paymentId } = record.subscription;
  if (paymentId === null || (status !== 'active' && status !== 'past_due')) return record;
  const answer = await attempts.attempt({ payment_id: paymentId, number: 1, trigger: 'renewal' });
  if (answer.status === 'completed') return laterStep((step) => step.applyPayment(id, paymentId));
  if (answer.status === 'open' && answer.under_way_ms === undefined)
    await laterStep((step) => step.startFollowUp(paymentId));
  return record;
}

export type ExecutedCommand = Extract<Committed, { kind: 'committed' }>;

/** Attempts the payment of the period that a command has opened, and of no other: a renewal run has charged that. */
export async function chargeOpened({
  record,
  opened_payment_id: opened,
}: ExecutedCommand): Promise<SubscriptionRecord> {
  if (opened === undefined || record.subscription.open_payment_id !== opened) return record;
  return chargeOpenPeriod(record);
}

/**
 * Resumes where an earlier run, or a step whose answer was lost, stopped: applies the payment that is waited for, and
 * attempts what was never attempted.
 */
export async function resumeOpenWork(record: SubscriptionRecord): Promise<SubscriptionRecord> {
  const { id, open_payment_id: open, pending_change: pending } = record.subscription;
  const waitedFor = pending?.payment_id ?? open;
  if (waitedFor === null) return record;
  return chargeOpenPeriod(await laterStep((step) => step.applyPayment(id, waitedFor)));
}
