/** What becomes of a change that had to be paid first, once its charge was attempted or given up. */
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { isPaymentOpen, isPaymentPaid, type Failure } from '../../domain/payment/payment';
import type { Refusal } from '../../domain/subscription/commands';
import { changeAtPeriodEnd, type PendingChange } from '../../domain/subscription/facts';
import type { Transaction } from '../../prisma/client';
import type { AttemptDependencies } from '../payment/attempt';
import type { PaymentRow } from '../rows';
import { applyProration, changeOf, dropChange, withPayment } from './apply-payment';
import { wasExecuted } from './history-store';
import { enqueueAnnouncedChange, enqueueCancelRequest, latestFailure } from './payment-store';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import { requestedBy, pendingColumn, writeUpdated, type ChangeContext, type Committed } from './transition';

/** What became of a change that had to be paid first. */
export type ConcludedChange =
  Committed | { kind: 'declined'; record: SubscriptionRecord; payment_id: string; failure: Failure | null };

/**
 * Concludes a `change` whose charge was attempted: applied, declined, or left waiting for its payment.
 * @param refused the attempt was not even begun
 */
export async function concludeChange(
  deps: AttemptDependencies,
  subscriptionId: string,
  paymentId: string,
  refused: boolean,
): Promise<{ concluded: ConcludedChange; messages: WorkflowMessage[] }> {
  const concluded = await conclude(deps, subscriptionId, paymentId, refused);
  // The charge of a change that does not apply any more is refunded by the payment's process.
  return {
    concluded,
    messages: concluded.kind === 'refused' ? [{ kind: 'refresh_payment', payment_id: paymentId }] : [],
  };
}

function conclude(
  deps: AttemptDependencies,
  subscriptionId: string,
  paymentId: string,
  refused: boolean,
): Promise<ConcludedChange> {
  return withPayment(deps, subscriptionId, paymentId, async (tx, row, payment, context) => {
    if (isPaymentOpen(payment.status) && !refused) {
      if (!isOvertaken(row, payment))
        return { kind: 'committed', record: leaveWaiting(tx, row, payment, context) };
      enqueueCancelRequest(tx, payment.id, 'change_overtaken', context.realNow);
      const record = toRecord(row);
      return { ...overtaken(record), record };
    }
    const { record } = refused
      ? await dropChange(tx, row, payment, context)
      : await applyProration(tx, row, payment, context);
    if (!isPaymentPaid(payment.status)) {
      const failure = await latestFailure(tx, payment.id);
      return { kind: 'declined', record, payment_id: payment.id, failure };
    }
    const applied = await wasExecuted(tx, context.commandId);
    return applied ? { kind: 'committed', record } : { ...overtaken(record), record };
  });
}

/** Drops the change of a payment that was never attempted, or failed after its caller had left. */
export async function abandonChange(
  deps: AttemptDependencies,
  subscriptionId: string,
  paymentId: string,
): Promise<void> {
  await withPayment(deps, subscriptionId, paymentId, async (tx, row, payment, context) => {
    const { status } = payment;
    if (status === 'requested' || status === 'failed') await dropChange(tx, row, payment, context);
    else await applyProration(tx, row, payment, context);
  });
}

/** Whether the subscription has changed since the change was committed, so that the payment can apply to nothing. */
function isOvertaken(row: SubscriptionRow, payment: PaymentRow): boolean {
  return !payment.announced && row.version !== changeOf(payment).base_version;
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
  if (payment.announced) return toRecord(row);
  const { plan_id, quantity } = change.terms.terms;
  const pending: PendingChange = {
    plan_id,
    quantity,
    effective: 'when_paid',
    effective_at: null,
    payment_id: payment.id,
    otherwise: changeAtPeriodEnd(row.pending_change),
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
