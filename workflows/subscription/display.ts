/** What a subscription's process shows in the Web UI: search attributes, memo, current details. No personal data. */
import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { SubscriptionRecord } from '../../activities/subscription';

const subscriptionId = defineSearchAttributeKey('SubscriptionId', SearchAttributeType.KEYWORD);
const customerId = defineSearchAttributeKey('CustomerId', SearchAttributeType.KEYWORD);
const billingStatus = defineSearchAttributeKey('BillingStatus', SearchAttributeType.KEYWORD);

/** Writes only what changed: each write is an event of the history. */
export function showSubscription(before: SubscriptionRecord | null, after: SubscriptionRecord): void {
  const { subscription: row } = after;
  const pairs = [];
  if (before === null) {
    pairs.push({ key: subscriptionId, value: row.id }, { key: customerId, value: row.customer_id });
    upsertMemo({ plan: row.plan_id, amount: `${row.amount} ${row.currency} (minor units)` });
  }
  if (before?.subscription.status !== row.status) pairs.push({ key: billingStatus, value: row.status });
  if (pairs.length > 0) upsertSearchAttributes(pairs);
  setCurrentDetails(details(after));
}

/** Not its period, nor when it is due: a renewal run changes both without a word to the process. */
function details({ subscription: row }: SubscriptionRecord): string {
  return `**${row.status}**, version ${row.version} when the process read it last`;
}
