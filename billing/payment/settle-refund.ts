/**
 * Settles refunds. Whoever learns of an outcome first writes it: the call's answer, a webhook, an operator. A settled
 * refund may still fail, and a failed one may turn out to be paid.
 *
 * Invariants: what a payment gave back is the sum of its succeeded refunds; a failed refund keeps its money set aside,
 * and an operator is asked what becomes of it.
 */
import { moneyText } from '../../domain/money';
import {
  decideRefundSettlement,
  refundFailureText,
  type RefundOutcome,
  type RefundSettlementDecision,
} from '../../domain/payment/refund';
import type { Transaction } from '../../prisma/client';
import { lockPaymentWithSubscription, type LockedPayment } from '../locks';
import { enqueueAnsweredTask, enqueueReopenedTask } from '../operator-tasks';
import type { RefundRow } from '../rows';
import { booksOf } from './books';
import { enqueueRefundOutcome, enqueueTaken, refundOf } from './refund-store';
import { addRefundedAmount, enqueuePaidBack } from './refunded-money';
import { attemptOf, findPayingAttempt } from './attempt-store';
import { isOfCharge } from './release-refund';
import { beyondNow } from './shared-charge';
import { openBooks, takeForRefund } from './take-money';

export interface RefundSettlement {
  /** Whether this call wrote the outcome. */
  settledNow: boolean;
  refund: RefundRow;
}

const actor = { kind: 'system', id: 'payment-service', reason: null } as const;

/** Records what is known of a refund; `pending` and `unknown` leave it open. @throws when there is no such refund */
export async function settleRefund(
  tx: Transaction,
  refundId: string,
  outcome: RefundOutcome,
): Promise<RefundSettlement> {
  const { payment_id: paymentId } = await refundOf(tx, refundId);
  return settleLockedRefund(tx, await lockPaymentWithSubscription(tx, paymentId), refundId, outcome);
}

/** {@link settleRefund} for a caller that holds the locks already. */
export async function settleLockedRefund(
  tx: Transaction,
  locked: LockedPayment,
  refundId: string,
  outcome: RefundOutcome,
): Promise<RefundSettlement> {
  // Another caller may have settled it before the lock was there.
  const refund = await refundOf(tx, refundId);
  const decision = decideRefundSettlement(refund, outcome);
  if (decision.kind === 'unchanged' || outcome.status === 'unknown') return { settledNow: false, refund };
  const settled = decision.kind !== 'noted';
  const saved = enqueueRefundOutcome(tx, refund, {
    status: outcome.status,
    provider_reference: outcome.provider_reference ?? refund.provider_reference,
    failure_reason: outcome.status === 'failed' ? outcome.reason : null,
    settled_at: settled ? locked.realNow : null,
    released_at: decision.kind === 'paid_after_release' ? null : refund.released_at,
    transitions: refund.transitions + 1,
  });
  if (settled) await moveMoney(tx, locked, saved, decision.kind);
  if (outcome.status === 'succeeded') answerTask(tx, saved, locked.realNow);
  if (outcome.status === 'failed') {
    const wasPaid = decision.kind === 'failed_after_success';
    await raiseTask(tx, saved, { reason: outcome.reason, wasPaid }, locked.realNow);
  }
  return { settledNow: settled, refund: saved };
}

async function moveMoney(
  tx: Transaction,
  locked: LockedPayment,
  refund: RefundRow,
  kind: RefundSettlementDecision['kind'],
): Promise<void> {
  if (kind === 'failed') return;
  const { payment } = locked;
  const attempt = await attemptOf(tx, payment.id, refund.attempt);
  const books = await booksOf(tx, locked);
  const amount = Number(refund.amount);
  const cause = { actor, paymentId: payment.id, refundId: refund.id };
  if (kind === 'paid_after_release') {
    const id = `${refund.id}/reserved/${refund.transitions}`;
    const open = await openBooks(tx, locked);
    const beyond = refund.charge_reference === null ? await beyondNow(tx, payment, attempt, amount) : 0;
    const { parts } = await takeForRefund(tx, open, amount, { ...cause, id, kind: 'refund_reserved' });
    enqueueTaken(tx, refund.id, { ...parts, beyond, at: books.times.now.toISOString() });
  }
  const isPaid = kind !== 'failed_after_success';
  const sign = isPaid ? 1 : -1;
  // Older than the ledger: nothing was set aside.
  if (refund.taken !== null || kind === 'paid_after_release') {
    const name = isPaid ? ('settled' as const) : ('failed' as const);
    const id = `${refund.id}/${name}/${refund.transitions}`;
    const paid = { provider: attempt.provider ?? 'none', amount: sign * amount };
    enqueuePaidBack(tx, books, payment.id, paid, { ...cause, id, kind: `refund_${name}` });
  }
  await addRefundedAmount(tx, payment, refund, sign * amount, locked.realNow);
}

/** The refund that failed was paid after all: nothing is left to decide. */
function answerTask(tx: Transaction, { id }: RefundRow, now: Date): void {
  const given = { actor, reason: 'the provider has paid the refund' };
  enqueueAnsweredTask(tx, 'refund_failed', { type: 'refund', id }, given, now);
}

async function raiseTask(
  tx: Transaction,
  refund: RefundRow,
  { reason, wasPaid }: { reason: string; wasPaid: boolean },
  now: Date,
): Promise<void> {
  const { id, payment_id: paymentId, currency, charge_reference: charge } = refund;
  const money = moneyText(Number(refund.amount), currency);
  const what = wasPaid
    ? `The refund of ${money} of ${paymentId} failed after it had succeeded`
    : `The provider did not refund ${money} of ${paymentId}`;
  const isOfPaying = isOfCharge(await findPayingAttempt(tx, paymentId))(refund);
  // A new refund of the payment would give back what was paid, and leave this one as it is.
  const instead = `give back charge ${charge ?? `of attempt ${refund.attempt}`} at the provider, which is not the one that paid, and resolve this task as succeeded`;
  const how = isOfPaying ? 'refund the payment again' : instead;
  const detail = `${what}: ${refundFailureText(reason)}. The money stays reserved: ${how}; or resolve this task as failed to give it up.`;
  enqueueReopenedTask(tx, 'refund_failed', { type: 'refund', id }, detail, now);
}
