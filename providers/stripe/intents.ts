/**
 * PaymentIntents: what is sent to make one, and what its state means for an attempt.
 *
 * Invariants: an intent counts for an attempt only when its metadata name that attempt; another amount or currency
 * than was asked, received or refused, is `amount_mismatch`; a state that settles nothing here is unknown.
 */
import type StripeLibrary from 'stripe';
import { z } from 'zod';
import { attemptIdempotencyKey } from '../../domain/ids';
import {
  amountFault,
  amountMismatch,
  type AttemptOutcome,
  type NextAction,
} from '../../domain/payment/payment';
import type { ChargeRequest, LookupRequest } from '../port';
import { fromStripeAmount, toStripeAmount } from './amounts';
import { unclear, type Refused } from './client';
import { cancellationOf, declineOf, refusalOf } from './declines';
import { stripeCurrency, stripeFault, stripeId } from './wire';

/** The attempt that an intent is read for. */
export type Expected = Pick<LookupRequest, 'idempotencyKey' | 'amount' | 'currency'>;

export const paymentIntent = z.object({
  object: z.literal('payment_intent'),
  id: stripeId,
  amount: z.int(),
  amount_received: z.int(),
  currency: stripeCurrency,
  status: z.string(),
  metadata: z.record(z.string(), z.string()),
  last_payment_error: stripeFault.nullish(),
  cancellation_reason: z.string().nullish(),
  next_action: z
    .object({
      type: z.string().regex(/^\w{1,100}$/),
      redirect_to_url: z.object({ url: z.url().max(4096).nullish() }).nullish(),
    })
    .nullish(),
});
export type PaymentIntent = z.infer<typeof paymentIntent>;

/** Undefined for an amount that Stripe cannot charge in that currency. */
export function intentParameters(
  request: ChargeRequest,
  returnUrl: string | undefined,
): StripeLibrary.PaymentIntentCreateParams | undefined {
  const amount = toStripeAmount(request.amount, request.currency);
  if (amount === undefined) return undefined;
  return {
    amount,
    currency: request.currency.toLowerCase(),
    payment_method: request.token,
    ...(request.providerCustomer !== null && { customer: request.providerCustomer }),
    confirm: true,
    // On session the bank is asked once for all that follows, so that renewals need no customer.
    ...(request.offSession ? { off_session: true } : { setup_future_usage: 'off_session' as const }),
    // Without a page to come back to, only methods that need none are accepted.
    ...(returnUrl === undefined
      ? { automatic_payment_methods: { enabled: true, allow_redirects: 'never' as const } }
      : { automatic_payment_methods: { enabled: true }, return_url: returnUrl }),
    metadata: {
      payment_id: request.paymentId,
      attempt: String(request.attempt),
      customer_id: request.customerId,
      ...(request.subscriptionId !== null && { subscription_id: request.subscriptionId }),
    },
  };
}

/** Whether the intent was made for that attempt. */
export function isOf(intent: PaymentIntent, idempotencyKey: string): boolean {
  const { payment_id: paymentId, attempt } = intent.metadata;
  return (
    paymentId !== undefined &&
    attempt !== undefined &&
    attemptIdempotencyKey(paymentId, Number(attempt)) === idempotencyKey
  );
}

/** What an intent, as Stripe shows it, means for the attempt. */
export function intentOutcome(shown: unknown, expected: Expected): AttemptOutcome {
  const { data: intent } = paymentIntent.safeParse(shown);
  // An intent of another attempt says nothing about this one.
  if (intent === undefined || !isOf(intent, expected.idempotencyKey)) return unknown('unreadable_answer');
  const amount = toStripeAmount(expected.amount, expected.currency);
  if (intent.amount !== amount || intent.currency.toUpperCase() !== expected.currency) {
    return mismatchOf(intent);
  }
  const reference = { provider_reference: intent.id };
  switch (intent.status) {
    case 'succeeded':
      if (intent.amount_received !== amount) return mismatchOf(intent);
      return { status: 'completed', ...reference };
    case 'processing':
      return { status: 'pending', ...reference };
    case 'requires_action':
      return { status: 'requires_action', ...reference, next_action: nextActionOf(intent) };
    case 'requires_payment_method':
      // Without an error it has not been confirmed yet.
      return intent.last_payment_error
        ? { status: 'failed', ...reference, failure: declineOf(intent.last_payment_error) }
        : unknown('in_progress');
    case 'canceled':
      return { status: 'failed', ...reference, failure: cancellationOf(intent.cancellation_reason) };
    default:
      return unknown(intent.status === 'requires_confirmation' ? 'in_progress' : 'unreadable_answer');
  }
}

/** What was received is named in our minor units, where they have it. */
function mismatchOf({ id, status, amount_received, currency: lower }: PaymentIntent): AttemptOutcome {
  const currency = lower.toUpperCase();
  const amount = status === 'succeeded' ? fromStripeAmount(amount_received, currency) : undefined;
  return amount === undefined
    ? amountMismatch()
    : amountMismatch({ amount, currency, provider_reference: id });
}

function nextActionOf(intent: PaymentIntent): NextAction {
  return {
    type: intent.next_action?.type ?? 'unknown',
    url: intent.next_action?.redirect_to_url?.url ?? null,
    expires_at: null,
  };
}

/** What Stripe's refusal of a charge means for the attempt. */
export function refusedCharge(refused: Refused, expected: Expected): AttemptOutcome {
  const { httpStatus, fault, paymentIntent: shown } = refused;
  if (httpStatus !== 402) {
    const why = refusalOf(fault);
    return why === undefined
      ? unknown(unclear(httpStatus))
      : { status: 'failed', provider_reference: null, failure: why };
  }
  const why = declineOf(fault);
  if (shown === undefined || shown === null) {
    return { status: 'failed', provider_reference: null, failure: why };
  }
  const outcome = intentOutcome(shown, expected);
  // The refusal is about this call; the intent may show the state before it, or nothing that settles.
  const settles = outcome.status === 'completed' || outcome.status === 'pending';
  if (settles || (outcome.status === 'unknown' && outcome.reason !== 'in_progress')) return outcome;
  const { data: intent } = paymentIntent.safeParse(shown);
  return { status: 'failed', provider_reference: intent?.id ?? null, failure: why };
}

/** Stripe is not asked for an amount that it could not charge. */
export const unchargeable: AttemptOutcome = {
  status: 'failed',
  provider_reference: null,
  failure: amountFault('Stripe cannot charge this amount in this currency.', 'amount_not_supported'),
};

export function unknown(reason: string): { status: 'unknown'; reason: string } {
  return { status: 'unknown', reason };
}
