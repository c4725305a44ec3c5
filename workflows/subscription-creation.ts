/**
 * How a subscription comes to be: its rows, the first charge, the conclusion.
 *
 * Invariants: nothing is written after `accept_by`; what was begun is concluded, by this run or the next; a first
 * payment without a clear answer is followed up elsewhere, and waited for only as long as the caller waits.
 */
import { ApplicationFailure, condition, workflowInfo } from '@temporalio/workflow';
import type { SubscriptionRecord } from '../activities/subscription';
import type { SubscriptionCreation, SubscriptionInput } from '../contracts/commands';
import { isBeingCreated } from '../domain/subscription';
import { attempts, laterStep } from './subscription-activities';

/**
 * Creates the subscription, or adopts the row that exists.
 * @param isTold whether the outcome of a payment was told
 * @returns null when there is none: it was too late to create it, or it never was
 */
export async function createOrAdopt(
  { subscription_id: id, creation }: SubscriptionInput,
  isTold: (paymentId: string) => boolean,
): Promise<SubscriptionRecord | null> {
  if (creation === null) {
    const found = await laterStep((step) => step.loadSubscription(id));
    // A run that was lost in the middle of a creation is carried on by this one.
    const unfinished = found !== null && isBeingCreated(found.subscription);
    return unfinished ? chargeFirst(found, null, isTold) : found;
  }
  const begun = await laterStep((step) => step.beginCreation(creation));
  switch (begun.kind) {
    case 'too_late':
      return null;
    case 'concluded':
      return begun.record;
    case 'charge':
      return chargeFirst(begun.record, creation, isTold);
  }
}

/** @param creation says how long the caller waits, from the start of the run; null: nobody does */
async function chargeFirst(
  begun: SubscriptionRecord,
  creation: SubscriptionCreation | null,
  isTold: (paymentId: string) => boolean,
): Promise<SubscriptionRecord> {
  const paymentId = begun.first_payment_id;
  if (paymentId === null)
    throw ApplicationFailure.nonRetryable('the creation has no first payment', 'internal');
  const answer = await attempts.attempt({ payment_id: paymentId, number: 1, trigger: 'first' });
  if (answer.status === 'open') {
    await laterStep((step) => step.startFollowUp(paymentId));
    // A customer who has to act needs the answer for that: nothing can settle before.
    const waitMs = answer.waits_for_customer
      ? 0
      : workflowInfo().runStartTime.getTime() + (creation?.answer_within_ms ?? 0) - Date.now();
    if (waitMs > 0) await condition(() => isTold(paymentId), waitMs);
  }
  return laterStep((step) => step.applyFirstPayment(begun.subscription.id, creation?.traceparent));
}
