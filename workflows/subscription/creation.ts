/**
 * Creates a subscription: its rows, the first charge, the conclusion.
 *
 * Invariants:
 * - Nothing is written after `accept_by`.
 * - A creation that has begun is concluded, by this run or the next.
 * - A first payment without a clear answer is followed up elsewhere, and waited for only as long as the caller waits.
 */
import { condition, workflowInfo } from '@temporalio/workflow';
import type { Creation, SubscriptionRecord } from '../../activities/subscription';
import type { SubscriptionCreation, SubscriptionInput } from '../../contracts/workflows/commands';
import { chargingStep, laterStep } from './activities';

/**
 * Creates the subscription, or adopts the row that exists.
 * @param hasOutcome whether the outcome of a payment has been received
 * @returns null when there is none: it was too late to create it, or it never was
 */
export async function createOrAdopt(
  { subscription_id: id, creation }: SubscriptionInput,
  hasOutcome: (paymentId: string) => boolean,
): Promise<SubscriptionRecord | null> {
  const created = await chargingStep((step) =>
    creation === null ? step.adoptSubscription(id) : step.createSubscription(creation),
  );
  switch (created.kind) {
    case 'none':
      return null;
    case 'concluded':
      return created.record;
    case 'open':
      return followUp(created, creation, hasOutcome);
  }
}

/** @param creation has how long the caller waits, from the start of the run; null: no caller waits */
async function followUp(
  { record, paymentId, waitsForCustomer }: Extract<Creation, { kind: 'open' }>,
  creation: SubscriptionCreation | null,
  hasOutcome: (paymentId: string) => boolean,
): Promise<SubscriptionRecord> {
  await laterStep((step) => step.startFollowUp(paymentId));
  // A customer who has to act needs the answer for that: nothing can settle before.
  const waitMs = waitsForCustomer
    ? 0
    : workflowInfo().runStartTime.getTime() + (creation?.answer_within_ms ?? 0) - Date.now();
  if (waitMs > 0) await condition(() => hasOutcome(paymentId), waitMs);
  return laterStep((step) => step.applyFirstPayment(record.subscription.id));
}
