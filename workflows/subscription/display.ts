/** What a subscription's process shows in the Web UI: search attributes, memo, current details. No personal data. */
import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { SubscriptionRecord } from '../../activities/subscription';

const subscriptionId = defineSearchAttributeKey('SubscriptionId', SearchAttributeType.KEYWORD);
const customerId = defineSearchAttributeKey('CustomerId', SearchAttributeType.KEYWORD);
const billingStatus = defineSearchAttributeKey('BillingStatus', SearchAttributeType.KEYWORD);
const nextDueAt = defineSearchAttributeKey('NextDueAt', SearchAttributeType.DATETIME);

/** Writes only what changed: each write is an event of the history. */
export function showSubscription(before: SubscriptionRecord | null, after: SubscriptionRecord): void {
  const { subscription: row, next_due_at: due } = after;
  const pairs = [];
  if (before === null) {
    pairs.push({ key: subscriptionId, value: row.id }, { key: customerId, value: row.customer_id });
    upsertMemo({ plan: row.plan_id, amount: `${row.amount} ${row.currency} (minor units)` });
  }
  if (before?.subscription.status !== row.status) pairs.push({ key: billingStatus, value: row.status });
  if (before?.next_due_at !== due) pairs.push({ key: nextDueAt, value: due === null ? null : new Date(due) });
  if (pairs.length > 0) upsertSearchAttributes(pairs);
  setCurrentDetails(details(after));
}

function details({ subscription: row, next_due_at: due }: SubscriptionRecord): string {
  const period =
    row.period === null
      ? 'no period yet'
      : `period ${row.period.index}, ${row.period.start} to ${row.period.end}, ${row.period.paid ? 'paid' : 'unpaid'}`;
  return [`**${row.status}**, version ${row.version}`, period, `next due: ${due ?? 'nothing'}`].join('\n\n');
}
