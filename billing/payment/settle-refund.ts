/**
 * Settles refunds. Whoever learns of an outcome first writes it: the call's answer, a webhook, an operator. A settled
 * refund may still fail, and a failed one may turn out to be paid.
 *
 * Invariants: what a payment gave back is the sum of its succeeded refunds; a failed refund keeps its money set aside,
 * and an operator is asked what becomes of it.
 */
import {
  decideRefundSettlement,
  type RefundOutcome,
  type RefundSettlementDecision,
} from '../../domain/payment/refund';
import type { Transaction } from '../../prisma/client';
import { lockPaymentWithSubscription, type LockedPayment } from '../locks';
import type { RefundRow } from '../rows';
import { booksOf } from './books';
import { enqueueRefundOutcome, enqueueTaken, isMadeAtProvider, refundOf } from './refund-store';
import { answerRefundTask, askAboutExcess, askAboutFailure } from './refund-tasks';
import { leftNow } from './refundable';
import { enqueuePaidBack, updateRefundedAmount } from './refunded-money';
import { attemptOf } from './attempt-store';
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

/**
 * {@link settleRefund} with the answer to our own call. What the provider has reported since it was asked is newer than
 * the answer, which changes nothing then; what an operator has said yields to it.
 */
export async function settleAnsweredRefund(
  tx: Transaction,
  refundId: string,
  answer: RefundOutcome,
): Promise<RefundSettlement> {
  const { payment_id: paymentId } = await refundOf(tx, refundId);
  const locked = await lockPaymentWithSubscription(tx, paymentId);
  const refund = await refundOf(tx, refundId);
  const isReported = refund.settled_at !== null && refund.failure_reason !== 'operator';
  return isReported ? { settledNow: false, refund } : settleLockedRefund(tx, locked, refundId, answer);
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
  const left = outcome.status === 'succeeded' ? await leftForMade(tx, locked, refund) : null;
  const saved = enqueueRefundOutcome(tx, refund, {
    status: outcome.status,
    provider_reference: outcome.provider_reference ?? refund.provider_reference,
    failure_reason: outcome.status === 'failed' ? outcome.reason : null,
    settled_at: settled ? locked.realNow : null,
    released_at: decision.kind === 'paid_after_release' ? null : refund.released_at,
    transitions: refund.transitions + 1,
  });
  if (settled) await moveMoney(tx, locked, saved, decision.kind);
  if (outcome.status === 'succeeded') answerRefundTask(tx, saved, locked.realNow);
  if (left !== null) askAboutExcess(tx, saved, left, locked.realNow);
  if (outcome.status === 'failed') {
    const wasPaid = decision.kind === 'failed_after_success';
    await askAboutFailure(tx, saved, { reason: outcome.reason, wasPaid }, locked.realNow);
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
  await updateRefundedAmount(tx, payment, refund, locked.realNow);
}

/** What is left of the charge for a refund that was made at the provider, which asks nobody; null: it is one of ours. */
async function leftForMade(
  tx: Transaction,
  { payment }: LockedPayment,
  refund: RefundRow,
): Promise<number | null> {
  if (!isMadeAtProvider(refund)) return null;
  return leftNow(tx, payment, await attemptOf(tx, payment.id, refund.attempt));
}
