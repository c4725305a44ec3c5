/**
 * Finding what became of a charge at Stripe. Invariant: search is never asked, because it lags behind.
 */
import { z } from 'zod';
import { countdown } from '../countdown';
import type { LookupOutcome, LookupRequest } from '../port';
import { unclear, type StripeClient } from './client';
import { intentOutcome, isOf, paymentIntent, unknown, type PaymentIntent } from './intents';

/** By how much Stripe's clock may be behind ours. */
const clockSlackSeconds = 300;
const pageSize = 50;
/** More intents of one customer since an attempt began than any has. */
const maxPages = 10;

const intentList = z.object({
  object: z.literal('list'),
  data: z.array(paymentIntent),
  has_more: z.boolean(),
});

/** Stripe finds nothing by idempotency key: the customer's intents since the attempt began are looked through. */
export async function lookUpAt(
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
