/**
 * Wishes of people to try a failed payment again: judged one after the other when their turn comes.
 *
 * Invariant: each ends as attempted, or refused with its reason; what an attempt came to is told by the attempt.
 */
import type { AttemptAnswer } from '../payment/begin-attempt';
import type { RetryRefusal } from '../../domain/retry/refusal';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor } from '../clock';
import type { Prisma } from '../../prisma/generated/client';
import { lockPaymentInOrder } from '../locks';
import type { PaymentRow, SubscriptionRow } from '../rows';
import { methodToCharge, refusalNow } from '../payment/retry-facts';

type RequestRow = Prisma.RetryRequestGetPayload<object>;

/** An attempt that somebody wants now. */
export interface WantedAttempt {
  retry_request_id: string;
  number: number;
  payment_method_id: string | null;
}

/** The oldest wish that may be fulfilled; those that may not are refused on the way. Null: there is none. */
export async function nextRequest(db: Database, paymentId: string): Promise<WantedAttempt | null> {
  return inTransaction(db, async (tx) => {
    const { payment, subscription } = await lockPaymentInOrder(tx, paymentId);
    const customer = await tx.customer.findUniqueOrThrow({ where: { id: payment.customer_id } });
    const { now, realNow } = await timesFor(tx, customer.test_clock_id);
    const open = await tx.retryRequest.findMany({
      where: { payment_id: paymentId, settled_at: null },
      orderBy: [{ requested_at: 'asc' }, { id: 'asc' }],
    });
    for (const request of open) {
      const number =
        request.attempt ?? (await tx.paymentAttempt.count({ where: { payment_id: paymentId } })) + 1;
      // Its attempt was begun and nobody heard what became of it: asked again, the attempt tells.
      const refusal =
        request.attempt === null ? await refusalOf(tx, request, payment, subscription, now) : null;
      if (refusal === null) {
        await tx.retryRequest.update({ where: { id: request.id }, data: { attempt: number } });
        return { retry_request_id: request.id, number, payment_method_id: request.payment_method_id };
      }
      await tx.retryRequest.update({
        where: { id: request.id },
        data: { status: 'refused', refusal, settled_at: realNow },
      });
    }
    return null;
  });
}

/** A wish that was asked for when another attempt was about to begin has been fulfilled by that one. */
async function refusalOf(
  tx: Transaction,
  request: RequestRow,
  payment: PaymentRow,
  subscription: SubscriptionRow | null,
  now: Date,
): Promise<RetryRefusal | null> {
  const { payment_method_id: wanted, requested_at } = request;
  const refusal = await refusalNow(tx, payment, subscription, wanted, now);
  if (refusal !== null) return refusal;
  const method = await methodToCharge(tx, payment, subscription, wanted);
  // Both are PostgreSQL's real time, whatever the customer's clock says.
  const since = { payment_id: payment.id, payment_method_id: method?.id, started_at: { gte: requested_at } };
  return (await tx.paymentAttempt.count({ where: since })) > 0 ? 'in_flight' : null;
}

/** What became of a wish: its attempt was made, or was refused at the last moment. */
export async function concludeRequest(db: Database, requestId: string, answer: AttemptAnswer): Promise<void> {
  await inTransaction(db, async (tx) => {
    const settled_at = await databaseNow(tx);
    const data =
      answer.status === 'refused'
        ? { status: 'refused', refusal: answer.reason, attempt: null, settled_at }
        : { status: 'attempted', settled_at };
    await tx.retryRequest.updateMany({ where: { id: requestId, settled_at: null }, data });
  });
}
