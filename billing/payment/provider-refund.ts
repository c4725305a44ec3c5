/**
 * A refund that was made at the provider, beside us: it is taken over as it is.
 *
 * Invariants: each report may be the first that comes, and in whatever order they come, the refund ends as its latest
 * says; money that has gone is recorded whatever is left of the charge, what is beyond it is an allowance, and an
 * operator is asked.
 */
import { providerRefundId } from '../../domain/ids';
import type { Actor } from '../../contracts/fields';
import type { Transaction } from '../../prisma/client';
import { lockPaymentWithSubscription } from '../locks';
import type { AttemptRow, RefundRow } from '../rows';
import { enqueueRefund, enqueueRefundOutcome, findRefund, madeAtProvider } from './refund-store';
import { askAboutExcess, askAboutFailure } from './refund-tasks';
import { leftNow } from './refundable';
import { enqueuePaidBack, updateRefundedAmount } from './refunded-money';
import { isOfCharge, releaseFailed } from './release-refund';
import { beyondNow } from './shared-charge';
import { openBooks, takeForRefund } from './take-money';

export interface ProviderRefund {
  provider: string;
  /** The provider's name of the refund. */
  reference: string;
  /** Minor units. */
  amount: number;
  /** What the first report of it says. */
  status: 'succeeded' | 'failed';
}

/**
 * Records a refund of an attempt's charge that the provider has paid, or has failed to pay: that one stands as if it had
 * been paid before, with its money set aside.
 * @returns its row; recorded before: that one, as it is
 */
export async function recordProviderRefund(
  tx: Transaction,
  attempt: AttemptRow,
  { provider, reference, amount, status }: ProviderRefund,
): Promise<RefundRow> {
  const locked = await lockPaymentWithSubscription(tx, attempt.payment_id);
  const { payment, realNow } = locked;
  const id = providerRefundId(payment.id, provider, reference);
  const known = await findRefund(tx, id);
  if (known !== null) return known;
  const actor: Actor = { kind: 'external', id: provider, reason: null };
  const left = await leftNow(tx, payment, attempt);
  // What an earlier refund of this charge could not give back is what the provider was asked for by hand.
  const again = { actor, reason: `refunded at the provider as ${reference}` };
  const open = await releaseFailed(tx, await openBooks(tx, locked), again, isOfCharge(attempt));
  const { books } = open;
  const beyond = await beyondNow(tx, payment, attempt, amount);
  const cause = { actor, paymentId: payment.id, refundId: id };
  const reserved = { ...cause, id: `${id}/reserved`, kind: 'refund_reserved' as const };
  const { parts } = await takeForRefund(tx, open, amount, reserved);
  const row = enqueueRefund(
    tx,
    { id, attempt, amount, reason: madeAtProvider, actor, taken: { ...parts, beyond } },
    books.times,
  );
  const failureReason = status === 'failed' ? 'refund_failed' : null;
  const saved = enqueueRefundOutcome(tx, row, {
    status,
    provider_reference: reference,
    failure_reason: failureReason,
    settled_at: realNow,
    released_at: null,
    transitions: 1,
  });
  if (failureReason !== null) {
    await askAboutFailure(tx, saved, { reason: failureReason, wasPaid: false }, realNow);
    return saved;
  }
  const settlement = { ...cause, id: `${id}/settled`, kind: 'refund_settled' as const };
  enqueuePaidBack(tx, books, payment.id, { provider, amount }, settlement);
  await updateRefundedAmount(tx, payment, saved, realNow);
  askAboutExcess(tx, saved, left, realNow);
  return saved;
}
