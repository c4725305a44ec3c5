/** The sandbox provider’s words. */
import { failure } from '../../../../domain/payment/payment';
import { sandboxProvider } from '../../../../providers/sandbox/adapter';
import { maxAnswerBytes } from '../../../../providers/sandbox/http';
import { money, type Wire } from './wire';

const key = 'pay_1/2';
const subject = { paymentId: 'pay_1', customerId: 'cus_1', providerCustomer: null };
const lookup = { ...subject, ...money, idempotencyKey: key, startedAt: '2027-03-01T09:00:00.000Z' };
const taken = {
  id: 'ch_1',
  idempotency_key: key,
  ...money,
  token: 'tok_ok#secret',
  status: 'succeeded',
  failure: null,
  next_action: null,
  metadata: { payment_id: 'pay_1', attempt: 2, subscription_id: null, customer_id: 'cus_1' },
  created_at: '2027-03-01T09:00:00.000Z',
};
const refunded = {
  id: 're_1',
  charge_id: 'ch_1',
  idempotency_key: 'pay_1/refund/1',
  amount: 500,
  currency: 'EUR',
  created_at: '2027-03-01T10:00:00.000Z',
};
const refusal = (status: number, code: string) => ({ status, body: { error: { code, message: 'x' } } });
const asked = { type: 'redirect', url: 'https://bank.example/3ds', expires_at: null };
const codes = [
  ['insufficient_funds', 'insufficient_funds'],
  ['do_not_honor', 'do_not_honor'],
  ['processing_error', 'processing_error'],
  ['expired_card', 'expired_card'],
  ['stolen_card', 'stolen_or_lost'],
  ['authentication_required', 'authentication_required'],
  ['a_reason_of_next_year', 'do_not_honor'],
  ['toString', 'do_not_honor'],
] as const;

export const sandboxWire: Wire = {
  name: 'sandbox',
  provider: (baseUrl) => sandboxProvider({ baseUrl }),
  charge: {
    ...subject,
    ...money,
    idempotencyKey: key,
    token: 'tok_ok#secret',
    offSession: true,
    attempt: 2,
    subscriptionId: null,
  },
  lookup,
  cancel: { ...lookup, providerReference: 'ch_1' },
  refund: {
    idempotencyKey: 'pay_1/refund/1',
    providerReference: 'ch_1',
    amount: 500,
    currency: 'EUR',
    paymentId: 'pay_1',
  },
  secrets: ['tok_ok#secret'],
  maxAnswerBytes,

  taken: (more) => ({ ...taken, ...more }),
  takenReference: 'ch_1',
  takenOf: (amount, currency) => ({ ...taken, amount, currency }),
  ofAnotherAttempt: { ...taken, idempotency_key: 'pay_1/1' },
  pending: { ...taken, status: 'pending' },
  requiresAction: { object: { ...taken, status: 'requires_action', next_action: asked }, expected: asked },
  declines: codes.map(([code, ours]) => {
    const object = { ...taken, status: 'failed', failure: { code, message: 'No.' } };
    return { reply: { status: 201, body: object }, object, expected: failure(ours, 'No.', code) };
  }),
  declineCodes: [...new Set(codes.map(([, ours]) => ours))],
  amountRefused: { reply: refusal(422, 'amount_too_small'), providerCode: 'amount_too_small' },
  unknownToken: refusal(422, 'unknown_token'),
  sameKeyInProgress: refusal(409, 'idempotency_key_in_progress'),
  keyWithOtherParameters: refusal(409, 'idempotency_key_reused'),
  rateLimited: refusal(429, 'rate_limited'),

  charged: (object) => ({ status: 201, body: object }),
  found: (objects, more = false) => ({ status: 200, body: { data: objects, has_more: more } }),

  cancelled: {
    object: { ...taken, status: 'failed', failure: { code: 'cancelled', message: 'No.' } },
    expected: failure('not_completed', 'No.', 'cancelled'),
  },
  cancelRefused: () => refusal(409, 'charge_not_cancellable'),

  refunded: (status, more) => ({ ...refunded, status, ...more }),
  refundReference: 're_1',
  refundRefused: { reply: refusal(409, 'charge_not_refundable'), reason: 'charge_not_refundable' },
  refundReplies: (reply) => ({ GET: reply, POST: reply }),
};
