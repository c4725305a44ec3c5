/** The event of a settled attempt: `payments.completed` or `payments.failed`. */
import type { Source } from '../../contracts/topics/envelope';
import { paymentKey } from '../../contracts/topics/event-keys';
import type { EventData } from '../../contracts/topics/events';
import { attemptEventId } from '../../domain/event-ids';
import type { SettledBy } from '../../domain/payment/payment';
import type { Transaction } from '../../prisma/client';
import { appendToOutbox } from '../outbox';
import { failureOf, type AttemptRow, type PaymentRow } from '../rows';
import { traceOfAttempt } from '../traces';

type AttemptHead = Omit<EventData<'payments.completed'>, 'settled_by' | 'completed_at'>;

/** What both outcomes' events say of an attempt. */
export function attemptHead(payment: PaymentRow, attempt: AttemptRow): AttemptHead {
  return {
    payment_id: payment.id,
    kind: payment.kind,
    subscription_id: payment.subscription_id,
    customer_id: payment.customer_id,
    period_index: payment.period_index,
    attempt: attempt.number,
    amount: Number(attempt.amount),
    currency: attempt.currency,
    provider: attempt.provider ?? 'none',
    provider_reference: attempt.provider_reference,
    trigger: attempt.trigger,
  };
}

/** Writes the event of a settled attempt; written before: nothing happens. */
export function publishOutcome(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  now: Date,
  source: Source = '/payment-service',
): void {
  const head = attemptHead(payment, attempt);
  const at = (attempt.settled_at ?? now).toISOString();
  const recordedAt = attempt.settled_recorded_at?.toISOString();
  const trace = traceOfAttempt(attempt, payment);
  const envelope = { source, subject: payment.id, key: paymentKey(head), trace };
  if (attempt.status === 'completed') {
    appendToOutbox(
      tx,
      {
        ...envelope,
        topic: 'payments.completed',
        id: attemptEventId(payment.id, attempt.number, 'completed'),
        data: {
          ...head,
          settled_by: settledByOf(attempt),
          completed_at: at,
          completed_recorded_at: recordedAt,
        },
      },
      now,
    );
  } else {
    appendToOutbox(
      tx,
      {
        ...envelope,
        topic: 'payments.failed',
        id: attemptEventId(payment.id, attempt.number, 'failed'),
        data: { ...head, failure: failureOf(attempt), failed_at: at, failed_recorded_at: recordedAt },
      },
      now,
    );
  }
}

/** @throws Error when the attempt is not settled */
function settledByOf({ payment_id, number, settled_by }: AttemptRow): SettledBy {
  if (settled_by === null) throw new Error(`attempt ${number} of ${payment_id} is not settled`);
  return settled_by;
}
