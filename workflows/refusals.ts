/** Refusals of a command: the codes of the error table, with members of the problem. */
import { ApplicationFailure } from '@temporalio/workflow';
import type { SubscriptionRecord } from '../activities/subscription';
import { isFinal } from '../domain/subscription/subscription';

/** A refusal by its code. `extras` become members of the problem. */
export function refusal(code: string, message: string, extras: object): ApplicationFailure {
  return ApplicationFailure.create({ message, type: code, nonRetryable: true, details: [extras] });
}

/** Refuses a command before it is accepted when the subscription has ended, so that the history stays short. */
export function refuseIfEnded(record: SubscriptionRecord | null): void {
  if (record === null || !isFinal(record.subscription.status)) return;
  const { status } = record.subscription;
  throw refusal('subscription_final', `The subscription is ${status}; nothing of it can be changed.`, {
    reason: status,
  });
}
