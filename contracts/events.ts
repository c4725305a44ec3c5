/** What the records carry as `data`; one schema for each topic that has a producer. */
import { z } from 'zod';
import { attemptTriggers, paymentKinds, settledBy } from '../domain/payment';
import { cancelModes, subscriptionChanges } from '../domain/subscription';
import { actor, instant } from './fields';
import { attemptFailure } from './http/payments';
import { firstPayment, subscription } from './http/subscriptions';

const subscriptionCreated = z.object({ subscription, first_payment: firstPayment.nullable() });

const subscriptionUpdated = z.object({
  subscription,
  changes: z.array(z.enum(subscriptionChanges)),
  previous: subscription.partial().omit({ version: true }),
  actor,
});

const subscriptionCancelled = z.object({
  subscription,
  mode: z.enum(cancelModes),
  reason: z.string().nullable(),
  refund: z.object({ amount: z.int(), currency: z.string() }).nullable(),
  open_payment_ids: z.array(z.string()),
  actor,
});

const paymentHead = z.object({
  payment_id: z.string(),
  kind: z.enum(paymentKinds),
  subscription_id: z.string().nullable(),
  customer_id: z.string(),
  period_index: z.int().nullable(),
  attempt: z.int(),
  amount: z.int(),
  currency: z.string(),
  provider: z.string(),
  provider_reference: z.string().nullable(),
  trigger: z.enum(attemptTriggers),
});

const paymentFailed = paymentHead.extend({ failure: attemptFailure, failed_at: instant });
const paymentCompleted = paymentHead.extend({ settled_by: z.enum(settledBy), completed_at: instant });

/** By topic. Readers accept unknown fields; writers write exactly these. */
export const eventData = {
  'subscriptions.created': subscriptionCreated,
  'subscriptions.updated': subscriptionUpdated,
  'subscriptions.cancelled': subscriptionCancelled,
  'payments.failed': paymentFailed,
  'payments.completed': paymentCompleted,
} as const;

export type EventTopic = keyof typeof eventData;
export type EventData<T extends EventTopic> = z.infer<(typeof eventData)[T]>;
