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

/** What an event says of a refund or a dispute; null when its object is not what its type promises. */
type MoneyBack = Partial<Pick<ProviderEvent, 'refund' | 'dispute'>> | null;

export function aboutDispute(type: string, object: unknown): MoneyBack {
  const { data: reported } = dispute.safeParse(object);
  if (reported === undefined) return null;
  const status = disputeStatus(type, reported.status);
  // Of a charge without an intent: not one of ours.
  if (!reported.payment_intent || status === null) return {};
  const currency = reported.currency.toUpperCase();
  const amount = fromStripeAmount(reported.amount, currency);
  if (amount === undefined) return null;
  return {
    dispute: {
      provider_reference: reported.payment_intent,
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
  const { data: reported } = stripeRefund.safeParse(object);
  if (reported === undefined) return null;
  // Of a charge without an intent: not one of ours.
  if (!reported.payment_intent) return {};
  const status = Object.hasOwn(refundStatuses, reported.status) ? refundStatuses[reported.status] : undefined;
  const amount = fromStripeAmount(reported.amount, reported.currency.toUpperCase());
  if (status === undefined || amount === undefined) return null;
  const { id: provider_reference, payment_intent: charge_reference } = reported;
  const key = providerText(200).safeParse(reported.metadata?.['idempotency_key']);
  return {
    refund: { provider_reference, charge_reference, idempotency_key: key.data ?? null, amount, status },
  };
}

const refundedCharge = z.object({
  object: z.literal('charge'),
  /** Newest first. Newer versions of Stripe's API leave them out: `refund.created` tells of each. */
  refunds: z.object({ data: z.array(z.unknown()) }).nullish(),
});

/** The newest refund of a charge that was refunded, where the event has it. */
export function aboutRefundedCharge(object: unknown): MoneyBack {
  const { data: charge } = refundedCharge.safeParse(object);
  if (charge === undefined) return null;
  const newest = charge.refunds?.data[0];
  return newest === undefined ? {} : aboutRefund(newest);
}
