/**
 * What the records carry as `data`: one schema for each topic.
 *
 * Readers accept unknown fields; writers write exactly these. Amounts are whole minor units, instants RFC 3339 in UTC.
 */
import { z } from 'zod';
import { attemptTriggers, paymentKinds, settledBy } from '../../domain/payment/payment';
import { subscriptionChanges } from '../../domain/subscription/subscription';
import { cancelModes } from '../../domain/subscription/commands';
import { dueCauses } from '../../domain/subscription/due';
import {
  actor,
  currency,
  foreignId,
  foreignText,
  instant,
  int4,
  positiveAmount,
  signedAmount,
} from '../fields';
import { attemptFailure } from '../http/payments';
import { firstPayment, subscription } from '../http/subscriptions';
import { reportedOutcome } from './provider-events';
import type { Topic } from './topics';

const nullableId = foreignId.nullable();
/** Payments of one event. */
const maxPayments = 10_000;
const byCustomersTime = 'By the customer’s time: real, or that of their test clock.';
const recorded = (what: string) =>
  instant
    .optional()
    .meta({ description: `Real time at which ${what} was recorded. Left out by older versions.` });

const subscriptionCreated = z.object({
  subscription,
  first_payment: firstPayment.nullable().meta({ description: 'null: nothing was to be paid.' }),
});

const subscriptionUpdated = z.object({
  subscription,
  changes: z.array(z.enum(subscriptionChanges)).max(100),
  previous: subscription
    .omit({ version: true })
    .partial()
    .meta({ description: 'The earlier values of the changed fields only.' }),
  actor,
});

const subscriptionCancelled = z.object({
  subscription,
  mode: z.enum(cancelModes),
  reason: foreignText.nullable(),
  refund: z.object({ amount: signedAmount, currency: foreignId }).nullable(),
  refunds: z
    .array(z.object({ payment_id: foreignId, amount: signedAmount }))
    .max(maxPayments)
    .optional()
    .meta({
      description: 'What goes back of which payment; they come to `refund`. Left out by older versions.',
    }),
  open_payment_ids: z.array(foreignId).max(maxPayments),
  actor,
});

const renewRequired = z.object({
  subscription_id: foreignId,
  customer_id: foreignId,
  period_index: int4,
  due_at: instant.meta({ description: byCustomersTime }),
  cause: z.enum(dueCauses),
});

const paymentRequested = z.object({
  payment_id: foreignId,
  customer_id: foreignId,
  subscription_id: nullableId,
  amount: positiveAmount,
  currency,
  payment_method_id: nullableId,
  reason: foreignText,
  actor,
});

const retryRequested = z.object({
  payment_id: foreignId,
  subscription_id: nullableId,
  customer_id: foreignId,
  retry_request_id: foreignId,
  payment_method_id: nullableId,
  reason: foreignText,
  actor,
});

const paymentHead = z.object({
  payment_id: foreignId,
  kind: z.enum(paymentKinds),
  subscription_id: nullableId,
  customer_id: foreignId,
  period_index: int4.nullable(),
  attempt: int4,
  amount: signedAmount,
  currency: foreignId,
  provider: foreignId,
  provider_reference: nullableId,
  trigger: z.enum(attemptTriggers).meta({ description: 'What started the attempt.' }),
});

const paymentFailed = paymentHead.extend({
  failure: attemptFailure,
  failed_at: instant.meta({ description: byCustomersTime }),
  failed_recorded_at: recorded('the failure'),
});
const paymentCompleted = paymentHead.extend({
  settled_by: z.enum(settledBy).meta({ description: 'How the outcome became known.' }),
  completed_at: instant.meta({ description: byCustomersTime }),
  completed_recorded_at: recorded('the success'),
});

const webhookReceived = z.object({
  delivery_id: foreignId,
  provider: foreignId,
  provider_event_id: foreignId,
  event_type: foreignId,
  payment_id: nullableId,
  outcome: reportedOutcome.nullable().meta({ description: 'null: the event says nothing about an attempt.' }),
  received_at: instant.meta({ description: 'Real time.' }),
});

const notificationRequested = z.object({
  customer_id: foreignId,
  template: foreignId,
  subscription_id: nullableId,
  payment_id: nullableId,
  data: z.record(foreignId, z.unknown()),
  not_before: instant.meta({ description: byCustomersTime }),
});

/** By topic. */
export const eventData = {
  'subscriptions.created': subscriptionCreated,
  'subscriptions.updated': subscriptionUpdated,
  'subscriptions.cancelled': subscriptionCancelled,
  'subscriptions.renew_required': renewRequired,
  'payments.requested': paymentRequested,
  'payments.retry.requested': retryRequested,
  'payments.failed': paymentFailed,
  'payments.completed': paymentCompleted,
  'webhooks.received': webhookReceived,
  'notifications.requested': notificationRequested,
} as const satisfies Record<Topic, z.ZodType>;

export type EventTopic = keyof typeof eventData;
export type EventData<T extends EventTopic> = z.infer<(typeof eventData)[T]>;
