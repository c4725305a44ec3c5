/**
 * Perennial's side of Stripe: `PaymentProvider` over Stripe's API.
 *
 * Owns: which call a charge is. Does not own the other operations (`lookup.ts`, `cancel.ts`, `refunds.ts`,
 * `payment-methods.ts`), what Stripe's objects mean (`intents.ts`), nor repeating a call (the Payment Service does).
 * Invariants: those of `../port`; it keeps nothing between calls.
 */
import type { AttemptOutcome } from '../../domain/payment/payment';
import type { ChargeRequest, PaymentProvider } from '../port';
import { stripeChargeLimits } from './amounts';
import { cancelAt } from './cancel';
import { stripeClient, type StripeClient, type StripeClientOptions } from './client';
import { intentOutcome, intentParameters, refusedCharge, unchargeable, unknown } from './intents';
import { lookUpAt } from './lookup';
import { ensurePaymentMethodAt } from './payment-methods';
import { refundAt } from './refunds';
import { stripeWebhooks } from './webhooks';

export interface StripeOptions extends StripeClientOptions {
  /** Where Stripe sends customers after their bank has asked them something. */
  returnUrl?: string;
}

/**
 * The adapter of Stripe.
 * @throws TypeError when `apiUrl` is not a URL
 */
export function stripeProvider(options: StripeOptions): PaymentProvider {
  const client = stripeClient(options);
  return {
    name: 'stripe',
    // A key of a kind that is not known counts as live.
    isLive: !/^(sk|rk)_test_/.test(options.secretKey),
    ensurePaymentMethod: (request, timeoutMs) => ensurePaymentMethodAt(client, request, timeoutMs),
    chargeLimits: stripeChargeLimits,
    charge: (request, timeoutMs) => chargeAt(client, request, options.returnUrl, timeoutMs),
    lookup: (request, timeoutMs) => lookUpAt(client, request, timeoutMs),
    cancel: (request, timeoutMs) => cancelAt(client, request, timeoutMs),
    refund: (request, timeoutMs) => refundAt(client, request, timeoutMs),
    webhooks: stripeWebhooks,
  };
}

async function chargeAt(
  client: StripeClient,
  request: ChargeRequest,
  returnUrl: string | undefined,
  timeoutMs: number,
): Promise<AttemptOutcome> {
  const parameters = intentParameters(request, returnUrl);
  if (parameters === undefined) return unchargeable;
  const answer = await client.ask(
    (stripe, options) => stripe.paymentIntents.create(parameters, options),
    timeoutMs,
    request.idempotencyKey,
  );
  if ('unknown' in answer) return unknown(answer.unknown);
  return 'object' in answer ? intentOutcome(answer.object, request) : refusedCharge(answer.refused, request);
}
