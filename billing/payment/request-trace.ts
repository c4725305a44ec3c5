/**
 * The trace context of the request that an attempt was made for, as the event that carried the request has it.
 *
 * Invariant: what nobody asked for (renewals, automatic retries) has none, and none is made up.
 */
import { paymentRequestedEventId, retryRequestedEventId, subscriptionEventId } from '../../domain/event-ids';
import type { Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { findEnvelope } from '../outbox';
import type { AttemptRow, PaymentRow } from '../rows';

interface Traced {
  traceparent?: string;
}

/** W3C trace context; undefined when there was no request, or its event is no longer kept. */
export async function traceOfRequest(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
): Promise<string | undefined> {
  // A change that had to be paid first: its command is kept with the payment.
  if (payment.kind === 'proration' && attempt.number === 1) {
    return payment.change?.command.traceparent;
  }
  const event_id = await requestOf(tx, payment, attempt);
  if (event_id === null) return undefined;
  const envelope = await findEnvelope(tx, event_id);
  if (envelope === null) return undefined;
  const traced: Traced = JSON.parse(envelope);
  return traced.traceparent;
}

/** The id of the event that says what was asked for. */
async function requestOf(tx: Transaction, payment: PaymentRow, attempt: AttemptRow): Promise<string | null> {
  switch (attempt.trigger) {
    case 'first':
      return payment.subscription_id === null ? null : subscriptionEventId(payment.subscription_id, 1);
    case 'manual':
      return paymentRequestedEventId(payment.id);
    case 'manual_retry': {
      const [request] = await sql(tx).query<{ id: string }[]>`
        SELECT id FROM retry_requests WHERE payment_id = ${payment.id} AND attempt = ${attempt.number} LIMIT 1`;
      return request === undefined ? null : retryRequestedEventId(payment.id, request.id);
    }
    case 'renewal':
    case 'automatic_retry':
      return null;
  }
}
