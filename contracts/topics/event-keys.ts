/**
 * The Kafka key of each topic's records, derived from what they carry. Order holds within a key, so writers and readers
 * have to agree on it.
 */
import type { EventData, EventTopic } from './events';

/** Everything about a subscription has its key, its payments too. */
export function paymentKey(payment: { subscription_id: string | null; payment_id: string }): string {
  return payment.subscription_id ?? payment.payment_id;
}

type KeyRules = { [T in EventTopic]: (data: EventData<T>) => string | null };

const rules: KeyRules = {
  'subscriptions.created': ({ subscription }) => subscription.id,
  'subscriptions.updated': ({ subscription }) => subscription.id,
  'subscriptions.cancelled': ({ subscription }) => subscription.id,
  'subscriptions.renew_required': ({ subscription_id }) => subscription_id,
  'payments.requested': paymentKey,
  'payments.retry.requested': paymentKey,
  'payments.failed': paymentKey,
  'payments.completed': paymentKey,
  // That of its payment, whose subscription the data does not name.
  'webhooks.received': ({ payment_id, provider, provider_event_id }) =>
    payment_id === null ? `${provider}/${provider_event_id}` : null,
  'notifications.requested': ({ customer_id }) => customer_id,
};

/** The key that a record with `data` has; null when the data does not tell. */
export function eventKey<T extends EventTopic>(topic: T, data: EventData<T>): string | null {
  return rules[topic](data);
}
