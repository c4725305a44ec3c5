/** What operators are asked about refunds. */
import { moneyText } from '../../domain/money';
import { refundFailureText } from '../../domain/payment/refund';
import type { Transaction } from '../../prisma/client';
import { enqueueAnsweredTask, enqueueReopenedTask } from '../operator-tasks';
import type { RefundRow } from '../rows';
import { findPayingAttempt } from './attempt-store';
import { isMadeAtProvider } from './refund-store';
import { isOfCharge } from './release-refund';

const actor = { kind: 'system', id: 'payment-service', reason: null } as const;

/** Answers what was asked about a refund that failed: it was paid after all. */
export function answerRefundTask(tx: Transaction, { id }: RefundRow, now: Date): void {
  const given = { actor, reason: 'the provider has paid the refund' };
  enqueueAnsweredTask(tx, 'refund_failed', { type: 'refund', id }, given, now);
}

/** Asks what becomes of the money of a refund that failed. @param how `wasPaid`: it had succeeded before */
export async function askAboutFailure(
  tx: Transaction,
  refund: RefundRow,
  { reason, wasPaid }: { reason: string; wasPaid: boolean },
  now: Date,
): Promise<void> {
  const { id, payment_id: paymentId, currency, charge_reference: charge } = refund;
  const money = moneyText(Number(refund.amount), currency);
  const unpaid = isMadeAtProvider(refund)
    ? `The refund of ${money} of ${paymentId} that was made at the provider failed`
    : `The provider did not refund ${money} of ${paymentId}`;
  const what = wasPaid ? `The refund of ${money} of ${paymentId} failed after it had succeeded` : unpaid;
  const isOfPaying = isOfCharge(await findPayingAttempt(tx, paymentId))(refund);
  // A new refund of the payment would give back what was paid, and leave this one as it is.
  const instead = `give back charge ${charge ?? `of attempt ${refund.attempt}`} at the provider, which is not the one that paid, and resolve this task as succeeded`;
  const how = isOfPaying ? 'refund the payment again' : instead;
  const detail = `${what}: ${refundFailureText(reason)}. The money stays reserved: ${how}; or resolve this task as failed to give it up.`;
  enqueueReopenedTask(tx, 'refund_failed', { type: 'refund', id }, detail, now);
}

/**
 * Reports a refund made at the provider that was more than could go; else it asks nothing.
 * @param left minor units that were left of the charge before it
 */
export function askAboutExcess(tx: Transaction, refund: RefundRow, left: number, now: Date): void {
  const { id, payment_id: paymentId, currency } = refund;
  const amount = Number(refund.amount);
  if (amount <= left) return;
  const money = (minorUnits: number) => moneyText(minorUnits, currency);
  const detail = `The provider refunded ${money(amount)} of ${paymentId}, and ${money(left)} were left to refund: more has gone than the payment took, or than was free to go.`;
  enqueueReopenedTask(tx, 'refund_failed', { type: 'refund', id }, detail, now);
}
