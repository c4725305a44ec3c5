/**
 * Perennial's side of Stripe: `PaymentProvider` over Stripe's API.
 *
 * Owns: which calls a charge, a lookup and a refund are. Does not own what Stripe's objects mean (`intents.ts`,
 * `refunds.ts`, `payment-methods.ts`), nor repeating a call (the Payment Service does). Invariants: those of
 * `../port`; it keeps nothing between calls; search is never asked, because it lags behind.
 */
import { z } from 'zod';
import type { AttemptOutcome } from '../../domain/payment/payment';
import type { ChargeRequest, LookupOutcome, LookupRequest, PaymentProvider } from '../port';
import { stripeChargeLimits } from './amounts';
import { countdown, stripeClient, unclear, type StripeClient, type StripeClientOptions } from './client';
import {
  intentOutcome,
  intentParameters,
  isOf,
  paymentIntent,
  refusedCharge,
  unchargeable,
  unknown,
  type PaymentIntent,
} from './intents';
import { ensurePaymentMethodAt } from './payment-methods';
import { refundAt } from './refunds';
import { stripeWebhooks } from './webhooks';

export interface StripeOptions extends StripeClientOptions {
  /** Where Stripe sends customers after their bank has asked them something. */
  returnUrl?: string;
}

/** By how much Stripe's clock may be behind ours. */
const clockSlackSeconds = 300;
const pageSize = 50;
/** More intents of one customer since an attempt began than anybody has. */
const maxPages = 10;

/**
 * The adapter of Stripe.
 * @throws TypeError when `apiUrl` is not a URL
 */
export function stripeProvider(options: StripeOptions): PaymentProvider {
  const client = stripeClient(options);
  return {
    name: 'stripe',
    ensurePaymentMethod: (request, timeoutMs) => ensurePaymentMethodAt(client, request, timeoutMs),
    chargeLimits: stripeChargeLimits,
    charge: (request, timeoutMs) => chargeAt(client, request, options.returnUrl, timeoutMs),
    lookup: (request, timeoutMs) => lookUpAt(client, request, timeoutMs),
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

const intentList = z.object({
  object: z.literal('list'),
  data: z.array(paymentIntent),
  has_more: z.boolean(),
});

/** Stripe finds nothing by idempotency key: the customer's intents since the attempt began are looked through. */
async function lookUpAt(
  client: StripeClient,
  request: LookupRequest,
  timeoutMs: number,
): Promise<LookupOutcome> {
  const { providerCustomer } = request;
  // A charge is not sent before the method's customer is known and kept.
  if (providerCustomer === null) return { status: 'not_found' };
  const leftMs = countdown(timeoutMs);
  const since = Math.floor(Date.parse(request.startedAt) / 1000) - clockSlackSeconds;
  const found: PaymentIntent[] = [];
  let after: string | undefined;
  for (let page = 1; page <= maxPages; page += 1) {
    const answer = await client.ask(
      (stripe, options) =>
        stripe.paymentIntents.list(
          {
            customer: providerCustomer,
            created: { gte: since },
            limit: pageSize,
            ...(after !== undefined && { starting_after: after }),
          },
          options,
        ),
      leftMs(),
    );
    if ('unknown' in answer) return unknown(answer.unknown);
    if ('refused' in answer) return unknown(unclear(answer.refused.httpStatus));
    const { data: list } = intentList.safeParse(answer.object);
    if (list === undefined) return unknown('unreadable_answer');
    found.push(...list.data.filter((intent) => isOf(intent, request.idempotencyKey)));
    const last = list.data.at(-1);
    if (!list.has_more) return foundOutcome(found, request);
    if (last === undefined || last.id === after) return unknown('unreadable_answer');
    after = last.id;
  }
  return unknown('too_many_charges');
}

function foundOutcome(found: readonly PaymentIntent[], request: LookupRequest): LookupOutcome {
  const [intent] = found;
  if (intent === undefined) return { status: 'not_found' };
  // One key makes one intent.
  return found.length > 1 ? unknown('unreadable_answer') : intentOutcome(intent, request);
}
