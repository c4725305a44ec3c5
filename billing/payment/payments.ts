/** Payments as callers see them: listing, reading, and judging a request to cancel one. */
import type { ListPayments, Payment } from '../../contracts/http/payments';
import { notFound, ProblemError } from '../../contracts/problem-error';
import { isPaymentOpen } from '../../domain/payment/payment';
import type { Database } from '../../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import { attemptRow, paymentRow, toPayment, type AttemptRow, type PaymentRow } from '../rows';

/** Lists payments without their attempts, newest first. */
export async function listPayments(
  db: Database,
  { status, customer_id, subscription_id, category, from, to }: Omit<ListPayments, 'limit' | 'cursor'>,
  page: PageRequest,
): Promise<Page<Payment>> {
  const { after, ...order } = newestFirst(page);
  const failed = { failure: { path: ['category'], equals: category } };
  const created_at = {
    ...(from === undefined ? {} : { gte: new Date(from) }),
    ...(to === undefined ? {} : { lt: new Date(to) }),
  };
  const rows = await db.payment.findMany({
    where: {
      status,
      customer_id,
      subscription_id,
      ...(category === undefined ? {} : { attempts: { some: failed } }),
      AND: [{ created_at }, after],
    },
    ...order,
  });
  return pageOf(rows, page.limit, (row) => toPayment(row));
}

/** Reads a payment with its attempts. @throws ProblemError `not_found` */
export async function readPayment(db: Database, paymentId: string): Promise<Payment> {
  const { payment, attempts } = await findWithAttempts(db, paymentId);
  return toPayment(payment, attempts);
}

/** Requires that a payment exists. @throws ProblemError `not_found` */
export async function requirePayment(db: Database, paymentId: string): Promise<void> {
  if ((await db.payment.count({ where: { id: paymentId } })) === 0) throw notFound('payment');
}

/**
 * Judges a request to cancel a payment before its process is asked.
 * @returns the payment when it is cancelled already; null: its process has to decide
 * @throws ProblemError `not_found`, `payment_not_cancellable`
 */
export async function judgeCancellation(db: Database, paymentId: string): Promise<Payment | null> {
  const { payment, attempts } = await findWithAttempts(db, paymentId);
  if (payment.status === 'cancelled') return toPayment(payment, attempts);
  if (payment.kind === 'manual') return null;
  const detail = 'The payment belongs to a subscription and ends with it.';
  throw notCancellable(paymentId, 'collected_by_subscription', detail);
}

/**
 * Reads a payment whose cancellation its process has judged.
 * @throws ProblemError `payment_not_cancellable` when it was settled before
 */
export async function readCancelled(db: Database, paymentId: string): Promise<Payment> {
  const { payment, attempts } = await findWithAttempts(db, paymentId);
  if (isCancelled(payment)) return toPayment(payment, attempts);
  throw notCancellable(paymentId, payment.status, `The payment is ${payment.status}.`);
}

async function findWithAttempts(
  db: Database,
  paymentId: string,
): Promise<{ payment: PaymentRow; attempts: AttemptRow[] }> {
  const row = await db.payment.findUnique({
    where: { id: paymentId },
    include: { attempts: { orderBy: { number: 'asc' } } },
  });
  if (row === null) throw notFound('payment');
  const { attempts, ...payment } = row;
  return { payment: paymentRow(payment), attempts: attempts.map(attemptRow) };
}

/** Cancelled, or about to be: the open attempt's failure is the cancellation, its success is refunded. */
function isCancelled({ status, cancel_requested_at }: PaymentRow): boolean {
  return status === 'cancelled' || (cancel_requested_at !== null && isPaymentOpen(status));
}

function notCancellable(paymentId: string, reason: string, detail: string): ProblemError {
  return new ProblemError('payment_not_cancellable', detail, { payment_id: paymentId, reason });
}
