/**
 * Perennial's side of the sandbox provider: `PaymentProvider` over its HTTP API.
 *
 * Owns: what each answer means, by the invariants of `../port`. Does not own repeating a call (the Payment
 * Service does). Invariants: never throws once made; only a charge that the provider shows settles anything;
 * no token in a message.
 */
import { createHash } from 'node:crypto';
import type { ChargeLimits } from '../../domain/money';
import { amountFault, amountMismatch, failure, type AttemptOutcome } from '../../domain/payment/payment';
import type { RefundOutcome } from '../../domain/payment/refund';
import { countdown } from '../countdown';
import {
  isOpen,
  type CancelOutcome,
  type CancelRequest,
  type ChargeRequest,
  type LookupOutcome,
  type LookupRequest,
  type PaymentProvider,
  type RefundRequest,
} from '../port';
import { charge as chargeSchema, chargeList, refusal, type Charge } from './charge';
import { failureOf } from './declines';
import { call, type Answer } from './http';
import { refund as refundSchema } from './refund';
import { sandboxWebhooks } from './webhooks';

type Expected = Pick<LookupRequest, 'idempotencyKey' | 'amount' | 'currency'>;

interface SandboxOptions {
  baseUrl: string;
  /** As `/v1/control` has them; the default is what the sandbox begins with. */
  limits?: ChargeLimits;
}

/**
 * The adapter of the sandbox provider.
 * @throws TypeError when `baseUrl` is not a URL
 */
export function sandboxProvider({
  baseUrl,
  limits = { smallest: 1, step: 1 },
}: SandboxOptions): PaymentProvider {
  const base = baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`;
  const charges = new URL('v1/charges', base);
  const refunds = new URL('v1/refunds', base);
  return {
    name: 'sandbox',
    isLive: false,
    // A token is a card, with what follows its #.
    fingerprintOf: (token) => createHash('sha256').update(token).digest('hex'),
    chargeLimits: () => limits,
    charge: async (request, timeoutMs) => {
      const answer = await post(charges, timeoutMs, request.idempotencyKey, bodyOf(request));
      return chargeOutcome(answer, request);
    },
    lookup: (request, timeoutMs) => lookUpAt(charges, request, timeoutMs),
    cancel: (request, timeoutMs) => cancelAt(charges, request, timeoutMs),
    refund: async (request, timeoutMs) => {
      const body = { charge_id: request.providerReference, amount: request.amount };
      return refundOutcome(await post(refunds, timeoutMs, request.idempotencyKey, body), request);
    },
    webhooks: sandboxWebhooks,
  };
}

function post(url: URL, timeoutMs: number, idempotencyKey: string, body: object): Promise<Answer> {
  return call(url, timeoutMs, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
    body: JSON.stringify(body),
  });
}

function bodyOf(request: ChargeRequest): object {
  return {
    amount: request.amount,
    currency: request.currency,
    token: request.token,
    off_session: request.offSession,
    metadata: {
      payment_id: request.paymentId,
      attempt: request.attempt,
      subscription_id: request.subscriptionId,
      customer_id: request.customerId,
    },
  };
}

function chargeOutcome(answer: Answer, expected: Expected): AttemptOutcome {
  if ('unknown' in answer) return unknown(answer.unknown);
  if (answer.httpStatus === 200 || answer.httpStatus === 201) {
    const charge = chargeSchema.safeParse(answer.body);
    return charge.success ? outcomeOf(charge.data, expected) : unknown('unreadable_answer');
  }
  const { data: refused } = refusal.safeParse(answer.body);
  const code = refused?.error.code;
  const meaning = `${answer.httpStatus} ${code}`;
  if (meaning === '422 unknown_token') {
    return {
      status: 'failed',
      provider_reference: null,
      failure: failure(
        'invalid_payment_method',
        'The provider does not know the payment method.',
        'unknown_token',
      ),
    };
  }
  if (meaning === '422 amount_too_small' || meaning === '422 invalid_charge_amount') {
    const why = amountFault('The provider does not charge this amount.', String(code));
    return { status: 'failed', provider_reference: null, failure: why };
  }
  if (meaning === '409 idempotency_key_in_progress') return unknown('in_progress');
  if (meaning === '409 idempotency_key_reused') return unknown('idempotency_conflict');
  return unclear(answer.httpStatus);
}

async function lookUpAt(charges: URL, request: LookupRequest, timeoutMs: number): Promise<LookupOutcome> {
  const url = new URL(charges);
  url.searchParams.set('idempotency_key', request.idempotencyKey);
  return lookupOutcome(await call(url, timeoutMs, { method: 'GET' }), request);
}

/** Cancels the charge, which is found first where its name is not known. */
async function cancelAt(charges: URL, request: CancelRequest, timeoutMs: number): Promise<CancelOutcome> {
  const leftMs = countdown(timeoutMs);
  const named = request.providerReference;
  if (named !== null) return cancelCharge(charges, named, request, leftMs);
  const found = await lookUpAt(charges, request, leftMs());
  if (!isOpen(found)) return found;
  return cancelCharge(charges, found.provider_reference, request, leftMs);
}

async function cancelCharge(
  charges: URL,
  chargeId: string,
  request: CancelRequest,
  leftMs: () => number,
): Promise<CancelOutcome> {
  const url = new URL(`${charges.pathname}/${encodeURIComponent(chargeId)}/cancel`, charges);
  const answer = await call(url, leftMs(), { method: 'POST' });
  if ('unknown' in answer) return unknown(answer.unknown);
  if (answer.httpStatus === 200) return cancelledOr(answer.body, request);
  const code = refusal.safeParse(answer.body).data?.error.code;
  if (`${answer.httpStatus} ${code}` !== '409 charge_not_cancellable') return unclear(answer.httpStatus);
  const standing = await lookUpAt(charges, request, leftMs());
  return isOpen(standing) ? { status: 'not_cancellable', standing } : standing;
}

function cancelledOr(body: unknown, expected: Expected): CancelOutcome {
  const { data: charge } = chargeSchema.safeParse(body);
  const isIt = charge?.idempotency_key === expected.idempotencyKey && charge.failure?.code === 'cancelled';
  return isIt ? { status: 'cancelled', provider_reference: charge.id } : unknown('unreadable_answer');
}

function lookupOutcome(answer: Answer, expected: Expected): LookupOutcome {
  if ('unknown' in answer) return unknown(answer.unknown);
  if (answer.httpStatus !== 200) return unclear(answer.httpStatus);
  const list = chargeList.safeParse(answer.body);
  if (!list.success || list.data.has_more || list.data.data.length > 1) return unknown('unreadable_answer');
  const [charge] = list.data.data;
  return charge ? outcomeOf(charge, expected) : { status: 'not_found' };
}

function refundOutcome(answer: Answer, expected: RefundRequest): RefundOutcome {
  if ('unknown' in answer) return unknown(answer.unknown);
  const { httpStatus, body } = answer;
  if (httpStatus === 200 || httpStatus === 201) {
    const { data: answered } = refundSchema.safeParse(body);
    const isIt =
      answered?.idempotency_key === expected.idempotencyKey &&
      answered.charge_id === expected.providerReference &&
      answered.amount === expected.amount &&
      answered.currency === expected.currency;
    if (!answered || !isIt) return unknown('unreadable_answer');
    return answered.status === 'failed'
      ? { status: 'failed', provider_reference: answered.id, reason: 'refund_failed' }
      : { status: answered.status, provider_reference: answered.id };
  }
  const code = refusal.safeParse(body).data?.error.code;
  const meaning = `${httpStatus} ${code}`;
  if (meaning === '409 charge_not_refundable') {
    return { status: 'failed', provider_reference: null, reason: 'charge_not_refundable' };
  }
  return meaning === '409 idempotency_key_reused' ? unknown('idempotency_conflict') : unclear(httpStatus);
}

function outcomeOf(charge: Charge, expected: Expected): AttemptOutcome {
  // A charge of another key says nothing about this one.
  if (charge.idempotency_key !== expected.idempotencyKey) return unknown('unreadable_answer');
  if (charge.amount !== expected.amount || charge.currency !== expected.currency) {
    const { id: provider_reference, amount, currency } = charge;
    return charge.status === 'succeeded'
      ? amountMismatch({ amount, currency, provider_reference })
      : amountMismatch();
  }
  switch (charge.status) {
    case 'succeeded':
      return { status: 'completed', provider_reference: charge.id };
    case 'pending':
      return { status: 'pending', provider_reference: charge.id };
    case 'requires_action':
      return { status: 'requires_action', provider_reference: charge.id, next_action: charge.next_action };
    case 'failed':
      return { status: 'failed', provider_reference: charge.id, failure: failureOf(charge.failure) };
  }
}

function unclear(httpStatus: number): { status: 'unknown'; reason: string } {
  return unknown(httpStatus === 429 ? 'rate_limited' : `http_${httpStatus}`);
}

function unknown(reason: string): { status: 'unknown'; reason: string } {
  return { status: 'unknown', reason };
}
