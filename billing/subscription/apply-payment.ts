/**
 * Applies received money to its subscription: a period is paid, a change that waited for it takes effect.
 *
 * Invariants:
 * - The payment's locked row decides, never the sender of a message; received money is applied once.
 * - Whoever decides about a subscription applies first what was received for it.
 * - Money that came too late for its change goes back, and credit that was set aside for it comes back.
 */
import { applyChange as applyChangeOfMoney } from '../../domain/ledger/change';
import { applyReceived } from '../../domain/ledger/payment';
import { isOwed } from '../../domain/ledger/period';
import type { Posted } from '../../domain/ledger/posting';
import type { LedgerState } from '../../domain/ledger/state';
import { isPaymentOpen, isPaymentPaid } from '../../domain/payment/payment';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import { paidChangeApplies } from '../../domain/subscription/change';
import { decidePaid } from '../../domain/subscription/commands';
import { changeAtPeriodEnd } from '../../domain/subscription/facts';
import { inTransaction, type Transaction } from '../../prisma/client';
import { timesFor } from '../clock';
import { ledgerOf } from '../ledger/opening';
import { limitsOfProviders } from '../ledger/limits';
import { moneyColumns } from '../ledger/money-columns';
import { enqueuePosting } from '../ledger/post';
import { enqueueMoney, enqueueUnapplied } from '../ledger/state-store';
import { lockPayment } from '../locks';
import type { AttemptDependencies } from '../payment/attempt';
import type { ReceivedCharge } from '../payment/received-charge';
import { reserveUnwanted } from '../payment/reserve-refund';
import { toFacts, type PaidChange, type PaymentRow } from '../rows';
import { traceOfPayment } from '../traces';
import { applyChange } from './apply-change';
import { applyTerms } from './change-terms';
import { applyFirst } from './first-payment';
import { executedCommand, wasExecuted } from './history-store';
import { enqueueCancelledPayment } from './payment-store';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import { freeHeldCredit } from './unpaid-change';
import {
  committed,
  lockOrThrow,
  lockWithUnapplied,
  pendingColumn,
  subscriptionService,
  unchanged,
  writeUpdated,
  type Applied,
  type ChangeContext,
  type Committed,
  type MoneyContext,
  type Outcome,
  type Patch,
} from './transition';

/** Applies a payment that may be settled. @returns the record as it stands afterwards */
export async function applyPayment(
  deps: AttemptDependencies,
  subscriptionId: string,
  paymentId: string,
): Promise<SubscriptionRecord> {
  return withPayment(deps, subscriptionId, paymentId, async (tx, row, payment, context) => {
    return (await applySettled(tx, row, payment, context)).record;
  });
}

/** Locks a subscription and a payment of it, in order. @param work is given the payment's own context */
export async function withPayment<T>(
  deps: AttemptDependencies,
  subscriptionId: string,
  paymentId: string,
  work: (tx: Transaction, row: SubscriptionRow, payment: PaymentRow, context: ChangeContext) => Promise<T>,
): Promise<T> {
  return inTransaction(deps.db, async (tx) => {
    const { row, realNow } = await lockOrThrow(tx, subscriptionId);
    const payment = await lockPayment(tx, paymentId);
    if (payment === null || payment.subscription_id !== row.id) {
      throw new Error(`subscription ${subscriptionId} has no payment ${paymentId}`);
    }
    const times = await timesFor(tx, row.test_clock_id, realNow);
    const context = { ...times, limitsOf: limitsOfProviders(deps.providers) };
    return work(tx, row, payment, paymentContext(payment, context));
  });
}

/**
 * Executes a command on the locked row, once; what was received for the subscription is applied before.
 * @param work is given the row as it stands then, and the customer's time
 */
export async function transactApplied(
  deps: AttemptDependencies,
  subscriptionId: string,
  commandId: string,
  work: (
    tx: Transaction,
    row: SubscriptionRow,
    base: MoneyContext & { commandId: string },
  ) => Promise<Outcome>,
): Promise<Committed> {
  return inTransaction(deps.db, async (tx) => {
    const { unapplied, ...locked } = await lockWithUnapplied(tx, subscriptionId);
    const times = await timesFor(tx, locked.row.test_clock_id, locked.realNow);
    const context: MoneyContext = { ...times, limitsOf: limitsOfProviders(deps.providers) };
    const row = await applyUnapplied(tx, locked.row, unapplied, context);
    const executed = await executedCommand(tx, commandId);
    if (executed !== null) return committed(toRecord(row), executed.opened_payment_id);
    const outcome = await work(tx, row, { ...context, commandId });
    if ('kind' in outcome) return { ...outcome, record: toRecord(row) };
    const { open_payment_id: opened } = outcome.subscription;
    return committed(outcome, opened === row.open_payment_id ? null : opened);
  });
}

/** Applies what was received for a subscription and is not applied yet. @returns the row as it stands then */
export async function applyUnapplied(
  tx: Transaction,
  row: SubscriptionRow,
  paymentIds: readonly string[],
  context: MoneyContext,
): Promise<SubscriptionRow> {
  let stands = row;
  for (const id of paymentIds) {
    const payment = await lockPayment(tx, id);
    if (payment !== null) {
      ({ row: stands } = await applySettled(tx, stands, payment, paymentContext(payment, context)));
    }
  }
  return stands;
}

async function applySettled(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): Promise<Applied> {
  switch (payment.kind) {
    case 'first':
      return applyFirst(tx, row, payment, context);
    case 'renewal':
      return applyPeriodPayment(tx, row, payment, context);
    case 'proration':
      return applyProration(tx, row, payment, context);
    case 'manual':
      return unchanged(row);
  }
}

/**
 * Applies the payment of a period: completed, the period is paid. Both rows are locked.
 * @param charge what was received in this transaction; null: it is written already
 */
export async function applyPeriodPayment(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: MoneyContext,
  charge: ReceivedCharge | null = null,
): Promise<Applied> {
  if (!isPaymentPaid(payment.status)) return unchanged(row);
  const received = Number(payment.unapplied_amount);
  const { now } = context;
  const state = await ledgerOf(tx, row, context);
  const isPresent = row.period_index === payment.period_index && row.period_paid === false;
  const isWaitedFor = isPresent && row.open_payment_id === payment.id;
  // Applied before; save that it went back before it was applied, or that contradicting rows know no money of it.
  if (received === 0 && !isWaitedFor && !isOwed(state, payment.id)) return unchanged(row);
  const runs = isPresent && row.period_end !== null && now < row.period_end;
  const money = applyReceived(state, { id: payment.id, amount: received }, { at: now.toISOString(), runs });
  const own = paymentContext(payment, context);
  if (charge === null) enqueueAppliedMoney(tx, row, payment, money, own);
  else charge.writeApplied(tx, money);
  const columns = moneyColumns(money.state, row.waiting_lines, now);
  const decision = decidePaid(toFacts(row), payment.period_index);
  if (decision.kind === 'nothing' || row.period_index === null) {
    enqueueMoney(tx, row.id, columns);
    return unchanged({ ...row, ...columns });
  }
  const changes: SubscriptionChange[] = decision.recovered ? ['renewed', 'recovered'] : ['renewed'];
  const patch: Patch = {
    ...columns,
    status: decision.status,
    period_paid: true,
    open_payment_id: null,
    paused_from: decision.pausedFrom,
  };
  return writeUpdated(tx, row, patch, { ...own, changes, paidPeriod: row.period_index });
}

function enqueueAppliedMoney(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  money: Posted,
  { actor, ...context }: ChangeContext,
): void {
  enqueueUnapplied(tx, payment.id, 0);
  const cause = { kind: 'payment_applied' as const, actor, paymentId: payment.id };
  const id = `${payment.id}/applied/${payment.version}`;
  enqueuePosting(tx, row, money, { ...cause, id, periodIndex: payment.period_index }, context);
}

/** The context of what a payment's outcome makes, once. */
function paymentContext(payment: PaymentRow, context: MoneyContext): ChangeContext {
  const trace = traceOfPayment(payment);
  return { ...context, commandId: `${payment.id}/applied`, changes: [], actor: subscriptionService, trace };
}

/** Applies the payment of a change, or drops the change that was not paid. */
export async function applyProration(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): Promise<Applied> {
  const { status } = payment;
  if (isPaymentOpen(status) || (await wasExecuted(tx, context.commandId))) return unchanged(row);
  if (isPaymentPaid(status)) return applyPaidChange(tx, row, payment, context);
  return dropChange(tx, row, payment, context);
}

/** Whether all that the change is paid with is there: what was charged, and the credit that was set aside. */
function isThere(
  payment: PaymentRow,
  { holds_credit: holds = false }: PaidChange,
  state: LedgerState,
): boolean {
  const isWhole = payment.unapplied_amount === payment.amount;
  return isWhole && (!holds || state.held_for === payment.id);
}

async function applyPaidChange(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): Promise<Applied> {
  const { change } = payment;
  const state = await ledgerOf(tx, row, context);
  if (
    change?.money === undefined ||
    !isThere(payment, change, state) ||
    !paidChangeApplies(toFacts(row), change, state.revision)
  ) {
    await reserveUnwanted(tx, { payment, subscription: row, realNow: context.realNow }, 'change_overtaken');
    // Not the command's own id: the change that it requested never took effect.
    return forgetChange(tx, row, payment.id, { ...context, commandId: `${context.commandId}/overtaken` });
  }
  const money = applyChangeOfMoney(state, change.money, {
    kind: 'payment',
    paymentId: payment.id,
    amount: Number(payment.amount),
  });
  enqueueUnapplied(tx, payment.id, 0);
  const at = new Date(change.money.at);
  const { actor, command_id: commandId } = change.command;
  const cause = { id: `${row.id}/change/${commandId}`, kind: 'change_applied' as const, actor, at };
  enqueuePosting(tx, row, money, { ...cause, paymentId: payment.id }, context);
  const terms = await applyTerms(tx, row, change.terms, payment.id, context.now);
  const patch = { ...terms.patch, ...moneyColumns(money.state, row.waiting_lines, at) };
  const applied = { ...context, actor, changes: terms.changes };
  const written = writeUpdated(tx, row, patch, applied);
  const rest = { ...change.command, plan_id: null, quantity: null };
  const next = { ...applied, commandId: `${context.commandId}/rest` };
  const also = await applyChange(tx, written.row, rest, { kind: 'unchanged' }, next);
  return 'kind' in also ? written : also;
}

/** Drops a change that was not paid: nothing changes, and its payment is not attempted again. */
export async function dropChange(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  context: ChangeContext,
): Promise<Applied> {
  if (payment.status !== 'cancelled') enqueueCancelledPayment(tx, payment.id, context.realNow);
  return forgetChange(tx, row, payment.id, context);
}

/** Removes a change that waits for its payment: its credit is free, and what it had replaced holds again. */
async function forgetChange(
  tx: Transaction,
  row: SubscriptionRow,
  paymentId: string,
  context: ChangeContext,
): Promise<Applied> {
  const columns = await freeHeldCredit(tx, row, paymentId, context);
  if (row.pending_change?.payment_id !== paymentId) {
    if (columns !== null) enqueueMoney(tx, row.id, columns);
    return unchanged({ ...row, ...columns });
  }
  const patch = { ...columns, ...pendingColumn(changeAtPeriodEnd(row.pending_change)) };
  return writeUpdated(tx, row, patch, { ...context, changes: ['change_scheduled'] });
}

/** @throws Error when the payment is not one of a change */
export function changeOf({ id, change }: PaymentRow): PaidChange {
  if (change === null) throw new Error(`payment ${id} has no change`);
  return change;
}
