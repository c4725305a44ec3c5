/**
 * Cancelling a PaymentIntent that is not wanted any more.
 *
 * Invariants: each call is sent without a key of the attempt, since Stripe would answer a later call with
 * what the first one came to; an intent that is cancelled already is refused with its state, which counts as cancelled;
 * an intent of another attempt is never believed.
 */
import { countdown } from '../countdown';
import { isOpen, type CancelOutcome, type CancelRequest } from '../port';
import { unclear, type StripeClient } from './client';
import { intentOutcome, isOf, paymentIntent, unknown } from './intents';
import { lookUpAt } from './lookup';

/** Cancels the intent of an attempt, which is found first where its name is not known. */
export async function cancelAt(
  client: StripeClient,
  request: CancelRequest,
  timeoutMs: number,
): Promise<CancelOutcome> {
  const leftMs = countdown(timeoutMs);
  const named = request.providerReference;
  if (named !== null) return cancelIntent(client, named, request, leftMs());
  const found = await lookUpAt(client, request, leftMs());
  if (!isOpen(found)) return found;
  return cancelIntent(client, found.provider_reference, request, leftMs());
}

async function cancelIntent(
  client: StripeClient,
  intentId: string,
  request: CancelRequest,
  timeoutMs: number,
): Promise<CancelOutcome> {
  const answer = await client.ask(
    (stripe, options) =>
      stripe.paymentIntents.cancel(intentId, { cancellation_reason: 'abandoned' }, options),
    timeoutMs,
  );
  if ('unknown' in answer) return unknown(answer.unknown);
  if ('object' in answer) return cancelledOr(answer.object, request);
  const { paymentIntent: shown, httpStatus } = answer.refused;
  return shown === undefined || shown === null ? unknown(unclear(httpStatus)) : cancelledOr(shown, request);
}

/** What an intent that was to be cancelled has become. */
function cancelledOr(shown: unknown, request: CancelRequest): CancelOutcome {
  const { data: intent } = paymentIntent.safeParse(shown);
  if (intent === undefined || !isOf(intent, request.idempotencyKey)) return unknown('unreadable_answer');
  if (intent.status === 'canceled') return { status: 'cancelled', provider_reference: intent.id };
  const outcome = intentOutcome(shown, request);
  return isOpen(outcome) ? { status: 'not_cancellable', standing: outcome } : outcome;
}
