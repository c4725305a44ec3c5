/** For every topic that is consumed: well-formed records that our own history contradicts, and what groups make of them. */
import type { EventData, EventTopic } from '../../../contracts/topics/events';
import { bulkRetryRequestId, periodPaymentId } from '../../../domain/ids';

/** What is true, as our own records say it. */
export interface Truth {
  /** Of a subscription whose first payment was paid at once. */
  paid: EventData<'subscriptions.created'>;
  /** Of one whose first payment is open. */
  open: EventData<'subscriptions.created'>;
  cancelled: EventData<'subscriptions.cancelled'>;
  /** Of the open first payment: the outcome that it does not have yet. */
  outcome: EventData<'payments.completed'>;
  requested: EventData<'payments.requested'>;
  retry: EventData<'payments.retry.requested'>;
  webhook: EventData<'webhooks.received'>;
  recovered: EventData<'notifications.requested'>;
}

/** What each group that reads the topic makes of it; `nothing`: it takes the record for a hint, and does nothing. */
type Verdicts = Record<string, string>;
export type Case = { [T in EventTopic]: [T, string, (truth: Truth) => EventData<T>, Verdicts] }[EventTopic];

const failure = {
  category: 'hard',
  code: 'stolen_or_lost',
  provider_code: null,
  message: '',
  network_advice: null,
} as const;
const [payment, analytics] = ['payment-service', 'analytics-service'];
const contradictsSubscription = 'contradicts_subscription';

const failedOne = {
  payment_id: 'pay_failed',
  kind: 'manual',
  trigger: 'manual',
  subscription_id: null,
  customer_id: 'cus_of_pay_failed',
  period_index: null,
} as const;

/** An outcome as the failure that it was not. */
const declined = (outcome: EventData<'payments.completed'>): EventData<'payments.failed'> => ({
  ...outcome,
  failure,
  failed_at: outcome.completed_at,
});

function opened({ first_payment: first }: EventData<'subscriptions.created'>) {
  if (first === null) throw new Error('it has no first payment');
  return first;
}

function updated(
  { subscription }: Pick<EventData<'subscriptions.created'>, 'subscription'>,
  more: Partial<typeof subscription>,
): EventData<'subscriptions.updated'> {
  return {
    subscription: { ...subscription, ...more },
    changes: ['renewed'],
    previous: {},
    actor: { kind: 'system', id: 'subscription-service', reason: null },
  };
}

export const forged: readonly Case[] = [
  [
    'subscriptions.created',
    'the first payment that was paid at once as open: its outcome would be published',
    ({ paid }) => ({ ...paid, first_payment: { ...opened(paid), status: 'pending' } }),
    { [payment]: contradictsSubscription, [analytics]: 'nothing' },
  ],
  [
    'subscriptions.created',
    'another’s payment as its first one',
    ({ open }) => ({ ...open, first_payment: { ...opened(open), payment_id: 'pay_asked' } }),
    { [payment]: contradictsSubscription, [analytics]: 'nothing' },
  ],
  [
    'subscriptions.created',
    'another price',
    ({ paid }) => ({ ...paid, subscription: { ...paid.subscription, amount: 900_000 } }),
    { [payment]: 'nothing', [analytics]: contradictsSubscription },
  ],
  [
    'subscriptions.created',
    'a subscription that there is not',
    ({ paid }) => ({ ...paid, subscription: { ...paid.subscription, id: 'sub_nobody' } }),
    { [payment]: 'nothing', [analytics]: 'unknown_subscription' },
  ],
  [
    'subscriptions.updated',
    'a version that there is not',
    ({ paid }) => updated(paid, { version: 99, amount: 900_000 }),
    { [analytics]: 'unknown_subscription' },
  ],
  [
    'subscriptions.updated',
    'a cancelled subscription as active',
    ({ cancelled }) => updated(cancelled, { status: 'active' }),
    { [analytics]: contradictsSubscription },
  ],
  [
    'subscriptions.updated',
    'another interval',
    ({ paid }) => updated(paid, { interval: { unit: 'day', count: 1 } }),
    { [analytics]: contradictsSubscription },
  ],
  [
    'subscriptions.cancelled',
    'an active subscription, with a refund and the payments of others',
    ({ paid, cancelled }) => ({
      ...cancelled,
      subscription: { ...paid.subscription, status: 'cancelled', version: 2 },
      refund: { amount: 1_000, currency: 'EUR' },
      open_payment_ids: ['pay_asked'],
    }),
    { [payment]: contradictsSubscription, [analytics]: 'unknown_subscription' },
  ],
  [
    'subscriptions.cancelled',
    'a true cancellation, and the payment of another customer as open',
    ({ cancelled }) => ({ ...cancelled, open_payment_ids: ['pay_asked', 'pay_failed'] }),
    { [payment]: contradictsSubscription, [analytics]: 'nothing' },
  ],
  [
    'subscriptions.cancelled',
    'a true cancellation, with a refund',
    ({ cancelled }) => ({ ...cancelled, refund: { amount: 1_000, currency: 'EUR' } }),
    { [payment]: contradictsSubscription, [analytics]: 'nothing' },
  ],
  [
    'subscriptions.cancelled',
    'a true cancellation as an older version would have it, with a refund',
    ({ cancelled }) => ({
      ...cancelled,
      refunds: undefined,
      refund: { amount: 1_000, currency: 'EUR' },
    }),
    { [payment]: contradictsSubscription, [analytics]: 'nothing' },
  ],
  [
    'subscriptions.renew_required',
    'a subscription that is paid as due',
    ({ paid }) => ({
      subscription_id: paid.subscription.id,
      customer_id: 'cus_1',
      period_index: 1,
      due_at: '2020-01-01T00:00:00.000Z',
      cause: 'period_end',
    }),
    { 'subscription-service': 'nothing' },
  ],
  [
    'payments.completed',
    'the success of a payment whose outcome is not known',
    ({ outcome }) => outcome,
    { 'subscription-service': 'contradicts_payment' },
  ],
  [
    'payments.completed',
    'the success of a payment that failed',
    ({ outcome }) => ({ ...outcome, ...failedOne }),
    { 'subscription-service': 'contradicts_payment' },
  ],
  [
    'payments.failed',
    'the failure of a payment that was paid',
    ({ paid, outcome }) => ({
      ...declined(outcome),
      payment_id: opened(paid).payment_id,
      subscription_id: paid.subscription.id,
    }),
    { 'retry-service': 'contradicts_payment' },
  ],
  [
    'payments.failed',
    'another decline than the one that there was',
    ({ outcome }) => ({ ...declined(outcome), ...failedOne }),
    { 'retry-service': 'contradicts_payment' },
  ],
  [
    'payments.requested',
    'a payment that no caller requested',
    ({ requested }) => ({ ...requested, payment_id: 'pay_forged' }),
    { [payment]: 'source_not_allowed' },
  ],
  [
    'payments.requested',
    'the payment of a period to come',
    ({ requested }) => ({
      ...requested,
      payment_id: periodPaymentId('sub_paid', 2),
      subscription_id: 'sub_paid',
    }),
    { [payment]: 'source_not_allowed' },
  ],
  [
    'payments.requested',
    'a payment that was asked for, with another amount',
    ({ requested }) => ({ ...requested, amount: 200_000 }),
    { [payment]: 'contradicts_payment' },
  ],
  [
    'payments.retry.requested',
    'a retry that no caller requested',
    ({ retry }) => retry,
    { 'retry-service': 'source_not_allowed' },
  ],
  [
    'payments.retry.requested',
    'the retry of a bulk retry to come',
    ({ retry }) => ({ ...retry, retry_request_id: bulkRetryRequestId('brt_1', 'pay_failed') }),
    { 'retry-service': 'source_not_allowed' },
  ],
  [
    'webhooks.received',
    'a webhook that was never received',
    ({ webhook }) => ({ ...webhook, delivery_id: 'whd_forged' }),
    { [payment]: 'unknown_delivery' },
  ],
  [
    'webhooks.received',
    'in a webhook about nothing of ours the success of an open payment',
    ({ webhook, outcome: { payment_id, attempt, amount, currency } }) => ({
      ...webhook,
      payment_id,
      outcome: {
        status: 'completed',
        attempt,
        amount,
        currency,
        provider_reference: 'ch_9',
        failure: null,
      },
    }),
    { [payment]: 'nothing' },
  ],
  [
    'notifications.requested',
    'the money of a payment that failed',
    ({ recovered }) => recovered,
    { 'notification-service': 'source_not_allowed' },
  ],
];
