/**
 * Refunds: how much of a payment can be given back, what the provider's word makes of it, and when it is asked again.
 *
 * Pure; safe for workflows. Invariants: what is given back of a charge is never more than was taken; a refund without
 * a clear answer is still reserved.
 */
import { isPaymentPaid, type PaymentStatus } from './payment';

export const refundStatuses = ['pending', 'succeeded', 'failed'] as const;
export type RefundStatus = (typeof refundStatuses)[number];

/** What a provider says about a refund. `pending`: it is under way; `unknown`: there was no clear answer. */
export type RefundOutcome =
  /** The provider's name of the refund is not known only where a person found it out. */
  | { status: 'succeeded' | 'pending'; provider_reference: string | null }
  | { status: 'failed'; provider_reference: string | null; reason: string }
  | { status: 'unknown'; reason: string };

/** Why nothing is given back; a caller reads it as `reason`. */
export type RefundRefusal = 'not_paid' | 'disputed' | 'nothing_left' | 'more_than_left';

/** @param reservedAmount minor units of the same charge that are given back already, or about to be */
export function decideRefund(
  payment: { status: PaymentStatus; amount: number },
  reservedAmount: number,
  wantedAmount: number | null,
): { kind: 'reserve'; amount: number } | { kind: 'refused'; reason: RefundRefusal } {
  const refused = (reason: RefundRefusal) => ({ kind: 'refused', reason }) as const;
  if (!isPaymentPaid(payment.status)) return refused('not_paid');
  // The bank gives the money back itself if the customer is right.
  if (payment.status === 'disputed') return refused('disputed');
  const leftAmount = payment.amount - reservedAmount;
  if (leftAmount <= 0) return refused('nothing_left');
  const amount = wantedAmount ?? leftAmount;
  return amount > leftAmount ? refused('more_than_left') : { kind: 'reserve', amount };
}

/** What a collected payment is once `refundedAmount` of it was given back; a dispute stays one. */
export function refundedStatus(
  payment: { status: PaymentStatus; amount: number },
  refundedAmount: number,
): PaymentStatus {
  if (payment.status === 'disputed' || refundedAmount === 0) return payment.status;
  return refundedAmount < payment.amount ? 'partially_refunded' : 'refunded';
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const ladderMs = [minuteMs, 5 * minuteMs, 15 * minuteMs, hourMs, 6 * hourMs, 24 * hourMs];

/** Milliseconds until a refund without a final answer is asked for again, with the same key; daily in the end. */
export function refundAgainAfterMs(lookupsMade: number): number {
  return ladderMs[Math.min(lookupsMade, ladderMs.length) - 1] ?? minuteMs;
}

/** Whether a person is to look: more than a day of asking brought no final answer. */
export function refundNeedsOperator(lookupsMade: number): boolean {
  return lookupsMade > ladderMs.length;
}
