/** Stripe’s words. */
import { failure, type DeclineCode } from '../../../../domain/payment/payment';
import { stripeProvider } from '../../../../providers/stripe/adapter';
import { maxStripeAnswerBytes } from '../../../../providers/stripe/client';
import { money, type Wire } from './wire';

const secretKey = 'sk_test_secret';
const key = 'pay_1/2';
const subject = { paymentId: 'pay_1', customerId: 'cus_1', providerCustomer: 'cus_Stripe1' };
const lookup = { ...subject, ...money, idempotencyKey: key, startedAt: '2027-03-01T09:00:00.000Z' };
const metadata = { payment_id: 'pay_1', attempt: '2', customer_id: 'cus_1' };

export const takenIntent = {
  object: 'payment_intent',
  id: 'pi_1',
  amount: 1500,
  amount_received: 1500,
  currency: 'eur',
  customer: 'cus_Stripe1',
  status: 'succeeded',
  metadata,
  last_payment_error: null,
  next_action: null,
};
const untaken = { ...takenIntent, amount_received: 0 };

export const stripeError = (status: number, error: object) => ({
  status,
  body: { error: { type: 'invalid_request_error', message: `x ${secretKey} pm_secret`, ...error } },
});

function decline(
  decline_code: string,
  ours: DeclineCode,
  more: { advice_code?: string; network_advice_code?: string } = {},
) {
  const error = { type: 'card_error', code: 'card_declined', decline_code, ...more };
  const object = { ...untaken, status: 'requires_payment_method', last_payment_error: error };
  return {
    reply: stripeError(402, { ...error, payment_intent: object }),
    object,
    expected: failure(
      ours,
      `Stripe declined the payment (${decline_code}).`,
      decline_code,
      more.network_advice_code ?? more.advice_code ?? null,
    ),
  };
}

const declines = [
  decline('insufficient_funds', 'insufficient_funds'),
  decline('generic_decline', 'do_not_honor'),
  decline('withdrawal_count_limit_exceeded', 'limit_exceeded'),
  decline('processing_error', 'processing_error'),
  decline('issuer_not_available', 'try_again_later', { advice_code: 'try_again_later' }),
  decline('expired_card', 'expired_card', { advice_code: 'confirm_card_data', network_advice_code: '01' }),
  decline('incorrect_number', 'invalid_payment_method'),
  decline('stolen_card', 'stolen_or_lost'),
  decline('invalid_account', 'account_closed'),
  decline('revocation_of_authorization', 'revoked_authorization'),
  decline('fraudulent', 'fraud_suspected'),
  decline('authentication_required', 'authentication_required'),
  decline('payment_intent_payment_attempt_expired', 'not_completed'),
  // A network that forbids another attempt makes a soft decline hard.
  decline('do_not_honor', 'invalid_payment_method', {
    advice_code: 'do_not_try_again',
    network_advice_code: '03',
  }),
  decline('a_reason_of_next_year', 'do_not_honor'),
  decline('toString', 'do_not_honor'),
];

const list = (data: readonly object[], has_more = false) => ({
  status: 200,
  body: { object: 'list', url: '/v1/x', data, has_more },
});
const refunded = {
  object: 'refund',
  id: 're_1',
  amount: 500,
  currency: 'eur',
  payment_intent: 'pi_1',
  metadata: { payment_id: 'pay_1', idempotency_key: 'pay_1/refund/1' },
};

export const stripeWire: Wire = {
  name: 'stripe',
  provider: (baseUrl) => stripeProvider({ secretKey, apiUrl: baseUrl }),
  charge: {
    ...subject,
    ...money,
    idempotencyKey: key,
    token: 'pm_secret',
    offSession: true,
    attempt: 2,
    subscriptionId: null,
  },
  lookup,
  cancel: { ...lookup, providerReference: 'pi_1' },
  refund: {
    idempotencyKey: 'pay_1/refund/1',
    providerReference: 'pi_1',
    amount: 500,
    currency: 'EUR',
    paymentId: 'pay_1',
  },
  secrets: [secretKey, 'pm_secret'],
  maxAnswerBytes: maxStripeAnswerBytes,

  taken: (more) => ({ ...takenIntent, ...more }),
  takenReference: 'pi_1',
  takenOf: (amount, currency) => ({
    ...takenIntent,
    amount,
    amount_received: amount,
    currency: currency.toLowerCase(),
  }),
  ofAnotherAttempt: { ...takenIntent, metadata: { ...metadata, attempt: '1' } },
  pending: { ...untaken, status: 'processing' },
  requiresAction: {
    object: {
      ...untaken,
      status: 'requires_action',
      next_action: {
        type: 'redirect_to_url',
        redirect_to_url: { url: 'https://hooks.stripe.com/3ds/1', return_url: 'https://shop.example/back' },
      },
    },
    expected: { type: 'redirect_to_url', url: 'https://hooks.stripe.com/3ds/1', expires_at: null },
  },
  declines,
  declineCodes: [...new Set(declines.map(({ expected }) => expected.code))],
  amountRefused: {
    reply: stripeError(400, { code: 'amount_too_small', param: 'amount' }),
    providerCode: 'amount_too_small',
  },
  unknownToken: stripeError(400, { code: 'resource_missing', param: 'payment_method' }),
  sameKeyInProgress: stripeError(409, { code: 'idempotency_key_in_use' }),
  keyWithOtherParameters: stripeError(400, { type: 'idempotency_error' }),
  rateLimited: stripeError(429, { code: 'rate_limit' }),

  charged: (object) => ({ status: 200, body: object }),
  found: list,

  cancelled: {
    object: { ...untaken, status: 'canceled', cancellation_reason: 'abandoned' },
    expected: failure('not_completed', 'The payment was cancelled at Stripe.', 'canceled'),
  },
  cancelRefused: (object) =>
    stripeError(400, { code: 'payment_intent_unexpected_state', payment_intent: object }),

  refunded: (status, more) => ({ ...refunded, status, ...more }),
  refundReference: 're_1',
  refundRefused: {
    reply: stripeError(400, { code: 'charge_already_refunded' }),
    reason: 'charge_already_refunded',
  },
  refundReplies: (reply) => ({ GET: list([]), POST: reply }),
};
