/**
 * Changes a subscription in one transaction: the row's lock, the decision, the next version with its history and event.
 *
 * Invariants:
 * - A command has one effect, however often it is repeated.
 * - A decision is made by the locked row, so no update is lost.
 * - `next_due_at` always follows from the row.
 * - By a test clock, what a version finds due already is published with it: nobody else looks before the next advance.
 */
import { systemActor, type Actor } from '../../contracts/fields';
import type { Subscription } from '../../contracts/http/subscriptions';
import type { Traced } from '../../contracts/workflows/commands';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import type { Refusal } from '../../domain/subscription/commands';
import { nextDue } from '../../domain/subscription/due';
import type { PendingChange } from '../../domain/subscription/facts';
import { enqueueVersion } from './history-store';
import type { TraceContext } from '../../domain/trace';
import type { Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../clock';
import type { LimitsOf } from '../ledger/limits';
import { ledgerOf } from '../ledger/opening';
import { lockSubscription, type Locked } from '../locks';
import { toFacts, toSubscription } from '../rows';
import { appendToOutbox } from '../outbox';
import { announceUpdated, renewRequired } from './events';
import { traceOfCommand } from '../traces';
import { changedFields } from './changed-fields';
import { findUnapplied } from './payment-store';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';

/**
 * What became of a command. `refused`: nothing was written. `opened_payment_id`: the payment of the period that it opened,
 * now or when it was executed before; left out: it opened none.
 */
export type Committed =
  | { kind: 'committed'; record: SubscriptionRecord; opened_payment_id?: string }
  | (Refusal & { record: SubscriptionRecord });

/** @param openedPaymentId of the period that the command opened; null: it opened none */
export function committed(record: SubscriptionRecord, openedPaymentId: string | null): Committed {
  const opened = openedPaymentId === null ? {} : { opened_payment_id: openedPaymentId };
  return { kind: 'committed', record, ...opened };
}

/** What `work` did: a new version, nothing, or why not. */
export type Outcome = SubscriptionRecord | Refusal;

/** The actor of what the service does by itself. */
export const subscriptionService = systemActor('subscription-service');

/** Locks a subscription for a change. One that is older than the ledger is entered. @throws when there is no such one */
export async function lockOrThrow(tx: Transaction, subscriptionId: string): Promise<Locked<SubscriptionRow>> {
  const locked = await lockSubscription(tx, subscriptionId);
  if (locked === null) throw new Error(`subscription ${subscriptionId} does not exist`);
  return locked.row.ledger_state === null ? entered(tx, locked) : locked;
}

async function entered(tx: Transaction, { row, realNow }: Locked<SubscriptionRow>) {
  const times = await timesFor(tx, row.test_clock_id, realNow);
  return { row: { ...row, ledger_state: await ledgerOf(tx, row, times) }, realNow };
}

/** {@link lockOrThrow}, and the payments whose money was collected and is not applied yet, oldest first. */
export async function lockWithUnapplied(
  tx: Transaction,
  subscriptionId: string,
): Promise<Locked<SubscriptionRow> & { unapplied: string[] }> {
  const [locked, unapplied] = await Promise.all([
    lockSubscription(tx, subscriptionId),
    findUnapplied(tx, subscriptionId),
  ]);
  if (locked === null) throw new Error(`subscription ${subscriptionId} does not exist`);
  if (locked.row.ledger_state !== null) return { ...locked, unapplied };
  // Money that was never assigned is found by the entry.
  return { ...(await entered(tx, locked)), unapplied: await findUnapplied(tx, subscriptionId) };
}

/** The columns that a change may write; `version`, `next_due_at` and `updated_at` follow. */
export type Patch = Partial<Omit<SubscriptionRow, 'id' | 'version' | 'next_due_at' | 'updated_at'>>;

/** When something happens to a subscription, and what its provider can charge. */
export interface MoneyContext extends Times {
  limitsOf: LimitsOf;
}

export interface ChangeContext extends MoneyContext {
  commandId: string;
  changes: readonly SubscriptionChange[];
  actor: Actor;
  /** The index of a period that is paid by it, at the customer's time; null or left out: none. */
  paidPeriod?: number | null;
  /** Of what the change follows from; its event carries it, and the payments that it opens. */
  trace: TraceContext;
  /** The renewal run that does it; left out: none. */
  renewalRunId?: string;
}

/** The actor and trace of a command. */
export function requestedBy(command: Traced & { command_id: string; actor: Actor }) {
  return { actor: command.actor, trace: traceOfCommand(command) };
}

export interface Written {
  record: SubscriptionRecord;
  /** As events and the history have it. */
  subscription: Subscription;
  /** The row as it stands then. */
  row: SubscriptionRow;
  previous: Partial<Subscription>;
}

/** A subscription after something was applied to it, under its lock. */
export type Applied = Pick<Written, 'record' | 'row'>;

/** Nothing had to be applied. */
export function unchanged(row: SubscriptionRow): Applied {
  return { record: toRecord(row), row };
}

/** Writes the next version and its history; the caller writes the event. */
export function writeVersion(
  tx: Transaction,
  row: SubscriptionRow,
  patch: Patch,
  context: Omit<ChangeContext, 'limitsOf'>,
): Written {
  const next: SubscriptionRow = { ...row, ...patch, version: row.version + 1, updated_at: context.realNow };
  const due = nextDue(toFacts(next));
  next.next_due_at = due === null ? null : new Date(due.at);
  const isDueByClock =
    row.test_clock_id !== null && next.next_due_at !== null && next.next_due_at <= context.now;
  if (isDueByClock) next.announced_version = next.version;
  const subscription = toSubscription(next);
  const previous = changedFields(toSubscription(row), subscription);
  const { version, next_due_at, updated_at } = next;
  const { commandId, changes, actor, realNow: at, paidPeriod: index = null } = context;
  const paid = index === null ? null : { index, at: context.now };
  const announced = isDueByClock ? { announced_version: version } : {};
  const columns = { ...patch, ...announced, version, next_due_at, updated_at };
  enqueueVersion(tx, columns, subscription, { commandId, changes, previous, actor, at }, paid);
  const event = isDueByClock ? renewRequired(next, 0) : null;
  if (event !== null) appendToOutbox(tx, event, at);
  return { record: toRecord(next), subscription, row: next, previous };
}

/** Writes the next version and publishes it on subscriptions.updated. */
export function writeUpdated(
  tx: Transaction,
  row: SubscriptionRow,
  patch: Patch,
  context: ChangeContext,
): Written {
  const written = writeVersion(tx, row, patch, context);
  announceUpdated(tx, written.subscription, [...context.changes], written.previous, context);
  return written;
}

/** The id of what the service does by itself to a version of a subscription: done once for each version. */
export function systemCommandId(row: SubscriptionRow, what: string): string {
  return `${row.id}/${what}/v${row.version}`;
}

/** A change that waits, as a column. */
export function pendingColumn(pending: PendingChange | null): Pick<SubscriptionRow, 'pending_change'> {
  return { pending_change: pending };
}
