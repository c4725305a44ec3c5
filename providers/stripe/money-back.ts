/**
 * What Stripe's events say of money that goes back: refunds, whoever made them, and disputes.
 *
 * Both name their PaymentIntent only: our metadata stand on neither. Invariants: amounts are in our minor units; an
 * inquiry, which Stripe calls a warning, moves no money.
 */
import { z } from 'zod';
import {
  providerText,
  type ProviderEvent,
  type ReportedDispute,
} from '../../contracts/topics/provider-events';
import { unreadable } from '../unreadable';
import { fromStripeAmount } from './amounts';
import { stripeRefund } from './refunds';
import { stripeCurrency, stripeId } from './wire';

const dispute = z.object({
  object: z.literal('dispute'),
  id: stripeId,
  amount: z.int(),
  currency: stripeCurrency,
  payment_intent: stripeId.nullish(),
  status: z.string(),
  reason: z
    .string()
    .regex(/^\w{1,64}$/)
    .nullish()
    .catch(null),
});

/** What an event reports of a refund or a dispute. */
type MoneyBack = Partial<Pick<ProviderEvent, 'refund' | 'dispute' | 'unreadable'>>;

const named = z.object({
  payment_intent: z.union([stripeId, z.object({ id: stripeId }).transform(({ id }) => id)]).nullish(),
});

/**
 * The intent that a refund or a dispute is about, before anything else of it is read: by it billing finds the payment.
 * @returns null for a charge without an intent, which is none of ours; undefined when it cannot be read
 */
function intentOf(object: unknown): string | null | undefined {
  const { data: shown } = named.safeParse(object);
  return shown === undefined ? undefined : (shown.payment_intent ?? null);
}

export function aboutDispute(type: string, object: unknown): MoneyBack {
  const intent = intentOf(object);
  if (intent === undefined) return unreadable('It has no dispute of a payment intent.');
  if (intent === null) return {};
  const { data: reported } = dispute.safeParse(object);
  if (reported === undefined) return unreadable('Its dispute has another shape.', intent);
  const status = disputeStatus(type, reported.status);
  if (status === null) return unreadable('Its dispute has a status that is not known.', intent);
  const currency = reported.currency.toUpperCase();
  const amount = fromStripeAmount(reported.amount, currency);
  if (amount === undefined) return unreadable('The amount of its dispute is none of ours.', intent);
  return {
    dispute: {
      provider_reference: intent,
      dispute_reference: reported.id,
      amount,
      currency,
      status,
      ...(reported.reason && { reason: reported.reason }),
    },
  };
}

/** Null for an end that is not known. */
function disputeStatus(type: string, theirs: string): NonNullable<ReportedDispute['status']> | null {
  // Should an inquiry become a dispute, the withdrawal tells.
  if (theirs.startsWith('warning_') || theirs === 'prevented') return 'inquiry';
  if (theirs === 'lost') return 'lost';
  if (type === 'charge.dispute.funds_withdrawn') return 'opened';
  if (theirs === 'won' || type === 'charge.dispute.funds_reinstated') return 'won';
  return type === 'charge.dispute.created' ? 'opened' : null;
}

const refundStatuses: Readonly<Record<string, 'pending' | 'succeeded' | 'failed'>> = {
  pending: 'pending',
  requires_action: 'pending',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'failed',
};

export function aboutRefund(object: unknown): MoneyBack {
  const intent = intentOf(object);
  if (intent === undefined) return unreadable('It has no refund of a payment intent.');
  if (intent === null) return {};
  const { data: reported } = stripeRefund.safeParse(object);
  if (reported === undefined) return unreadable('Its refund has another shape.', intent);
  const status = Object.hasOwn(refundStatuses, reported.status) ? refundStatuses[reported.status] : undefined;
  if (status === undefined) return unreadable('Its refund has a status that is not known.', intent);
  const amount = fromStripeAmount(reported.amount, reported.currency.toUpperCase());
  if (amount === undefined) return unreadable('The amount of its refund is none of ours.', intent);
  const { id: provider_reference } = reported;
  const key = providerText(200).safeParse(reported.metadata?.['idempotency_key']);
  return {
    refund: {
      provider_reference,
      charge_reference: intent,
      idempotency_key: key.data ?? null,
      amount,
      status,
    },
  };
}

const refundedCharge = z.object({
  /** Newest first. Newer versions of Stripe's API leave them out: `refund.created` tells of each. */
  refunds: z
    .object({ data: z.array(z.unknown()) })
    .nullish()
    .catch(null),
});

/** The newest refund of a charge that was refunded, where the event has it. */
export function aboutRefundedCharge(object: unknown): MoneyBack {
  const { data: charge } = refundedCharge.safeParse(object);
  if (charge === undefined) return unreadable('It has no charge.');
  const newest = charge.refunds?.data[0];
  return newest === undefined ? {} : aboutRefund(newest);
}
