/**
 * Collected money: into the ledger with the transaction that learns of it, and back where nothing wants it.
 *
 * Invariant: it touches no state of a subscription, so that a shared lock of the subscription is enough. What it leaves
 * unapplied is applied by whoever locks the subscription next.
 */
import { unwantedChargeRefundId } from '../../domain/ids';
import { cashAccount, type Entry } from '../../domain/ledger/accounts';
import { netted, type Posted } from '../../domain/ledger/posting';
import { nothingTaken } from '../../domain/ledger/refund';
import type { UnwantedReason } from '../../domain/payment/settlement';
import type { Transaction } from '../../prisma/client';
import type { AttemptRow, PaymentRow } from '../rows';
import type { Cause } from '../ledger/post';
import { enqueueUnapplied } from '../ledger/state-store';
import { enqueuePaymentPosting, type Books } from './books';
import { enqueueRefund } from './refund-store';

const actor = { kind: 'system', id: 'payment-service', reason: null } as const;

/**
 * A charge that was collected and is wanted, before its entries are written: together with those of what it is applied
 * to, where that is the same transaction, or alone. Invariant: it is written once, before the transaction commits.
 */
export class ReceivedCharge {
  private isWritten = false;

  constructor(
    private readonly payment: PaymentRow,
    private readonly attempt: AttemptRow,
    private readonly books: Books,
  ) {}

  /** Writes it with what it is applied to. @param applied takes all of it from `unapplied` */
  writeApplied(tx: Transaction, applied: Pick<Posted, 'entries'>): void {
    this.write(tx, netted([...this.entries(), ...applied.entries]));
  }

  /** Writes it before the transaction of the ledger that takes all of it from `unapplied`. */
  writeBefore(tx: Transaction): void {
    this.write(tx, this.entries());
  }

  /** Writes it, unless that was done: nothing has been done with it yet. */
  writeUnapplied(tx: Transaction): void {
    if (this.isWritten) return;
    this.write(tx, this.entries());
    if (!isOwn(this.payment)) enqueueUnapplied(tx, this.payment.id, Number(this.attempt.amount));
  }

  private entries(): Entry[] {
    const { payment, attempt } = this;
    return entriesOf(payment, attempt, Number(attempt.amount), isOwn(payment) ? 'earned' : 'unapplied');
  }

  private write(tx: Transaction, entries: Entry[]): void {
    this.isWritten = true;
    enqueuePaymentPosting(tx, this.books, { entries }, causeOf(this.payment, this.attempt));
  }
}

/** A payment of its own is for nothing that is served over time. */
function isOwn({ kind }: Pick<PaymentRow, 'kind'>): boolean {
  return kind === 'manual';
}

function entriesOf(
  payment: PaymentRow,
  { provider }: AttemptRow,
  amount: number,
  into: 'earned' | 'unapplied',
): Entry[] {
  return [
    { account: cashAccount(provider ?? 'none'), source: payment.id, amount },
    { account: into, source: payment.id, amount: -amount },
  ];
}

function causeOf(payment: PaymentRow, attempt: AttemptRow): Cause {
  return {
    id: `${payment.id}/collected/${attempt.number}`,
    kind: 'payment_collected',
    actor,
    paymentId: payment.id,
    periodIndex: payment.period_index,
  };
}

/** The payment once a charge of it was collected. */
export function withReceived(payment: PaymentRow, attempt: AttemptRow): PaymentRow {
  return isOwn(payment) ? payment : { ...payment, unapplied_amount: attempt.amount };
}

/** Writes that a charge was collected that goes back at once. */
export function enqueueUnwanted(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  reason: UnwantedReason,
  books: Books,
): void {
  const amount = Number(attempt.amount);
  const entries = entriesOf(payment, attempt, amount, 'unapplied');
  enqueuePaymentPosting(tx, books, { entries }, causeOf(payment, attempt));
  enqueueGivenBack(tx, payment, attempt, { amount, reason }, books);
}

/** What was charged beside what the attempt asked for: another charge, or more of its own. */
export interface OtherCharge {
  /** The provider's name of the charge. */
  reference: string;
  /** Minor units. */
  amount: number;
  reason: string;
}

/** Writes what was charged beside what was asked for, and gives it back. */
export function enqueueOtherCharge(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  other: OtherCharge,
  books: Books,
): void {
  const own = causeOf(payment, attempt);
  const entries = entriesOf(payment, attempt, other.amount, 'unapplied');
  enqueuePaymentPosting(tx, books, { entries }, { ...own, id: `${own.id}/${other.reference}` });
  enqueueGivenBack(tx, payment, attempt, other, books);
}

/** Reserves all of a charge that stands in `unapplied` and is wanted for nothing. */
export function enqueueGivenBack(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  { amount, reason, reference }: { amount: number; reason: string; reference?: string },
  books: Books,
): void {
  const id = unwantedChargeRefundId(payment.id, attempt.number, reference);
  const entries = [
    { account: 'unapplied', source: payment.id, amount },
    { account: 'refunding', source: payment.id, amount: -amount },
  ];
  const cause = { id: `${id}/reserved`, kind: 'refund_reserved' as const, actor, reason };
  enqueuePaymentPosting(tx, books, { entries }, { ...cause, paymentId: payment.id, refundId: id });
  const taken = { ...nothingTaken, unapplied: amount };
  const refund = { id, attempt, amount, reason, actor, taken, chargeReference: reference };
  enqueueRefund(tx, refund, books.times);
}
