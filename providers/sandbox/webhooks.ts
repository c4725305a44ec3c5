/**
 * The sandbox provider's webhooks: their shape on the wire, and what Perennial reads in them.
 *
 * Owns: the envelope `{id, type, created_at, data}`; the sender writes it, `read` below reads it. Does not own sending
 * (`webhook-sender.ts`). Invariant: a charge is ours only when its key is the one that we derive from its metadata.
 */
import { z } from 'zod';
import { providerText, type ProviderEvent } from '../../contracts/topics/provider-events';
import { attemptIdempotencyKey } from '../../domain/ids';
import type { WebhookRequest } from '../../domain/payment/webhook';
import type { ProviderWebhooks } from '../port';
import { standardWebhookHeaders, verifyStandardWebhook } from '../standard-webhooks';
import { nothing, unreadable, unreadableWebhook } from '../unreadable';
import { charge as chargeSchema } from './charge';
import { failureOf } from './declines';
import { dispute as disputeSchema } from './dispute';
import { refund as refundSchema } from './refund';

type ChargeEventType = 'charge.succeeded' | 'charge.failed';
type RefundEventType = 'refund.pending' | 'refund.succeeded' | 'refund.failed';
type DisputeEventType = 'dispute.inquiry' | 'dispute.opened' | 'dispute.won' | 'dispute.lost';
export type SandboxEventType = ChargeEventType | RefundEventType | DisputeEventType;

const envelope = z.object({
  id: providerText(200),
  type: providerText(100),
  created_at: z.iso.datetime(),
  data: z.unknown().optional(),
});
export type SandboxEvent = z.infer<typeof envelope>;

const reference = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/);
const refund = refundSchema.extend({
  id: reference,
  charge_id: reference,
  idempotency_key: providerText(255).nullable(),
});
const dispute = disputeSchema.extend({ id: reference, charge_id: reference, reason: providerText(100) });
const ourMetadata = z.object({
  payment_id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/),
  attempt: z.int().min(1).max(100_000),
});

export const sandboxWebhooks: ProviderWebhooks = {
  verify: verifyStandardWebhook,
  read,
  keptHeaders: ['content-type', 'user-agent', standardWebhookHeaders.id, standardWebhookHeaders.timestamp],
  answer: { status: 200, contentType: 'application/json', body: '{"received":true}' },
};

function read({ body, headers }: WebhookRequest): ProviderEvent {
  const event = envelope.safeParse(jsonOf(body));
  if (!event.success) return unreadableWebhook(body, 'It has no id, type and time of an event.');
  const { id, type, created_at: occurred_at, data } = event.data;
  // Both are under the signature; when they differ, nobody knows which event this is.
  if (id !== headers[standardWebhookHeaders.id]?.[0])
    return unreadableWebhook(body, 'Its id is not the one of its header.');
  return { id, type, occurred_at, ...nothing, ...meaning(type as SandboxEventType, data) };
}

function meaning(type: SandboxEventType, data: unknown): Partial<ProviderEvent> {
  switch (type) {
    case 'charge.succeeded':
    case 'charge.failed':
      return aboutCharge(type, data);
    case 'refund.pending':
    case 'refund.succeeded':
    case 'refund.failed':
      return aboutRefund(type, data);
    case 'dispute.inquiry':
    case 'dispute.opened':
    case 'dispute.won':
    case 'dispute.lost':
      return aboutDispute(type, data);
    default:
      return {};
  }
}

const ofCharge = z.object({ charge_id: reference });

/** Whoever made it: one that was made at the provider has no key. */
function aboutRefund(type: RefundEventType, data: unknown): Partial<ProviderEvent> {
  const { data: about } = ofCharge.safeParse(data);
  if (about === undefined) return unreadable('It has no refund of a charge.');
  const { data: reported } = refund.safeParse(data);
  if (reported === undefined || type !== `refund.${reported.status}`)
    return unreadable('Its refund has another shape than its type says.', about.charge_id);
  const { id: provider_reference, charge_id: charge_reference, amount, status, idempotency_key } = reported;
  return { refund: { provider_reference, charge_reference, amount, status, idempotency_key } };
}

/** It names its charge only, as real providers' disputes do. */
function aboutDispute(type: DisputeEventType, data: unknown): Partial<ProviderEvent> {
  const { data: about } = ofCharge.safeParse(data);
  if (about === undefined) return unreadable('It has no dispute of a charge.');
  const { data: reported } = dispute.safeParse(data);
  const status = reported?.status === 'open' ? 'opened' : reported?.status;
  if (reported === undefined || status === undefined || type !== `dispute.${status}`)
    return unreadable('Its dispute has another shape than its type says.', about.charge_id);
  const { id: dispute_reference, charge_id: provider_reference, amount, currency, reason } = reported;
  return {
    dispute: { provider_reference, dispute_reference, amount, currency: storable(currency), status, reason },
  };
}

const anyCharge = z.object({ idempotency_key: z.unknown().optional(), metadata: z.unknown().optional() });

/** Whose it is comes before how it looks: a charge with another key than ours is ignored. */
function aboutCharge(type: ChargeEventType, data: unknown): Partial<ProviderEvent> {
  const { data: shown } = anyCharge.safeParse(data);
  if (shown === undefined) return unreadable('It has no charge.');
  const { data: ours } = ourMetadata.safeParse(shown.metadata);
  if (ours === undefined || shown.idempotency_key !== attemptIdempotencyKey(ours.payment_id, ours.attempt)) {
    return {};
  }
  const { payment_id, attempt } = ours;
  const { data: charge } = chargeSchema.safeParse(data);
  const isReadable = charge !== undefined && reference.safeParse(charge.id).success;
  if (!isReadable || charge.status !== (type === 'charge.failed' ? 'failed' : 'succeeded'))
    return { payment_id, ...unreadable('Its charge has another shape than its type says.') };
  const { id: provider_reference, amount, currency } = charge;
  return {
    payment_id,
    outcome: {
      status: charge.status === 'failed' ? 'failed' : 'completed',
      attempt,
      amount,
      currency: storable(currency),
      provider_reference,
      failure: charge.status === 'failed' ? storableFailure(charge.failure) : null,
    },
  };
}

function storableFailure({ code, message }: { code: string; message: string }) {
  return failureOf({ code: storable(code), message: storable(message) });
}

/** PostgreSQL's JSON holds neither a NUL nor half of a surrogate pair. */
function storable(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8').replaceAll('\u0000', '\uFFFD');
}

/** Undefined for what is not JSON in UTF-8; no schema accepts that. */
function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
