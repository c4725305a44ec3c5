/** Events that are of their schema, one of each topic, about whatever has the given key. */
import type { EventData, EventTopic } from '../../../contracts/topics/events';
import { eventType } from '../../../contracts/topics/envelope';
import { failedPayment, time } from './consuming';
import { snapshotOf } from './subscription-records';

const actor = { kind: 'external' as const, id: 'erp', reason: 'an order' };
const at = time.toISOString();

const paymentOf = (key: string) => ({
  payment_id: 'pay_sample',
  subscription_id: key,
  customer_id: 'cus_1',
  payment_method_id: 'pm_1',
  reason: 'setup fee',
  actor,
});
const { failure, failed_at: _, ...attempt } = failedPayment('pay_sample', '');

const samples: { [T in EventTopic]: (key: string) => EventData<T> } = {
  'subscriptions.created': (key) => ({
    subscription: subscription(key),
    first_payment: { payment_id: 'pay_sample', status: 'completed', amount: 1000, currency: 'EUR' },
  }),
  'subscriptions.updated': (key) => ({
    subscription: subscription(key),
    changes: ['metadata_changed'],
    previous: { metadata: { order: 'A-1' } },
    actor,
  }),
  'subscriptions.cancelled': (key) => ({
    subscription: subscription(key),
    mode: 'now',
    reason: 'too expensive',
    refund: { amount: 500, currency: 'EUR' },
    refunds: [{ payment_id: 'pay_sample', amount: 500 }],
    open_payment_ids: ['pay_open'],
    actor,
  }),
  'subscriptions.renew_required': (key) => ({
    subscription_id: key,
    customer_id: 'cus_1',
    period_index: 2,
    due_at: at,
    cause: 'period_end',
  }),
  'payments.requested': (key) => ({ ...paymentOf(key), amount: 2500, currency: 'EUR' }),
  'payments.retry.requested': (key) => ({ ...paymentOf(key), retry_request_id: 'rtr_sample' }),
  'payments.failed': (key) => ({
    ...attempt,
    subscription_id: key,
    provider_reference: 'ch_1',
    failure: { ...failure, provider_code: 'do_not_honor', network_advice: 'try_later' },
    failed_at: at,
  }),
  'payments.completed': (key) => ({
    ...attempt,
    subscription_id: key,
    provider_reference: 'ch_1',
    settled_by: 'webhook',
    completed_at: at,
  }),
  'webhooks.received': () => ({
    delivery_id: 'whd_sample',
    provider: 'sandbox',
    provider_event_id: 'evt_sample',
    event_type: 'charge.succeeded',
    payment_id: 'pay_sample',
    outcome: null,
    received_at: at,
  }),
  'notifications.requested': (key) => ({
    customer_id: key,
    template: 'payment_recovered',
    subscription_id: 'sub_1',
    payment_id: 'pay_sample',
    data: { amount: 1000, currency: 'EUR', note: 'a text that its template does not know' },
    not_before: at,
  }),
};

/** With a value in every field that may have none. */
function subscription(key: string) {
  return {
    ...snapshotOf(key, 3, time),
    period: { index: 2, start: at, end: at, paid: true },
    trial_end: at,
    cancel_at: at,
    cancelled_at: at,
    paused_at: at,
    resume_at: at,
    pending_change: {
      plan_id: 'gold',
      quantity: 2,
      effective: 'period_end' as const,
      effective_at: at,
      payment_id: 'pay_change',
    },
    payment_method_id: 'pm_1',
    provider: 'sandbox',
    open_payment_id: 'pay_open',
    test_clock_id: 'clk_1',
    metadata: { order: 'A-1' },
  };
}

export function sampleData<T extends EventTopic>(topic: T, key: string): EventData<T> {
  return samples[topic](key);
}

/** The whole event as JSON, structured mode; ids are derived from nothing, for they mean nothing here. */
export function sampleEvent(topic: EventTopic, key: string, id: string) {
  return {
    specversion: '1.0',
    id,
    source: '/erp',
    type: eventType(topic),
    time: at,
    datacontenttype: 'application/json',
    data: sampleData(topic, key) as object,
  };
}
