/** The event of a settled attempt: `payments.completed` or `payments.failed`. */
import type { Source } from '../../contracts/topics/envelope';
import { paymentKey } from '../../contracts/topics/event-keys';
import type { EventData } from '../../contracts/topics/events';
import { attemptEventId } from '../../domain/event-ids';
import type { AttemptTrigger, Failure, PaymentKind, SettledBy } from '../../domain/payment/payment';
import type { Transaction } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { appendToOutbox } from '../outbox';
import { traceOfRequest } from './request-trace';

type PaymentRow = Prisma.PaymentGetPayload<object>;
type AttemptRow = Prisma.PaymentAttemptGetPayload<object>;

type AttemptHead = Omit<EventData<'payments.completed'>, 'settled_by' | 'completed_at'>;

/** What both outcomes' events say of an attempt. */
export function attemptHead(payment: PaymentRow, attempt: AttemptRow): AttemptHead {
  return {
    payment_id: payment.id,
    kind: payment.kind as PaymentKind,
    subscription_id: payment.subscription_id,
    customer_id: payment.customer_id,
    period_index: payment.period_index,
    attempt: attempt.number,
    amount: Number(attempt.amount),
    currency: attempt.currency,
    provider: attempt.provider ?? 'none',
    provider_reference: attempt.provider_reference,
    trigger: attempt.trigger as AttemptTrigger,
  };
}

/** Writes the event of a settled attempt; written before: nothing happens. */
export async function publishOutcome(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  now: Date,
  source: Source = '/payment-service',
): Promise<void> {
  const head = attemptHead(payment, attempt);
  const at = (attempt.settled_at ?? now).toISOString();
  const envelope = {
    source,
    subject: payment.id,
    key: paymentKey(head),
    traceparent: await traceOfRequest(tx, payment, attempt),
  };
  if (attempt.status === 'completed') {
    appendToOutbox(
      tx,
      {
        ...envelope,
        topic: 'payments.completed',
        id: attemptEventId(payment.id, attempt.number, 'completed'),
        data: { ...head, settled_by: attempt.settled_by as SettledBy, completed_at: at },
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
        data: { ...head, failure: attempt.failure as unknown as Failure, failed_at: at },
      },
      now,
    );
  }
}
