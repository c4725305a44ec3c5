/**
 * Judges manual retry requests, one after the other when their turn comes.
 *
 * Invariant: each ends as attempted, or refused with its reason; the attempt itself says what it came to.
 */
import type { RetryRefusal } from '../../domain/retry/refusal';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesForCustomer } from '../clock';
import { lockPaymentInOrder } from '../locks';
import type { AttemptAnswer } from '../payment/begin-attempt';
import { methodToCharge } from '../payment/card-store';
import { refusalNow } from '../payment/retry-facts';
import { attemptsOf } from '../payment/attempt-store';
import type { PaymentRow, RetryRequestRow, SubscriptionRow } from '../rows';
import {
  enqueueAttempted,
  enqueueAttemptOfRequest,
  enqueueRefusal,
  openRequests,
  wasAttemptedSince,
} from './store';

/** An attempt that was requested for now. */
export interface RequestedRetry {
  retry_request_id: string;
  number: number;
  payment_method_id: string | null;
}

/** Finds the oldest request that may be executed; refuses those before it that may not. Null: there is none. */
export async function nextRequest(db: Database, paymentId: string): Promise<RequestedRetry | null> {
  return inTransaction(db, async (tx) => {
    const { payment, subscription, realNow } = await lockPaymentInOrder(tx, paymentId);
    const { now } = await timesForCustomer(tx, payment.customer_id, realNow);
    const attempts = await attemptsOf(tx, paymentId);
    for (const request of await openRequests(tx, paymentId)) {
      const number = request.attempt ?? attempts.length + 1;
      // A request whose attempt has begun is repeated: the attempt answers with what became of it.
      const refusal =
        request.attempt === null ? await refusalOf(tx, request, payment, subscription, now) : null;
      if (refusal === null) {
        enqueueAttemptOfRequest(tx, request.id, number);
        return { retry_request_id: request.id, number, payment_method_id: request.payment_method_id };
      }
      enqueueRefusal(tx, request.id, refusal, realNow);
    }
    return null;
  });
}

/** A request that was made when another attempt was about to begin has been served by that one. */
async function refusalOf(
  tx: Transaction,
  { payment_method_id: methodId, requested_at: requestedAt }: RetryRequestRow,
  payment: PaymentRow,
  subscription: SubscriptionRow | null,
  now: Date,
): Promise<RetryRefusal | null> {
  const refusal = await refusalNow(tx, payment, subscription, methodId, now);
  if (refusal !== null) return refusal;
  const method = await methodToCharge(tx, payment, subscription, methodId);
  // Both are PostgreSQL's real time, whatever the customer's clock says.
  return (await wasAttemptedSince(tx, payment.id, method?.id, requestedAt)) ? 'in_flight' : null;
}

/** Settles a request: its attempt was made, or was refused at the last moment. */
export async function concludeRequest(db: Database, requestId: string, answer: AttemptAnswer): Promise<void> {
  await inTransaction(db, async (tx) => {
    const now = await databaseNow(tx);
    if (answer.status === 'refused') enqueueRefusal(tx, requestId, answer.reason, now);
    else enqueueAttempted(tx, requestId, now);
  });
}
