/** How a subscription's process says no: the codes of the error table, with what the caller needs beside them. */
import { ApplicationFailure } from '@temporalio/workflow';
import type { SubscriptionRecord } from '../activities/subscription';
import { isFinal } from '../domain/subscription/subscription';

/** What stands in the way. `extras` become members of the problem. */
export function refusal(code: string, message: string, extras: object): ApplicationFailure {
  return ApplicationFailure.create({ message, type: code, nonRetryable: true, details: [extras] });
}

/** Before a command is accepted: nothing of what has ended can be changed, and its history stays short. */
export function refuseIfEnded(record: SubscriptionRecord | null): void {
  if (record === null || !isFinal(record.subscription.status)) return;
  const { status } = record.subscription;
  throw refusal('subscription_final', `The subscription is ${status}; nothing of it can be changed.`, {
    reason: status,
  });
}
