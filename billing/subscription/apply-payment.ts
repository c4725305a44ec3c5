/**
 * Applies a settled payment to its subscription: a period is paid, a change that waited for it takes effect.
 *
 * Invariants: the payment's locked row decides, never the sender of a message; a payment has its effect once; money that
 * came too late for its change goes back.
 */
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { isPaymentOpen, isPaymentPaid, type Failure } from '../../domain/payment/payment';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import { paidChangeApplies } from '../../domain/subscription/change';
import { decidePaid, type Refusal } from '../../domain/subscription/commands';
import type { PendingChange } from '../../domain/subscription/facts';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../clock';
import { lockPayment } from '../locks';
import { applyChange } from './change';
import { applyTerms } from './change-terms';
import { applyFirst } from './first-payment';
import { reserveUnwanted } from '../payment/reserve-refund';
import { toFacts, type PaidChange, type PaymentRow } from '../rows';
import { wasExecuted } from './history-store';
import { enqueueAnnouncedChange, enqueueCancelledPayment, latestFailure } from './payment-store';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import {
  requestedBy,
  lockOrThrow,
  pendingColumn,
  subscriptionService,
  writeUpdated,
  type ChangeContext,
  type Committed,
  type Patch,
} from './transition';

/** Applies a payment that may be settled. @returns the record as it stands afterwards */
export async function applyPayment(
  db: Database,
  subscriptionId: string,
  paymentId: string,
): Promise<SubscriptionRecord> {
  return withPayment(db, subscriptionId, paymentId, async (tx, row, payment, context) => {
    switch (payment.kind) {
      case 'first':
        return applyFirst(tx, row, payment, context);
      case 'renewal':
        return applyRenewal(tx, row, payment, context);
      case 'proration':
        return applyProration(tx, row, payment, context);
      case 'manual':
        return toRecord(row);
    }
  });
}

async function withPayment<T>(
  db: Database,
  subscriptionId: string,
  paymentId: string,
  work: (tx: Transaction, row: SubscriptionRow, payment: PaymentRow, context: ChangeContext) => Promise<T>,
): Promise<T> {
  return inTransaction(db, async (tx) => {
    const { row, realNow } = await lockOrThrow(tx, subscriptionId);
    const payment = await lockPayment(tx, paymentId);
    if (payment === null || payment.subscription_id !== row.id) {
      throw new Error(`subscription ${subscriptionId} has no payment ${paymentId}`);
    }
    const times = await timesFor(tx, row.test_clock_id, realNow);
    return work(tx, row, payment, paymentContext(payment, times));
  });
}

/** Applies the payment of a period: completed, the period is paid. Both rows are locked. */
export function applyRenewal(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  times: Times,
): SubscriptionRecord {
  if (!isPaymentPaid(payment.status)) return toRecord(row);
  const decision = decidePaid(toFacts(row), payment.period_index);
  if (decision.kind === 'nothing' || row.period_index === null) return toRecord(row);
  const changes: SubscriptionChange[] = decision.recovered ? ['renewed', 'recovered'] : ['renewed'];
  const patch: Patch = {
    status: decision.status,
    period_paid: true,
    open_payment_id: null,
    paused_from: decision.pausedFrom,
  };
  return writeUpdated(tx, row, patch, {
    ...paymentContext(payment, times),
    changes,
    paidPeriod: row.period_index,
  }).record;
}

/** The context of the change that a payment's outcome makes, once. */
function paymentContext(payment: PaymentRow, times: Times): ChangeContext {
  return { ...times, commandId: `${payment.id}/applied`, changes: [], actor: subscriptionService };
}

async function applyProration(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const { status } = payment;
  if (isPaymentOpen(status) || (await wasExecuted(tx, context.commandId))) return toRecord(row);
  if (isPaymentPaid(status)) return applyPaidChange(tx, row, payment, context);
  return dropChange(tx, row, payment, context);
}

async function applyPaidChange(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const change = changeOf(payment);
  if (!paidChangeApplies(toFacts(row), change)) {
    await reserveUnwanted(tx, payment.id, 'change_overtaken');
    // Not the command's own id: the change that it requested never took effect.
    return forgetChange(tx, row, payment.id, { ...context, commandId: `${context.commandId}/overtaken` });
  }
  const terms = await applyTerms(tx, row, change.terms, context.now);
  const rest = { ...change.command, plan_id: null, quantity: null };
  const applied = { ...context, actor: change.command.actor, changes: terms.changes };
  const written = writeUpdated(tx, row, terms.patch, applied);
  const also = await applyChange(
    tx,
    written.row,
    rest,
    { kind: 'unchanged' },
    { ...applied, commandId: `${context.commandId}/rest` },
  );
  return 'kind' in also ? written.record : also;
}

/** Drops a change that was not paid: nothing changes, and its payment is not attempted again. */
function dropChange(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): SubscriptionRecord {
  if (payment.status !== 'cancelled') enqueueCancelledPayment(tx, payment.id, context.realNow);
  return forgetChange(tx, row, payment.id, context);
}

/** Removes a change that waits for its payment: the next change may come. */
function forgetChange(
  tx: Transaction,
  row: SubscriptionRow,
  paymentId: string,
  context: ChangeContext,
): SubscriptionRecord {
  if (row.pending_change?.payment_id !== paymentId) return toRecord(row);
  return writeUpdated(tx, row, pendingColumn(null), { ...context, changes: ['change_scheduled'] }).record;
}

/** What became of a change that had to be paid first. */
export type ConcludedChange =
  Committed | { kind: 'declined'; record: SubscriptionRecord; payment_id: string; failure: Failure | null };

/**
 * Concludes a `change` whose charge was attempted: applied, declined, or left waiting for its payment.
 * @param refused the attempt was not even begun
 */
export async function concludeChange(
  db: Database,
  subscriptionId: string,
  paymentId: string,
  refused: boolean,
): Promise<{ concluded: ConcludedChange; messages: WorkflowMessage[] }> {
  const concluded = await conclude(db, subscriptionId, paymentId, refused);
  // The charge of a change that does not apply any more is refunded by the payment's process.
  return {
    concluded,
    messages: concluded.kind === 'refused' ? [{ kind: 'refresh_payment', payment_id: paymentId }] : [],
  };
}

function conclude(
  db: Database,
  subscriptionId: string,
  paymentId: string,
  refused: boolean,
): Promise<ConcludedChange> {
  return withPayment(db, subscriptionId, paymentId, async (tx, row, payment, context) => {
    if (isPaymentOpen(payment.status) && !refused) {
      return { kind: 'committed', record: leaveWaiting(tx, row, payment, context) };
    }
    const record = refused
      ? dropChange(tx, row, payment, context)
      : await applyProration(tx, row, payment, context);
    if (!isPaymentPaid(payment.status)) {
      const failure = await latestFailure(tx, payment.id);
      return { kind: 'declined', record, payment_id: payment.id, failure };
    }
    const applied = await wasExecuted(tx, context.commandId);
    return applied ? { kind: 'committed', record } : { ...overtaken(record), record };
  });
}

/** The subscription changed while the change was being paid. */
function overtaken({ subscription: { status } }: SubscriptionRecord): Refusal {
  const detail = `The subscription is ${status} and changed meanwhile; what was charged is refunded.`;
  return { kind: 'refused', code: 'subscription_state', detail, reason: status };
}

/** Lets the change wait for its payment, whose outcome is published from now on: the caller waits no longer. */
function leaveWaiting(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): SubscriptionRecord {
  const change = changeOf(payment);
  if (payment.announced || row.version !== change.base_version) return toRecord(row);
  const { plan_id, quantity } = change.terms.terms;
  const pending: PendingChange = {
    plan_id,
    quantity,
    effective: 'when_paid',
    effective_at: null,
    payment_id: payment.id,
  };
  enqueueAnnouncedChange(tx, payment.id, { ...change, base_version: row.version + 1 });
  const commandId = change.command.command_id;
  return writeUpdated(tx, row, pendingColumn(pending), {
    ...context,
    commandId,
    ...requestedBy(change.command),
    changes: ['change_scheduled'],
  }).record;
}

/** @throws Error when the payment is not one of a change */
function changeOf({ id, change }: PaymentRow): PaidChange {
  if (change === null) throw new Error(`payment ${id} has no change`);
  return change;
}
