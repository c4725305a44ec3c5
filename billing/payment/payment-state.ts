/**
 * What the follow-up of a payment decides by, as it stands in the rows.
 *
 * Plain JSON: it travels into workflows and stays in their histories, so fields are added and never removed.
 */
import { ApplicationFailure } from '@temporalio/activity';
import type { AttemptStatus, AttemptTrigger, PaymentKind, PaymentStatus } from '../../domain/payment/payment';
import { settleBeforeLookupMs } from '../../domain/payment/unknown-outcome';
import type { Transaction } from '../../prisma/client';
import { attemptRow, paymentRow } from '../rows';

export interface PaymentState {
  payment_id: string;
  subscription_id: string | null;
  customer_id: string;
  amount: number;
  currency: string;
  kind: PaymentKind;
  status: PaymentStatus;
  /** The latest; null when none began. */
  attempt: { number: number; status: AttemptStatus; trigger: AttemptTrigger } | null;
  created_at: string;
  /** Ids of refunds that were promised and are not settled, oldest first. */
  refunds_due: string[];
  /** The customer's test clock, which business waits follow; null: their time is real. */
  test_clock: PaymentClockState | null;
}

export interface PaymentClockState {
  id: string;
  now: string;
  /** Real time: from then on a lookup that never heard of the attempt is evidence. */
  absence_counts_at: string | null;
}

const maxRefundsAtOnce = 50;

/** The state of now; null when there is no such payment. */
export async function readState(tx: Transaction, paymentId: string): Promise<PaymentState | null> {
  const found = await tx.payment.findUnique({
    where: { id: paymentId },
    include: {
      customer: { select: { test_clock_id: true } },
      attempts: { orderBy: { number: 'desc' }, take: 1 },
      refunds: {
        where: { settled_at: null },
        orderBy: [{ created_at: 'asc' }, { id: 'asc' }],
        take: maxRefundsAtOnce,
      },
    },
  });
  if (found === null) return null;
  const row = paymentRow(found);
  const [latest] = row.attempts.map(attemptRow);
  return {
    payment_id: row.id,
    subscription_id: row.subscription_id,
    customer_id: row.customer_id,
    amount: Number(row.amount),
    currency: row.currency,
    kind: row.kind,
    status: row.status,
    attempt:
      latest === undefined
        ? null
        : {
            number: latest.number,
            status: latest.status,
            trigger: latest.trigger,
          },
    created_at: row.created_at.toISOString(),
    refunds_due: row.refunds.map(({ id }) => id),
    test_clock: await clockState(tx, row.customer.test_clock_id, latest),
  };
}

async function clockState(
  tx: Transaction,
  clockId: string | null,
  attempt: { started_at: Date; last_call_ended_at: Date | null } | undefined,
): Promise<PaymentClockState | null> {
  if (clockId === null) return null;
  const { now } = await tx.testClock.findUniqueOrThrow({ where: { id: clockId } });
  return {
    id: clockId,
    now: now.toISOString(),
    absence_counts_at: attempt === undefined ? null : absenceCountsAt(attempt).toISOString(),
  };
}

/** Real time from which on a lookup that never heard of the attempt is evidence. */
export function absenceCountsAt(attempt: { started_at: Date; last_call_ended_at: Date | null }): Date {
  const lastCall = attempt.last_call_ended_at ?? attempt.started_at;
  return new Date(lastCall.getTime() + settleBeforeLookupMs);
}

/** @throws ApplicationFailure `not_found` */
export async function mustRead(tx: Transaction, paymentId: string): Promise<PaymentState> {
  const state = await readState(tx, paymentId);
  if (state === null)
    throw ApplicationFailure.nonRetryable(`payment ${paymentId} does not exist`, 'not_found');
  return state;
}
