/**
 * What a settled payment makes of its subscription: a period paid, a change that was waiting for it.
 *
 * Invariants: judged by the payment's locked row, never by who told; a payment has its effect once; money that came
 * too late for its change goes back.
 */
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import type { Failure } from '../../domain/payment/payment';
import { isPaymentPaid, isPaymentOpen, type PaymentStatus } from '../../domain/payment/payment';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import { decidePaid, type Refusal } from '../../domain/subscription/commands';
import type { PendingChange } from '../../domain/subscription/facts';
import { isFinal } from '../../domain/subscription/subscription';
import { resultOfCommand } from './changes';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../clock';
import type { Prisma } from '../../prisma/generated/client';
import { lockPayment } from '../locks';
import { applyChange, type PaidChange } from './change';
import { termsPatch } from './change-terms';
import { applyFirst } from './first-payment';
import { reserveUnwanted } from '../payment/reserve-refund';
import { subscriptionRow, toFacts } from '../rows';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import {
  requestedBy,
  lockOrThrow,
  pendingColumn,
  subscriptionService,
  writeUpdated,
  type ChangeContext,
  type Committed,
} from './transition';

type PaymentRow = Prisma.PaymentGetPayload<object>;

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
      default:
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

/** A period's payment, locked as the subscription is: collected, the period is paid. */
export async function applyRenewal(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  times: Times,
): Promise<SubscriptionRecord> {
  if (!isPaymentPaid(payment.status as PaymentStatus)) return toRecord(row);
  const decision = decidePaid(toFacts(row), payment.period_index);
  if (decision.kind === 'nothing' || row.period_index === null) return toRecord(row);
  const changes: SubscriptionChange[] = decision.recovered ? ['renewed', 'recovered'] : ['renewed'];
  const patch = {
    status: decision.status,
    period_paid: true,
    open_payment_id: null,
    paused_from: decision.pausedFrom,
  };
  return writeUpdated(tx, row, patch, {
    ...paymentContext(payment, times),
    changes,
    paidPeriod: row.period_index,
  });
}

/** The change that a payment's outcome makes, once. */
function paymentContext(payment: PaymentRow, times: Times): ChangeContext {
  return { ...times, commandId: `${payment.id}/applied`, changes: [], actor: subscriptionService };
}

async function applyProration(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const status = payment.status as PaymentStatus;
  if (isPaymentOpen(status) || (await resultOfCommand(tx, context.commandId)) !== null) return toRecord(row);
  if (isPaymentPaid(status)) return applyPaidChange(tx, row, payment, context);
  return dropChange(tx, row, payment, context);
}

async function applyPaidChange(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const change = payment.change as unknown as PaidChange;
  const stillFits = row.version === change.base_version && row.period_index === change.period_index;
  if (!stillFits || isFinal(toFacts(row).status)) {
    await reserveUnwanted(tx, payment.id, 'change_overtaken');
    // Not the command's own id: what it wanted never held.
    return forgetChange(tx, row, payment.id, { ...context, commandId: `${context.commandId}/overtaken` });
  }
  const price = await termsPatch(tx, row, change.terms, context.now);
  const rest = { ...change.command, plan_id: null, quantity: null };
  const priced = { ...context, actor: change.command.actor, changes: price.changes };
  const record = await writeUpdated(tx, row, price.patch, priced);
  const saved = subscriptionRow(await tx.subscription.findUniqueOrThrow({ where: { id: row.id } }));
  const also = await applyChange(
    tx,
    saved,
    rest,
    { kind: 'unchanged' },
    {
      ...priced,
      commandId: `${context.commandId}/rest`,
    },
  );
  return 'kind' in also ? record : also;
}

/** Not paid: nothing changes, and nobody tries again. */
async function dropChange(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  if (payment.status !== 'cancelled') {
    await tx.payment.update({
      where: { id: payment.id },
      data: { status: 'cancelled', version: { increment: 1 }, updated_at: context.realNow },
    });
  }
  return forgetChange(tx, row, payment.id, context);
}

/** Nobody waits for the payment any more: the next change may come. */
async function forgetChange(
  tx: Transaction,
  row: SubscriptionRow,
  paymentId: string,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  if (toFacts(row).pending_change?.payment_id !== paymentId) return toRecord(row);
  return writeUpdated(tx, row, pendingColumn(null), { ...context, changes: ['change_scheduled'] });
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
    const status = payment.status as PaymentStatus;
    if (isPaymentOpen(status) && !refused) {
      return { kind: 'committed', record: await leaveWaiting(tx, row, payment, context) };
    }
    const record = refused
      ? await dropChange(tx, row, payment, context)
      : await applyProration(tx, row, payment, context);
    if (!isPaymentPaid(status)) return { kind: 'declined', record, ...(await declineOf(tx, payment)) };
    const applied = (await resultOfCommand(tx, context.commandId)) !== null;
    return applied ? { kind: 'committed', record } : { ...overtaken(record), record };
  });
}

async function declineOf(tx: Transaction, payment: PaymentRow) {
  const attempt = await tx.paymentAttempt.findFirst({
    where: { payment_id: payment.id },
    orderBy: { number: 'desc' },
  });
  return { payment_id: payment.id, failure: (attempt?.failure ?? null) as unknown as Failure | null };
}

/** The subscription became another one while the change was being paid. */
function overtaken({ subscription: { status } }: SubscriptionRecord): Refusal {
  const detail = `The subscription is ${status} and changed meanwhile; what was charged is refunded.`;
  return { kind: 'refused', code: 'subscription_state', detail, reason: status };
}

/** The caller waits no longer: the change waits for its payment, whose outcome is published from now on. */
async function leaveWaiting(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const change = payment.change as unknown as PaidChange;
  if (payment.announced || row.version !== change.base_version) return toRecord(row);
  const { plan_id, quantity } = change.terms.terms;
  const pending: PendingChange = {
    plan_id,
    quantity,
    effective: 'when_paid',
    effective_at: null,
    payment_id: payment.id,
  };
  await tx.payment.update({
    where: { id: payment.id },
    data: {
      announced: true,
      change: { ...change, base_version: row.version + 1 } as unknown as Prisma.InputJsonValue,
    },
  });
  const commandId = change.command.command_id;
  return writeUpdated(tx, row, pendingColumn(pending), {
    ...context,
    commandId,
    ...requestedBy(change.command),
    changes: ['change_scheduled'],
  });
}
