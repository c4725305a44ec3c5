/**
 * The outcome of an attempt, written by whoever learns of it first: the call's answer, a lookup, a webhook.
 *
 * Owns: the attempt's and the payment's rows and the outcome's event, in one transaction. Invariants: an attempt is
 * settled once (`WHERE settled_at IS NULL`), its event is written with it, whoever comes later adopts what stands;
 * an amount that differs never settles.
 */
import type {
  AttemptOutcome,
  AttemptTrigger,
  Failure,
  PaymentKind,
  PaymentStatus,
  SettledBy,
} from '../domain/payment';
import { attemptEventId } from '../domain/event-ids';
import { isFinal, type SubscriptionStatus } from '../domain/subscription';
import { databaseNow, type Transaction } from './client';
import { Prisma } from './generated/client';
import { lockPaymentInOrder } from './locks';
import { raiseOperatorTask } from './operator-tasks';
import { appendToOutbox } from './outbox';
import { paymentKey } from '../contracts/event-keys';
import type { EventData } from '../contracts/events';

type PaymentRow = Prisma.PaymentGetPayload<object>;
type AttemptRow = Prisma.PaymentAttemptGetPayload<object>;

/** What stands after a settlement was tried: the attempt's own outcome, which may be another than the told one. */
export interface Settlement {
  /** Whether this call wrote it. */
  settledNow: boolean;
  attempt: AttemptRow;
  payment: PaymentRow;
}

/**
 * Records what is known of an attempt. `completed` and `failed` settle it, anything else is noted while it is open.
 * @throws Error when the attempt does not exist: nobody can learn about what was never begun
 */
export async function settleAttempt(
  tx: Transaction,
  paymentId: string,
  number: number,
  outcome: AttemptOutcome,
  settledBy: SettledBy,
): Promise<Settlement> {
  const { payment, subscription } = await lockPaymentInOrder(tx, paymentId);
  const key = { payment_id_number: { payment_id: paymentId, number } };
  const attempt = await tx.paymentAttempt.findUnique({ where: key });
  if (attempt === null) throw new Error(`attempt ${number} of ${paymentId} does not exist`);
  if (attempt.settled_at !== null) return { settledNow: false, attempt, payment };

  const now = await databaseNow(tx);
  const settled = outcome.status === 'completed' || outcome.status === 'failed';
  const savedAttempt = await tx.paymentAttempt.update({
    where: key,
    data: {
      status: outcome.status,
      // A reference once known is never forgotten.
      provider_reference:
        'provider_reference' in outcome ? (outcome.provider_reference ?? undefined) : undefined,
      failure: outcome.status === 'failed' ? (outcome.failure as object) : undefined,
      settled_at: settled ? now : undefined,
      settled_by: settled ? settledBy : undefined,
    },
  });
  const savedPayment = await tx.payment.update({
    where: { id: paymentId },
    data: {
      version: { increment: 1 },
      status: paymentStatus(payment, outcome),
      next_action: outcome.status === 'requires_action' ? (outcome.next_action as object) : Prisma.DbNull,
      updated_at: now,
    },
  });
  await raiseTasks(tx, savedPayment, outcome, subscription?.status as SubscriptionStatus | undefined, now);
  if (settled && isPublished(savedPayment)) await publishOutcome(tx, savedPayment, savedAttempt, now);
  return { settledNow: settled, attempt: savedAttempt, payment: savedPayment };
}

/**
 * First and proration payments are answered synchronously; their outcome is an event only once they were announced
 * as open. All others are always published.
 */
function isPublished(payment: PaymentRow): boolean {
  return payment.announced || (payment.kind !== 'first' && payment.kind !== 'proration');
}

function paymentStatus(payment: PaymentRow, outcome: AttemptOutcome): PaymentStatus {
  // A wish to cancel came while the attempt was open: its failure is the cancellation.
  if (outcome.status === 'failed' && payment.cancel_requested_at !== null) return 'cancelled';
  return outcome.status;
}

/** What a person has to look at: another amount than was asked, money taken for what has ended. */
async function raiseTasks(
  tx: Transaction,
  payment: PaymentRow,
  outcome: AttemptOutcome,
  subscription: SubscriptionStatus | undefined,
  now: Date,
): Promise<void> {
  const subject = { type: 'payment', id: payment.id } as const;
  if (outcome.status === 'unknown' && outcome.reason === 'amount_mismatch') {
    await raiseOperatorTask(
      tx,
      'amount_mismatch',
      subject,
      'The provider names another amount or currency than was asked.',
      now,
    );
  }
  if (outcome.status === 'completed' && subscription !== undefined && isFinal(subscription)) {
    await raiseOperatorTask(
      tx,
      'second_success',
      subject,
      `Paid although its subscription is ${subscription}: to be refunded in full.`,
      now,
    );
  }
}

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
): Promise<void> {
  const head = attemptHead(payment, attempt);
  const at = (attempt.settled_at ?? now).toISOString();
  const envelope = {
    source: '/payment-service' as const,
    subject: payment.id,
    key: paymentKey(head),
  };
  if (attempt.status === 'completed') {
    await appendToOutbox(
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
    await appendToOutbox(
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
