/**
 * Payouts: a customer's credit goes back to them, through the payments that funded it.
 *
 * Invariants: a request has its effect once, however often it is sent; the refunds are reserved in one transaction, which
 * takes their money out of the credit; `payment/{id}` pays each of them. Locks are taken in the order of all: which
 * payments there are is read first, and again once the balance is locked.
 */
import type { Actor } from '../../contracts/fields';
import type { CreatePayout, Payout } from '../../contracts/http/ledger';
import { ProblemError, validationFailed } from '../../contracts/problem-error';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { payoutRefundId } from '../../domain/ids';
import { creditOf, removeCredit, type CustomerFund } from '../../domain/ledger/credit';
import { decidePayout, reservePayout, type PayingPayment, type PayoutPart } from '../../domain/ledger/payout';
import { isPaymentSource } from '../../domain/ledger/state';
import { minorUnitsText } from '../../domain/money';
import { decideRefund } from '../../domain/payment/refund';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { enqueueCustomerBalance } from '../ledger/ledger-store';
import type { LimitsOf } from '../ledger/limits';
import { findCustomerCredit } from '../ledger/state-store';
import { lockCustomerBalance, lockPaymentsWithSubscriptions, type LockedPayment } from '../locks';
import { findPayingAttempt } from '../payment/attempt-store';
import { booksOf, enqueuePaymentPosting } from '../payment/books';
import { enqueueRefund, findRefundsOfCustomer, reservedAmountOf } from '../payment/refund-store';
import { leftOf } from '../payment/refundable';
import { toRefund, type AttemptRow, type RefundRow } from '../rows';
import { lockKnownCustomer, refuseErased } from './customers';

type RefreshPayment = Extract<WorkflowMessage, { kind: 'refresh_payment' }>;

export interface PayoutRequest extends CreatePayout {
  /** The same for each repeat of the request. */
  id: string;
  customerId: string;
  actor: Actor;
}

/** How often the payments are read again because the credit has got another one meanwhile. */
const maxTries = 3;

/**
 * Reserves a payout.
 * @returns the payout, and the messages that have it paid
 * @throws ProblemError `not_found`, `customer_erased`, `credit_not_enough`, `validation_failed`, `unavailable`
 */
export async function payOutCredit(
  db: Database,
  limitsOf: LimitsOf,
  request: PayoutRequest,
): Promise<{ payout: Payout; toRefresh: RefreshPayment[] }> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const reserved = await inTransaction(db, (tx) => commitPayout(tx, limitsOf, request));
    if (reserved !== null) return answerOf(request, reserved);
  }
  throw new ProblemError('unavailable', 'The credit of the customer is moving. Send the same again.');
}

interface Reserved {
  refunds: RefundRow[];
  /** The customer's credit in that currency afterwards. */
  credit: number;
}

function answerOf({ id, customerId, currency }: PayoutRequest, { refunds, credit }: Reserved) {
  const amount = refunds.reduce((sum, refund) => sum + Number(refund.amount), 0);
  const payout = { id, customer_id: customerId, currency, amount, credit, refunds: refunds.map(toRefund) };
  const toRefresh = refunds.map(({ payment_id }): RefreshPayment => ({
    kind: 'refresh_payment',
    payment_id,
  }));
  return { payout, toRefresh };
}

/** @returns null: the credit has another payment than those that were locked; nothing is written */
async function commitPayout(
  tx: Transaction,
  limitsOf: LimitsOf,
  request: PayoutRequest,
): Promise<Reserved | null> {
  const { id, customerId, currency } = request;
  const customer = await lockKnownCustomer(tx, customerId);
  const seen = paymentsOf(await findCustomerCredit(tx, customerId, currency));
  const locked = await lockPaymentsWithSubscriptions(tx, seen);
  const funds = (await lockCustomerBalance(tx, customerId, currency))?.funds ?? [];
  const before = (await findRefundsOfCustomer(tx, customerId)).filter(
    (refund) => refund.id === payoutRefundId(id, refund.payment_id),
  );
  if (before.length > 0) return { refunds: before, credit: creditOf(funds) };
  refuseErased(customer);
  if (paymentsOf(funds).some((paymentId) => !seen.includes(paymentId))) return null;
  const holders = await holdersOf(tx, locked, funds, limitsOf);
  const decision = decidePayout(
    holders.map(({ paying }) => paying),
    request.amount ?? null,
  );
  if (decision.kind === 'refused') throw refusalOf(decision, currency);
  const { parts } = decision;
  const after = removeCredit(
    funds,
    parts.map(({ payment_id: source, amount }) => ({ source, amount })),
  );
  enqueueCustomerBalance(tx, customerId, currency, after);
  const refunds: RefundRow[] = [];
  for (const { paying, ...holder } of holders) {
    const part = parts.find(({ payment_id }) => payment_id === paying.id);
    if (part !== undefined) refunds.push(await reservePart(tx, request, holder, part));
  }
  return { refunds, credit: creditOf(after) };
}

function paymentsOf(funds: readonly CustomerFund[]): string[] {
  return funds
    .filter(({ source, amount }) => amount > 0 && isPaymentSource(source))
    .map(({ source }) => source);
}

interface Holder {
  locked: LockedPayment;
  /** The attempt whose charge paid it. */
  attempt: AttemptRow;
}

/** The payments that can pay out, oldest first, each with what is left of it. */
async function holdersOf(
  tx: Transaction,
  payments: readonly LockedPayment[],
  funds: readonly CustomerFund[],
  limitsOf: LimitsOf,
): Promise<(Holder & { paying: PayingPayment })[]> {
  const holders: (Holder & { paying: PayingPayment })[] = [];
  for (const locked of payments) {
    const { payment } = locked;
    const { amount: credit = 0, used = 0 } = funds.find(({ source }) => source === payment.id) ?? {};
    const attempt = await findPayingAttempt(tx, payment.id);
    if (attempt === null) continue;
    const left = leftOf(payment, attempt, (await reservedAmountOf(tx, attempt)) + used);
    const decision = decideRefund(payment.status, left, null);
    if (decision.kind === 'refused') continue;
    const { step } = limitsOf(attempt.provider, payment.currency);
    holders.push({ locked, attempt, paying: { id: payment.id, credit, left, step } });
  }
  return holders;
}

/** Reserves what one payment gives back: its refund's row, and the entries that take it out of the credit. */
async function reservePart(
  tx: Transaction,
  { id: payoutId, actor, reason }: PayoutRequest,
  { locked, attempt }: Holder,
  part: PayoutPart,
): Promise<RefundRow> {
  const id = payoutRefundId(payoutId, part.payment_id);
  const { entries, taken } = reservePayout(part);
  const books = await booksOf(tx, locked);
  const cause = { kind: 'refund_reserved' as const, actor, reason, paymentId: part.payment_id, refundId: id };
  enqueuePaymentPosting(tx, books, { entries }, { ...cause, id: `${id}/reserved` });
  // The person's words stand in the ledger and in the audit log alone: an erasure finds them there.
  const refund = {
    id,
    attempt,
    amount: part.amount,
    reason: 'payout',
    actor: { ...actor, reason: null },
    taken,
  };
  return enqueueRefund(tx, refund, books.times);
}

function refusalOf(
  { reason, payable }: { reason: 'not_enough' | 'not_in_steps'; payable: number },
  currency: string,
): ProblemError {
  const available = { amount: payable, currency };
  if (reason === 'not_in_steps') {
    const message = `can be ${minorUnitsText(payable, currency)}: a provider gives back multiples of its step only`;
    return validationFailed([{ path: 'amount', message }], { available });
  }
  const detail = `${minorUnitsText(payable, currency)} can be paid out: what payments funded and their providers still hold. Grants and disputed money are not part of it.`;
  return new ProblemError('credit_not_enough', detail, { available });
}
