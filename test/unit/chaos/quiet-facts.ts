/**
 * A small system at rest, of which everything holds: one paid subscription, one cancelled, one declined, a payment that
 * a retry has collected, one poison record.
 */
import type { Facts } from '../../chaos/facts';
import { idleLedger } from './quiet-ledger';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));

const event = (
  topic: string,
  id: string,
  data: Record<string, unknown>,
  partition: number,
  offset: number,
) => {
  const value = JSON.stringify({ id, data });
  const key = id.split('/')[0] ?? '';
  return {
    topic,
    key,
    partition,
    offset,
    value,
    headers: {},
    poison: null,
    misfit: null,
    event: { id, data },
  };
};

const snapshot = (id: string, version: number, status: string) => ({ id, version, status });

const charge = (id: string, payment: string, status: 'succeeded' | 'failed', number = 1) => ({
  id,
  idempotency_key: `${payment}/${number}`,
  amount: 1000,
  currency: 'EUR',
  token: 'tok_ok',
  status,
  failure: null,
  next_action: null,
  metadata: { payment_id: payment },
  created_at: at(1).toISOString(),
});

const payment = (id: string, subscription: string, status: string) => ({
  id,
  customer_id: `cus_${subscription.slice(-1)}`,
  kind: 'first',
  status,
  subscription_id: subscription,
  period_index: 1,
  amount: 1000,
  currency: 'EUR',
  announced: false,
});

/** From and to in seconds; without a payment it costs nothing. */
const period = (subscription: string, index: number, start: number, end: number, payment: string | null) => ({
  subscription_id: subscription,
  index,
  start: at(start),
  end: at(end),
  paid: true,
  payment_id: payment,
});

const attempt = (payment: string, status: string, reference: string, number = 1) => ({
  payment_id: payment,
  number,
  idempotency_key: `${payment}/${number}`,
  status,
  amount: 1000,
  currency: 'EUR',
  provider_reference: reference,
  started_at: at(1),
});

const taken = (type: string, reference: string) => ({
  id: `whd_${reference}`,
  payment_id: 'pay_1',
  provider_event_id: `evt_${reference}`,
  event_type: type,
  status: 'processed',
  outcome: null,
  reference,
});

const version = (id: string, number: number, status: string) => ({
  subject_id: id,
  version: number,
  status,
});

/** Made anew for each test, which may break it. */
export function idleFacts(): Facts {
  const records = [
    event('subscriptions.created', 'sub_1/v1', { subscription: snapshot('sub_1', 1, 'active') }, 0, 0),
    event('subscriptions.updated', 'sub_1/v2', { subscription: snapshot('sub_1', 2, 'active') }, 0, 0),
    event('subscriptions.updated', 'sub_1/v3', { subscription: snapshot('sub_1', 3, 'active') }, 0, 1),
    event('subscriptions.created', 'sub_2/v1', { subscription: snapshot('sub_2', 1, 'active') }, 1, 0),
    event('subscriptions.cancelled', 'sub_2/v2', { subscription: snapshot('sub_2', 2, 'cancelled') }, 1, 0),
    event('payments.failed', 'pay_4/attempt/1/failed', {}, 0, 0),
    event('payments.completed', 'pay_4/attempt/2/completed', {}, 0, 0),
  ];
  const poison = { topic: 'subscriptions.updated', partition: 2, offset: 0 };
  const letters = [{ group: 'analytics-service', ...poison }];
  return {
    reported: {
      orders: [
        { customer: 'cus_1', token: 'tok_ok', status: 201, subscriptionId: 'sub_1' },
        { customer: 'cus_2', token: 'tok_ok', status: 201, subscriptionId: 'sub_2' },
        { customer: 'cus_3', token: 'tok_stolen', status: 402, subscriptionId: 'sub_3' },
      ],
      cancellations: [{ subscriptionId: 'sub_2', status: 200, mode: 'now' }],
      payments: [{ customer: 'cus_4', paymentId: 'pay_4', status: 202 }],
      retries: [{ paymentId: 'pay_4', status: 202, requestId: 'rtr_4' }],
      ended: ['sub_1'],
      paused: new Set(),
      faults: [],
    },
    outbox: records.map(({ topic, key, partition, offset, value, event: { id } }, index) => ({
      id: index + 1,
      event_id: id,
      topic,
      key,
      payload: value,
      published: true,
      partition,
      offset,
    })),
    records: [
      ...records,
      { ...poison, key: 'x', value: '{', headers: {}, poison: 'not JSON', misfit: null, event: null },
    ],
    letters,
    deadRecords: [...letters],
    now: at(60),
    subscriptions: [
      {
        id: 'sub_1',
        customer_id: 'cus_1',
        version: 3,
        status: 'active',
        cancelled_at: null,
        clock_now: null,
      },
      {
        id: 'sub_2',
        customer_id: 'cus_2',
        version: 2,
        status: 'cancelled',
        cancelled_at: at(9),
        clock_now: null,
      },
      {
        id: 'sub_3',
        customer_id: 'cus_3',
        version: 1,
        status: 'expired',
        cancelled_at: null,
        clock_now: null,
      },
    ],
    periods: [
      period('sub_1', 1, 1, 31, 'pay_1'),
      period('sub_1', 2, 31, 61, null),
      period('sub_2', 1, 1, 31, 'pay_2'),
    ],
    payments: [
      payment('pay_1', 'sub_1', 'completed'),
      payment('pay_2', 'sub_2', 'refunded'),
      payment('pay_3', 'sub_3', 'failed'),
      {
        ...payment('pay_4', 'cus_4', 'completed'),
        kind: 'manual',
        subscription_id: null,
        period_index: null,
      },
    ],
    attempts: [
      attempt('pay_1', 'completed', 'ch_1'),
      attempt('pay_2', 'completed', 'ch_2'),
      attempt('pay_3', 'failed', 'ch_3'),
      attempt('pay_4', 'failed', 'ch_4'),
      attempt('pay_4', 'completed', 'ch_5', 2),
    ],
    refunds: [
      {
        payment_id: 'pay_2',
        idempotency_key: 'refund/1',
        status: 'succeeded',
        amount: 1000,
        currency: 'EUR',
        provider_reference: 're_1',
        of_payment: true,
      },
    ],
    refundsAtProvider: [
      { id: 're_1', idempotency_key: 'refund/1', status: 'succeeded', amount: 1000, currency: 'EUR' },
    ],
    disputesAtProvider: [{ id: 'dp_1', status: 'won' }],
    deliveries: [
      taken('charge.succeeded', 'ch_1'),
      taken('charge.succeeded', 'ch_2'),
      taken('charge.failed', 'ch_3'),
      taken('charge.failed', 'ch_4'),
      taken('charge.succeeded', 'ch_5'),
      taken('refund.succeeded', 're_1'),
      taken('dispute.opened', 'dp_1'),
      taken('dispute.won', 'dp_1'),
    ],
    lostWebhooks: new Set(),
    openTasks: [],
    retryRequests: [{ id: 'rtr_4', payment_id: 'pay_4', status: 'attempted' }],
    changes: [
      version('sub_1', 1, 'active'),
      version('sub_1', 2, 'active'),
      version('sub_1', 3, 'active'),
      version('sub_2', 1, 'active'),
      version('sub_2', 2, 'cancelled'),
      version('sub_3', 1, 'expired'),
    ],
    revenue: [
      { subscription_id: 'sub_1', version: 1, status: 'active' },
      { subscription_id: 'sub_1', version: 2, status: 'active' },
      { subscription_id: 'sub_1', version: 3, status: 'active' },
      { subscription_id: 'sub_2', version: 1, status: 'active' },
      { subscription_id: 'sub_2', version: 2, status: 'cancelled' },
    ],
    charges: [
      charge('ch_1', 'pay_1', 'succeeded'),
      charge('ch_2', 'pay_2', 'succeeded'),
      charge('ch_3', 'pay_3', 'failed'),
      charge('ch_4', 'pay_4', 'failed'),
      charge('ch_5', 'pay_4', 'succeeded', 2),
    ] as Facts['charges'],
    workflows: [
      { id: 'subscription/sub_1', runId: 'a', status: 'RUNNING', terminated: false },
      { id: 'subscription/sub_2', runId: 'b', status: 'COMPLETED', terminated: false },
      { id: 'subscription/sub_3', runId: 'c', status: 'COMPLETED', terminated: false },
      { id: 'payment/pay_2', runId: 'd', status: 'COMPLETED', terminated: false },
    ],
    withoutNextLook: [],
    ledger: idleLedger(),
  };
}
