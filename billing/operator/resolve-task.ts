/**
 * A person's decision about an operator task, in one transaction with what it decides.
 *
 * Throws `validation_failed` where the charge that a person has found cannot be taken over.
 * Invariants: a task is resolved once, with actor and reason; the outcome of an attempt or a refund is written by the
 * same functions that write the provider's word, so it is written once, with its event.
 */
import type { Actor } from '../../contracts/fields';
import { validationFailed } from '../../contracts/problem-error';
import { chargeFound } from '../../domain/payment/found-charge';
import { isAttemptOpen } from '../../domain/payment/payment';
import type { TraceContext } from '../../domain/trace';
import type { Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { lockPaymentInOrder, lockPaymentWithSubscription, type LockedPayment } from '../locks';
import { refundOf } from '../payment/refund-store';
import { releaseFailed } from '../payment/release-refund';
import { openBooks } from '../payment/take-money';
import type { Resolution, TaskRow } from '../rows';
import { settleAttempt } from '../payment/settle-attempt';
import { settleLockedRefund } from '../payment/settle-refund';
import { attemptsOf } from '../payment/attempt-store';

export interface Decision {
  actor: Actor;
  reason: string;
  /** What the provider's records say; null where nothing is to be found out. */
  outcome: 'succeeded' | 'failed' | null;
  provider_reference: string | null;
  /** What the provider has charged for a payment, minor units; null: what it has named, or what was asked. */
  amount: number | null;
  /** Of the call. */
  trace: TraceContext;
}

/** Whether the task asks for what became of an attempt or a refund. */
export function needsOutcome({
  kind,
  subject_type: subject,
}: Pick<TaskRow, 'kind' | 'subject_type'>): boolean {
  const isOfRefund = kind === 'refund_failed' && subject === 'refund';
  return kind === 'unknown_outcome' || kind === 'amount_mismatch' || isOfRefund;
}

/** @returns the payment whose process has to look at its row, if any; null when the task was resolved already */
export async function resolveTask(
  tx: Transaction,
  task: TaskRow,
  decision: Decision,
): Promise<{ paymentId: string | null } | null> {
  const { actor, reason, outcome } = decision;
  const locked = await lockSubject(tx, task, decision);
  // First: what the decision does may answer the task as well, and the person's word is the one that is kept.
  if (!(await updateResolved(tx, task.id, { actor, reason, outcome }))) return null;
  return { paymentId: locked === null ? null : await applyOutcome(tx, task, decision, locked) };
}

/** Resolves an open task. @returns false when it was resolved before */
async function updateResolved(tx: Transaction, taskId: string, resolution: Resolution): Promise<boolean> {
  const resolved = await sql(tx).execute`
    UPDATE operator_tasks SET status = 'resolved', resolved_at = clock_timestamp(),
      resolution = ${JSON.stringify(resolution)}::jsonb
    WHERE id = ${taskId} AND status = 'open'`;
  return resolved > 0;
}

/**
 * Locks what an outcome is written to, before the task's row: a task is raised under these locks.
 * @returns null when the decision writes no outcome
 */
async function lockSubject(
  tx: Transaction,
  task: TaskRow,
  { outcome }: Decision,
): Promise<LockedPayment | null> {
  if (outcome === null || !needsOutcome(task)) return null;
  if (task.subject_type === 'payment') return lockPaymentInOrder(tx, task.subject_id);
  if (task.subject_type !== 'refund') return null;
  const { payment_id: paymentId } = await refundOf(tx, task.subject_id);
  return lockPaymentWithSubscription(tx, paymentId);
}

async function applyOutcome(
  tx: Transaction,
  task: TaskRow,
  decision: Decision,
  locked: LockedPayment,
): Promise<string> {
  if (task.subject_type === 'refund') await settleTheRefund(tx, task, decision, locked);
  else await settleTheAttempt(tx, task, locked.payment.id, decision);
  return locked.payment.id;
}

/** The open attempt; without one, the latest: it failed, and the provider named another amount since. */
async function settleTheAttempt(
  tx: Transaction,
  task: TaskRow,
  paymentId: string,
  decision: Decision,
): Promise<void> {
  const attempts = await attemptsOf(tx, paymentId);
  const asked = attempts.findLast(({ status }) => isAttemptOpen(status)) ?? attempts.at(-1);
  if (asked === undefined) return;
  const found = chargeFound(asked, { ...decision, isMismatch: task.kind === 'amount_mismatch' });
  if (found.kind === 'refused') throw validationFailed([found]);
  // A person looked it up.
  await settleAttempt(tx, paymentId, asked.number, found.outcome, 'lookup', { trace: decision.trace });
}

/** A refund that failed is given up when it is resolved as failed: its money is free again. */
async function settleTheRefund(
  tx: Transaction,
  { subject_id: refundId, kind }: TaskRow,
  decision: Decision,
  locked: LockedPayment,
): Promise<void> {
  const { provider_reference } = decision;
  const { status } = await refundOf(tx, refundId);
  // What the task asks about has been answered: the refund was paid meanwhile, or was made at the provider.
  if (kind === 'refund_failed' && status === 'succeeded') return;
  if (status === 'failed' && decision.outcome === 'failed') {
    await releaseFailed(tx, await openBooks(tx, locked), decision, ({ id }) => id === refundId);
    return;
  }
  await settleLockedRefund(
    tx,
    locked,
    refundId,
    decision.outcome === 'succeeded'
      ? { status: 'succeeded', provider_reference }
      : { status: 'failed', provider_reference, reason: 'operator' },
  );
}
