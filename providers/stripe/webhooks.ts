/**
 * Stripe's webhooks: whose they are, and what Perennial reads in them.
 *
 * Does not own what refunds and disputes mean (`money-back.ts`).
 * Invariants: an intent is ours only when its metadata name a payment and an attempt; events of connected accounts
 * and of types that are not read here report nothing; what is about ours and has another shape is unreadable; all are
 * answered alike; amounts are in our minor units.
 */
import { z } from 'zod';
import {
  providerText,
  type ProviderEvent,
  type ReportedOutcome,
} from '../../contracts/topics/provider-events';
import type { WebhookRequest } from '../../domain/payment/webhook';
import type { ProviderWebhooks } from '../port';
import { jsonOf } from '../bounded-body';
import { fromStripeAmount } from './amounts';
import { cancellationOf, declineOf } from './declines';
import { nothing, unreadable, unreadableWebhook } from '../unreadable';
import { paymentIntent, type PaymentIntent } from './intents';
import { aboutDispute, aboutRefund, aboutRefundedCharge } from './money-back';
import { exactText, verifyStripeSignature } from './signature';

const envelope = z.object({
  id: providerText(200),
  type: providerText(100),
  /** Seconds of Unix time. */
  created: z.int().min(0).max(253_402_300_799).nullish().catch(null),
  /** The connected account that the event is about; absent for one's own. */
  account: z.unknown().optional(),
  /** Events of Stripe's second API have none, or one without an object. */
  data: z.object({ object: z.unknown().optional() }).nullish().catch(null),
});

const ourMetadata = z.object({
  payment_id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/),
  attempt: z
    .string()
    .regex(/^[1-9]\d{0,4}$/)
    .transform(Number),
});

export const stripeWebhooks: ProviderWebhooks = {
  verify: verifyStripeSignature,
  read,
  keptHeaders: ['content-type', 'user-agent'],
  answer: { status: 200, contentType: 'application/json', body: '{"received":true}' },
};

type EventFields = Partial<ProviderEvent>;

function read({ body }: WebhookRequest): ProviderEvent {
  const { data: event } = envelope.safeParse(jsonOf(exactText(body) ?? ''));
  if (event === undefined) return unreadableWebhook(body, 'It has no id and type of an event.');
  const { id, type, created, account, data } = event;
  const when = created ? { occurred_at: new Date(created * 1_000).toISOString() } : {};
  return { id, type, ...when, ...nothing, ...(account ? {} : meaning(type, data?.object)) };
}

function meaning(type: string, object: unknown): EventFields {
  switch (type) {
    case 'payment_intent.succeeded':
    case 'payment_intent.payment_failed':
    case 'payment_intent.canceled':
    case 'payment_intent.processing':
    case 'payment_intent.requires_action':
      return aboutIntent(type, object);
    case 'charge.dispute.created':
    case 'charge.dispute.funds_withdrawn':
    case 'charge.dispute.funds_reinstated':
    case 'charge.dispute.closed':
      return aboutDispute(type, object);
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
    case 'charge.refund.updated':
      return aboutRefund(object);
    case 'charge.refunded':
      return aboutRefundedCharge(object);
    default:
      return {};
  }
}

const anyIntent = z.object({ metadata: z.unknown().optional() });

/** Whose it is comes before how it looks: an intent without our metadata is ignored, whatever its shape. */
function aboutIntent(type: string, object: unknown): EventFields {
  const { data: shown } = anyIntent.safeParse(object);
  if (shown === undefined) return unreadable('It has no payment intent.');
  const { data: ours } = ourMetadata.safeParse(shown.metadata);
  if (ours === undefined) return {};
  const { payment_id, attempt } = ours;
  const { data: intent } = paymentIntent.safeParse(object);
  if (intent === undefined) return { payment_id, ...unreadable('Its payment intent has another shape.') };
  const reported = outcomeOf(type, intent);
  if (reported === null)
    return { payment_id, ...unreadable('Its payment intent is in another state than its type says.') };
  const currency = intent.currency.toUpperCase();
  const amount = fromStripeAmount(
    reported.status === 'completed' ? intent.amount_received : intent.amount,
    currency,
  );
  if (amount === undefined) return { payment_id, ...unreadable('Its amount is none of ours.') };
  return {
    payment_id,
    outcome: { ...reported, attempt, amount, currency, provider_reference: intent.id },
  };
}

/** Null when the intent's state is not the one of the event. */
function outcomeOf(type: string, intent: PaymentIntent): Pick<ReportedOutcome, 'status' | 'failure'> | null {
  switch (type) {
    case 'payment_intent.succeeded':
      return intent.status === 'succeeded' ? { status: 'completed', failure: null } : null;
    case 'payment_intent.payment_failed':
      return { status: 'failed', failure: declineOf(intent.last_payment_error ?? {}) };
    case 'payment_intent.canceled':
      return { status: 'failed', failure: cancellationOf(intent.cancellation_reason) };
    case 'payment_intent.processing':
      return { status: 'pending', failure: null };
    default:
      return { status: 'requires_action', failure: null };
  }
}
