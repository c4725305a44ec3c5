/**
 * Collected money: into the ledger with the transaction that learns of it, and back where nothing wants it.
 *
 * Invariant: it touches no state of a subscription, so that a shared lock of the subscription is enough. What it leaves
 * unapplied is applied by whoever locks the subscription next.
 */
import { unwantedChargeRefundId } from '../../domain/ids';
import { cashAccount } from '../../domain/ledger/accounts';
import type { UnwantedReason } from '../../domain/payment/settlement';
import type { Transaction } from '../../prisma/client';
import type { AttemptRow, PaymentRow } from '../rows';
import { enqueueUnapplied } from '../ledger/state-store';
import { enqueuePaymentPosting, type Books } from './books';
import { enqueueRefund } from './refund-store';

const actor = { kind: 'system', id: 'payment-service', reason: null } as const;

/**
 * Writes that a charge was collected.
 * @param unwanted why it goes back at once; null: it is kept
 * @returns the payment as it stands then
 */
export function enqueueCollected(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  unwanted: UnwantedReason | null,
  books: Books,
): PaymentRow {
  const amount = Number(attempt.amount);
  const id = `${payment.id}/collected/${attempt.number}`;
  // A payment of its own is for nothing that is served over time.
  const isOwn = payment.kind === 'manual' && unwanted === null;
  const entries = [
    { account: cashAccount(attempt.provider ?? 'none'), source: payment.id, amount },
    { account: isOwn ? 'earned' : 'unapplied', source: payment.id, amount: -amount },
  ];
  const cause = { id, kind: 'payment_collected' as const, actor, paymentId: payment.id };
  enqueuePaymentPosting(tx, books, { entries }, { ...cause, periodIndex: payment.period_index });
  if (unwanted !== null) enqueueGivenBack(tx, payment, attempt, { reason: unwanted }, books);
  if (unwanted !== null || isOwn) return payment;
  enqueueUnapplied(tx, payment.id, amount);
  return { ...payment, unapplied_amount: BigInt(amount) };
}

/** Writes a charge beside the one of its attempt, which the provider made under one key, and gives it back. */
export function enqueueOtherCharge(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  reference: string,
  books: Books,
): void {
  const amount = Number(attempt.amount);
  const id = `${payment.id}/collected/${attempt.number}/${reference}`;
  const entries = [
    { account: cashAccount(attempt.provider ?? 'none'), source: payment.id, amount },
    { account: 'unapplied', source: payment.id, amount: -amount },
  ];
  const cause = { id, kind: 'payment_collected' as const, actor, paymentId: payment.id };
  enqueuePaymentPosting(tx, books, { entries }, cause);
  enqueueGivenBack(tx, payment, attempt, { reason: 'second_success', reference }, books);
}

function enqueueGivenBack(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  { reason, reference }: { reason: string; reference?: string },
  books: Books,
): void {
  const amount = Number(attempt.amount);
  const id = unwantedChargeRefundId(payment.id, attempt.number, reference);
  const entries = [
    { account: 'unapplied', source: payment.id, amount },
    { account: 'refunding', source: payment.id, amount: -amount },
  ];
  const cause = { id: `${id}/reserved`, kind: 'refund_reserved' as const, actor, reason };
  enqueuePaymentPosting(tx, books, { entries }, { ...cause, paymentId: payment.id, refundId: id });
  const taken = { unapplied: amount, credit: 0, customer_credit: 0, unearned: 0, rest: 0 };
  const refund = { id, attempt, amount, reason, actor, taken, chargeReference: reference };
  enqueueRefund(tx, refund, books.times.realNow);
}
