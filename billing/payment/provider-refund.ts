/**
 * A refund that was made at the provider, beside us: it is taken over as it is.
 *
 * Invariant: the money has gone, so it is recorded whatever is left of the charge; what is beyond it is an allowance,
 * and an operator is told.
 */
import { providerRefundId } from '../../domain/ids';
import { moneyText } from '../../domain/money';
import type { Actor } from '../../contracts/fields';
import type { Transaction } from '../../prisma/client';
import { lockPaymentWithSubscription } from '../locks';
import { enqueueReopenedTask } from '../operator-tasks';
import type { AttemptRow, RefundRow } from '../rows';
import { enqueueRefund, enqueueRefundOutcome, findRefund, reservedAmountOf } from './refund-store';
import { leftOf, usedElsewhere } from './refundable';
import { addRefundedAmount, enqueuePaidBack } from './refunded-money';
import { isOfCharge, releaseFailed } from './release-refund';
import { beyondNow } from './shared-charge';
import { openBooks, takeForRefund } from './take-money';

export interface ProviderRefund {
  provider: string;
  /** The provider's name of the refund. */
  reference: string;
  /** Minor units. */
  amount: number;
}

/** Records a refund of an attempt's charge that the provider has paid. @returns its row; recorded before: that one */
export async function recordProviderRefund(
  tx: Transaction,
  attempt: AttemptRow,
  { provider, reference, amount }: ProviderRefund,
): Promise<RefundRow> {
  const locked = await lockPaymentWithSubscription(tx, attempt.payment_id);
  const { payment, realNow } = locked;
  const id = providerRefundId(payment.id, provider, reference);
  const known = await findRefund(tx, id);
  if (known !== null) return known;
  const actor: Actor = { kind: 'external', id: provider, reason: null };
  const gone = (await reservedAmountOf(tx, attempt)) + (await usedElsewhere(tx, payment));
  const left = leftOf(payment, attempt, gone);
  // What an earlier refund of this charge could not give back is what the provider was asked for by hand.
  const again = { actor, reason: `refunded at the provider as ${reference}` };
  const open = await releaseFailed(tx, await openBooks(tx, locked), again, isOfCharge(attempt));
  const { books } = open;
  const beyond = await beyondNow(tx, payment, attempt, amount);
  const cause = { actor, paymentId: payment.id, refundId: id };
  const reserved = { ...cause, id: `${id}/reserved`, kind: 'refund_reserved' as const };
  const { parts } = await takeForRefund(tx, open, amount, reserved);
  const settlement = { ...cause, id: `${id}/settled`, kind: 'refund_settled' as const };
  enqueuePaidBack(tx, books, payment.id, { provider, amount }, settlement);
  const reason = 'made_at_provider';
  const row = enqueueRefund(
    tx,
    { id, attempt, amount, reason, actor, taken: { ...parts, beyond } },
    books.times,
  );
  const settled = { status: 'succeeded' as const, provider_reference: reference, failure_reason: null };
  const saved = enqueueRefundOutcome(tx, row, {
    ...settled,
    settled_at: realNow,
    released_at: null,
    transitions: 1,
  });
  await addRefundedAmount(tx, payment, saved, amount, realNow);
  if (amount > left) {
    const money = (minorUnits: number) => moneyText(minorUnits, payment.currency);
    const detail = `The provider refunded ${money(amount)} of ${payment.id}, and ${money(left)} were left to refund: more has gone than the payment took, or than was free to go.`;
    enqueueReopenedTask(tx, 'refund_failed', { type: 'refund', id }, detail, realNow);
  }
  return saved;
}
