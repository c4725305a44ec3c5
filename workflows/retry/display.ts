/** Shows the retry of a failed payment in the Web UI. No personal data. */
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { RetryState } from '../../activities/retry';

const paymentId = defineSearchAttributeKey('PaymentId', SearchAttributeType.KEYWORD);
const subscriptionId = defineSearchAttributeKey('SubscriptionId', SearchAttributeType.KEYWORD);

export function showRetry(state: RetryState): void {
  setCurrentDetails(`**${state.next.kind}**\n\n${details(state)}`);
}

/** Writes, once in a run, by what it is found. */
export function introduceRetry(state: RetryState): void {
  upsertSearchAttributes([
    { key: paymentId, value: state.payment_id },
    { key: subscriptionId, value: state.subscription_id },
  ]);
}

function details({ next, next_number: number }: RetryState): string {
  switch (next.kind) {
    case 'attempt':
      return `attempt ${number} at ${next.at}: ${next.reason}`;
    case 'wait':
      return `${next.reason}${next.until === null ? '' : `, until ${next.until}`}`;
    case 'exhausted':
      return `${next.reason}; then ${next.final_action} at ${next.at}`;
    case 'open':
      return `attempt ${number - 1} has no outcome yet`;
    case 'done':
      return next.reason;
  }
}
