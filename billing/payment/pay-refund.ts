/**
 * Giving money back: promising it under the payment's lock, asking the provider, recording what it says.
 *
 * Invariants: the row is there before the provider is asked; a refund is asked for with its own key, again and again if
 * need be, and its outcome is written once.
 */
import { ApplicationFailure } from '@temporalio/activity';
import type { RefundCommand } from '../../contracts/workflows/commands';
import type { Refund } from '../../contracts/http/refunds';
import type { RefundOutcome, RefundRefusal } from '../../domain/payment/refund';
import { databaseNow, inTransaction } from '../../prisma/client';
import { raiseOperatorTask } from '../operator-tasks';
import { reserveRefund as reserve } from './reserve-refund';
import { refundRow, toRefund, type RefundRow } from '../rows';
import { settleRefund } from './settle-refund';
import type { AttemptDependencies } from './attempt';

/** How long one call may take; shorter than what a caller of the API waits. */
const callTimeoutMs = 8_000;

export type ReservedRefund =
  { kind: 'reserved'; refund: Refund } | { kind: 'refused'; reason: RefundRefusal };

/** Promises a refund; asked again with the same id, it finds the first promise. */
export async function reserveRefund(
  deps: AttemptDependencies,
  paymentId: string,
  command: RefundCommand,
): Promise<ReservedRefund> {
  if ((await deps.db.payment.count({ where: { id: paymentId } })) === 0) {
    throw ApplicationFailure.nonRetryable(`payment ${paymentId} does not exist`, 'not_found');
  }
  const reservation = await inTransaction(deps.db, (tx) =>
    reserve(tx, { ...command, payment_id: paymentId }),
  );
  return reservation.kind === 'refused'
    ? reservation
    : { kind: 'reserved', refund: toRefund(reservation.refund) };
}

/** Asks the provider for a promised refund, once; `pending` when it gave no final answer. */
export async function payRefund(deps: AttemptDependencies, refundId: string): Promise<Refund> {
  const row = await deps.db.refund.findUniqueOrThrow({ where: { id: refundId } });
  if (row.settled_at !== null) return toRefund(row);
  const outcome = await askProvider(deps, refundRow(row));
  const { refund } = await inTransaction(deps.db, (tx) => settleRefund(tx, refundId, outcome));
  return toRefund(refund);
}

async function askProvider(
  { db, providers }: AttemptDependencies,
  refund: RefundRow,
): Promise<RefundOutcome> {
  const { payment_id, attempt: number } = refund;
  const attempt = await db.paymentAttempt.findUniqueOrThrow({
    where: { payment_id_number: { payment_id, number } },
  });
  const provider = providers.get(attempt.provider ?? '');
  if (provider === undefined) return { status: 'unknown', reason: 'provider_not_configured' };
  if (attempt.provider_reference === null) return { status: 'unknown', reason: 'charge_not_known' };
  const request = {
    idempotencyKey: refund.idempotency_key,
    providerReference: attempt.provider_reference,
    amount: Number(refund.amount),
    currency: refund.currency,
    paymentId: payment_id,
  };
  return provider.refund(request, callTimeoutMs);
}

/** More than a day of asking brought no final answer. */
export async function requestRefundDecision(deps: AttemptDependencies, refundId: string): Promise<void> {
  await inTransaction(deps.db, async (tx) => {
    const { settled_at } = await tx.refund.findUniqueOrThrow({ where: { id: refundId } });
    if (settled_at !== null) return;
    const subject = { type: 'refund', id: refundId } as const;
    const detail = 'The provider has given no final answer about the refund for more than a day.';
    await raiseOperatorTask(tx, 'unknown_outcome', subject, detail, await databaseNow(tx));
  });
}
