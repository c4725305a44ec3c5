/**
 * Refunds at Stripe.
 *
 * Invariant: a refund is made once for a key, however late it is asked for again. Stripe forgets keys after a day, so
 * the charge's refunds are looked through first, by the key in their metadata; the key itself keeps two executions at
 * one time apart.
 */
import { z } from 'zod';
import type { RefundOutcome } from '../../domain/payment/refund';
import { countdown } from '../countdown';
import type { RefundRequest } from '../port';
import { toStripeAmount } from './amounts';
import { unclear, type Refused, type StripeClient } from './client';
import { unknown } from './intents';
import { stripeCurrency, stripeId } from './wire';

export const stripeRefund = z.object({
  object: z.literal('refund'),
  id: stripeId,
  amount: z.int(),
  currency: stripeCurrency,
  payment_intent: stripeId.nullish(),
  status: z.string(),
  failure_reason: z
    .string()
    .regex(/^\w{1,64}$/)
    .nullish()
    .catch(null),
  metadata: z.record(z.string(), z.string()).nullish(),
});

const refundList = z.object({
  object: z.literal('list'),
  data: z.array(stripeRefund),
  has_more: z.boolean(),
});

/** Stripe's bound of a page; a charge has far fewer refunds. */
const listLimit = 100;

export async function refundAt(
  client: StripeClient,
  request: RefundRequest,
  timeoutMs: number,
): Promise<RefundOutcome> {
  const leftMs = countdown(timeoutMs);
  const amount = toStripeAmount(request.amount, request.currency);
  if (amount === undefined) {
    return { status: 'failed', provider_reference: null, reason: 'amount_not_supported' };
  }
  const made = await madeBefore(client, request, leftMs());
  if (made !== undefined) return made;
  const answer = await client.ask(
    (stripe, options) =>
      stripe.refunds.create(
        {
          payment_intent: request.providerReference,
          amount,
          metadata: { payment_id: request.paymentId, idempotency_key: request.idempotencyKey },
        },
        options,
      ),
    leftMs(),
    request.idempotencyKey,
  );
  if ('unknown' in answer) return unknown(answer.unknown);
  return 'object' in answer ? refundOutcome(answer.object, request) : refusedRefund(answer.refused);
}

/** The refund that was made with this key, if one was; unknown when Stripe does not tell. */
async function madeBefore(
  client: StripeClient,
  request: RefundRequest,
  timeoutMs: number,
): Promise<RefundOutcome | undefined> {
  const answer = await client.ask(
    (stripe, options) =>
      stripe.refunds.list({ payment_intent: request.providerReference, limit: listLimit }, options),
    timeoutMs,
  );
  if ('unknown' in answer) return unknown(answer.unknown);
  if ('refused' in answer) return refusedRefund(answer.refused);
  const { data: list } = refundList.safeParse(answer.object);
  if (list === undefined || list.has_more) return unknown('unreadable_answer');
  const made = list.data.find(({ metadata }) => metadata?.['idempotency_key'] === request.idempotencyKey);
  return made === undefined ? undefined : refundOutcome(made, request);
}

function refusedRefund({ httpStatus, fault }: Refused): RefundOutcome {
  return { status: 'failed', provider_reference: null, reason: fault.code ?? unclear(httpStatus) };
}

function refundOutcome(shown: unknown, request: RefundRequest): RefundOutcome {
  const { data: made } = stripeRefund.safeParse(shown);
  if (made === undefined || made.payment_intent !== request.providerReference) {
    return unknown('unreadable_answer');
  }
  const amount = toStripeAmount(request.amount, request.currency);
  if (made.amount !== amount || made.currency.toUpperCase() !== request.currency) {
    return unknown('amount_mismatch');
  }
  switch (made.status) {
    case 'succeeded':
      return { status: 'succeeded', provider_reference: made.id };
    case 'pending':
    case 'requires_action':
      return { status: 'pending', provider_reference: made.id };
    case 'failed':
    case 'canceled':
      return { status: 'failed', provider_reference: made.id, reason: made.failure_reason ?? made.status };
    default:
      return unknown('unreadable_answer');
  }
}
