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

/** Why a refund failed, for people. @param reason the provider's, or `operator` where a person has found it failed */
export function refundFailureText(reason: string): string {
  return reason === 'operator' ? 'found failed by a person' : reason.replaceAll('_', ' ');
}

/** Why nothing is given back; a caller reads it as `reason`. */
export type RefundRefusal = 'not_paid' | 'disputed' | 'nothing_left' | 'more_than_left';

/** @param leftAmount minor units that can still be given back of the charge */
export function decideRefund(
  status: PaymentStatus,
  leftAmount: number,
  wantedAmount: number | null,
): { kind: 'reserve'; amount: number } | { kind: 'refused'; reason: RefundRefusal } {
  const refused = (reason: RefundRefusal) => ({ kind: 'refused', reason }) as const;
  if (!isPaymentPaid(status)) return refused('not_paid');
  // The bank gives the money back itself if the customer is right.
  if (status === 'disputed') return refused('disputed');
  if (leftAmount <= 0) return refused('nothing_left');
  const amount = wantedAmount ?? leftAmount;
  return amount > leftAmount ? refused('more_than_left') : { kind: 'reserve', amount };
}

/** What the word about a refund changes, by what is known of it. */
export type RefundSettlementDecision = {
  kind: 'unchanged' | 'noted' | 'paid' | 'paid_after_release' | 'failed' | 'failed_after_success';
};

/** A refund that succeeded may fail later, and one that failed may turn out to be paid. @param refund as it stands */
export function decideRefundSettlement(
  refund: { status: RefundStatus; released_at: Date | null },
  outcome: RefundOutcome,
): RefundSettlementDecision {
  if (outcome.status === 'unknown') return { kind: 'unchanged' };
  if (outcome.status === 'pending') return { kind: refund.status === 'pending' ? 'noted' : 'unchanged' };
  if (outcome.status === refund.status) return { kind: 'unchanged' };
  if (outcome.status === 'failed') {
    return { kind: refund.status === 'succeeded' ? 'failed_after_success' : 'failed' };
  }
  return { kind: refund.released_at === null ? 'paid' : 'paid_after_release' };
}

/** What of a collected payment its customer's bank has taken, minor units. */
export interface DisputedMoney {
  /** By disputes that are open. */
  disputed: number;
  /** By disputes that were lost. */
  lost: number;
}

/**
 * What a collected payment is once `refundedAmount` of it was given back: `disputed` while any of it is, and when lost
 * disputes have left nothing. A dispute of before amounts were kept stays one.
 */
export function refundedStatus(
  { status, amount, disputed, lost }: { status: PaymentStatus; amount: number } & DisputedMoney,
  refundedAmount: number,
): PaymentStatus {
  const isBlocked = disputed > 0 || (lost > 0 && lost + refundedAmount >= amount);
  const isOlder = status === 'disputed' && disputed === 0 && lost === 0;
  if (isBlocked || isOlder) return 'disputed';
  if (refundedAmount === 0) return 'completed';
  return refundedAmount < amount ? 'partially_refunded' : 'refunded';
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
