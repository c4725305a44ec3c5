/** Shows the follow-up of a payment in the Web UI. No personal data. */
import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { PaymentState } from '../../activities/payment';
import type { Lookup } from '../../domain/payment/unknown-outcome';

const paymentId = defineSearchAttributeKey('PaymentId', SearchAttributeType.KEYWORD);
const subscriptionId = defineSearchAttributeKey('SubscriptionId', SearchAttributeType.KEYWORD);
const customerId = defineSearchAttributeKey('CustomerId', SearchAttributeType.KEYWORD);

/** Writes, once in a run, by what the payment is found, and what it is about. */
export function introducePayment(state: PaymentState): void {
  upsertSearchAttributes([
    { key: paymentId, value: state.payment_id },
    { key: subscriptionId, value: state.subscription_id },
    { key: customerId, value: state.customer_id },
  ]);
  upsertMemo({ kind: state.kind, amount: `${state.amount} ${state.currency} (minor units)` });
}

/** Shows where the payment stands, and when the next lookup is. */
export function showPayment(state: PaymentState, lookup: Lookup | null): void {
  const next =
    lookup === null
      ? 'no attempt is open'
      : `next lookup at ${new Date(lookup.atMs).toISOString()}${lookup.last ? ', then the attempt ends' : ''}`;
  const attempt = state.attempt === null ? 'no attempt yet' : `attempt ${state.attempt.number}`;
  setCurrentDetails([`**${state.status}**`, attempt, next].join('\n\n'));
}
