/**
 * Changes a subscription in one transaction: the row's lock, the decision, the next version with its history and event.
 *
 * Invariants:
 * - A command has one effect, however often it is repeated.
 * - A decision is made by the locked row, so no update is lost.
 * - `next_due_at` always follows from the row.
 */
import { systemActor, type Actor } from '../../contracts/fields';
import type { Subscription } from '../../contracts/http/subscriptions';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import type { Refusal } from '../../domain/subscription/commands';
import { nextDue } from '../../domain/subscription/due';
import type { PendingChange } from '../../domain/subscription/facts';
import type { Line } from '../../domain/subscription/proration';
import { enqueueVersion, wasExecuted } from './history-store';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../clock';
import { lockSubscription, type Locked } from '../locks';
import { toFacts, toSubscription } from '../rows';
import { announceUpdated } from './events';
import { changedFields } from './changed-fields';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';

/** What became of a command. `refused`: nothing was written. */
export type Committed =
  { kind: 'committed'; record: SubscriptionRecord } | (Refusal & { record: SubscriptionRecord });

/** What `work` did: a new version, nothing, or why not. */
export type Outcome = SubscriptionRecord | Refusal;

/** The actor of what the service does by itself. */
export const subscriptionService = systemActor('subscription-service');

/** Executes a command on the locked row, once. @param work is given the customer's time */
export async function transact(
  db: Database,
  subscriptionId: string,
  commandId: string,
  work: (tx: Transaction, row: SubscriptionRow, times: Times) => Promise<Outcome>,
): Promise<Committed> {
  return inTransaction(db, async (tx) => {
    const { row, realNow } = await lockOrThrow(tx, subscriptionId);
    if (await wasExecuted(tx, commandId)) return { kind: 'committed', record: toRecord(row) };
    const outcome = await work(tx, row, await timesFor(tx, row.test_clock_id, realNow));
    return 'kind' in outcome ? { ...outcome, record: toRecord(row) } : { kind: 'committed', record: outcome };
  });
}

/** @throws when there is no such subscription */
export async function lockOrThrow(tx: Transaction, subscriptionId: string): Promise<Locked<SubscriptionRow>> {
  const locked = await lockSubscription(tx, subscriptionId);
  if (locked === null) throw new Error(`subscription ${subscriptionId} does not exist`);
  return locked;
}

/** The columns that a change may write; `version`, `next_due_at` and `updated_at` follow. */
export type Patch = Partial<Omit<SubscriptionRow, 'id' | 'version' | 'next_due_at' | 'updated_at'>>;

export interface ChangeContext extends Times {
  commandId: string;
  changes: readonly SubscriptionChange[];
  actor: Actor;
  /** The index of a period that is paid by it, at the customer's time; null or left out: none. */
  paidPeriod?: number | null;
  /** W3C trace context of the request, where the change has one. */
  traceparent?: string;
}

/** The actor and trace of a command. */
export function requestedBy({ actor, traceparent }: Pick<ChangeContext, 'actor' | 'traceparent'>) {
  return { actor, traceparent };
}

export interface Written {
  record: SubscriptionRecord;
  /** The row as it stands then. */
  row: SubscriptionRow;
  previous: Partial<Subscription>;
}

/** Writes the next version and its history; the caller writes the event. */
export function writeVersion(
  tx: Transaction,
  row: SubscriptionRow,
  patch: Patch,
  context: ChangeContext,
): Written {
  const next: SubscriptionRow = { ...row, ...patch, version: row.version + 1, updated_at: context.realNow };
  const due = nextDue(toFacts(next));
  next.next_due_at = due === null ? null : new Date(due.at);
  const record = toRecord(next);
  const previous = changedFields(toSubscription(row), record.subscription);
  const { version, next_due_at, updated_at } = next;
  const { commandId, changes, actor, realNow: at, paidPeriod: index = null } = context;
  const paid = index === null ? null : { index, at: context.now };
  const columns = { ...patch, version, next_due_at, updated_at };
  enqueueVersion(tx, columns, record.subscription, { commandId, changes, previous, actor, at }, paid);
  return { record, row: next, previous };
}

/** Writes the next version and publishes it on subscriptions.updated. */
export function writeUpdated(
  tx: Transaction,
  row: SubscriptionRow,
  patch: Patch,
  context: ChangeContext,
): Written {
  const written = writeVersion(tx, row, patch, context);
  const { changes, actor, realNow, traceparent } = context;
  announceUpdated(
    tx,
    written.record.subscription,
    [...changes],
    written.previous,
    actor,
    realNow,
    traceparent,
  );
  return written;
}

/** The id of what the service does by itself to a version of a subscription: done once for each version. */
export function systemCommandId(row: SubscriptionRow, what: string): string {
  return `${row.id}/${what}/v${row.version}`;
}

/** Lines that wait for the next renewal, as columns. */
export function waitingColumns(lines: readonly Line[]): Pick<SubscriptionRow, 'waiting_lines' | 'balance'> {
  const balance = BigInt(lines.reduce((sum, { amount }) => sum + amount, 0));
  return { waiting_lines: [...lines], balance };
}

/** A change that waits, as a column. */
export function pendingColumn(pending: PendingChange | null): Pick<SubscriptionRow, 'pending_change'> {
  return { pending_change: pending };
}
