/**
 * One change of a subscription: the row's lock, the decision by what stands, the next version with its history and
 * its event, in one transaction.
 *
 * Invariants: a command has one effect, whatever is repeated; what is decided is decided by the locked row, so no
 * update is lost; `next_due_at` always follows from the row.
 */
import type { Actor } from '../../contracts/fields';
import type { Subscription } from '../../contracts/http/subscriptions';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import type { Refusal } from '../../domain/subscription/commands';
import { nextDue } from '../../domain/subscription/due';
import type { PendingChange } from '../../domain/subscription/facts';
import type { Line } from '../../domain/subscription/proration';
import { resultOfCommand, systemActor, writeWithChange } from './changes';
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

/** The actor of what no person asked for. */
export const subscriptionService = systemActor('subscription-service');

/** Carries a command out on the locked row, once. @param work is given the customer's time */
export async function transact(
  db: Database,
  subscriptionId: string,
  commandId: string,
  work: (tx: Transaction, row: SubscriptionRow, times: Times) => Promise<Outcome>,
): Promise<Committed> {
  return inTransaction(db, async (tx) => {
    const { row, realNow } = await lockOrThrow(tx, subscriptionId);
    if ((await resultOfCommand(tx, commandId)) !== null) return { kind: 'committed', record: toRecord(row) };
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
  /** W3C trace context of the request, where one asked for it. */
  traceparent?: string;
}

/** Whom a command says it is from. */
export function requestedBy({ actor, traceparent }: Pick<ChangeContext, 'actor' | 'traceparent'>) {
  return { actor, traceparent };
}

export interface Written {
  record: SubscriptionRecord;
  previous: Partial<Subscription>;
}

/** Writes the next version and its history; the event is the caller's. */
export async function writeVersion(
  tx: Transaction,
  row: SubscriptionRow,
  patch: Patch,
  context: ChangeContext,
): Promise<Written> {
  const next: SubscriptionRow = { ...row, ...patch, version: row.version + 1, updated_at: context.realNow };
  const due = nextDue(toFacts(next));
  next.next_due_at = due === null ? null : new Date(due.at);
  const record = toRecord(next);
  const previous = changedFields(toSubscription(row), record.subscription);
  const { version, next_due_at, updated_at } = next;
  const { commandId, changes, actor, realNow: at, paidPeriod: index = null } = context;
  const paid = index === null ? null : { index, at: context.now };
  const columns = { ...patch, version, next_due_at, updated_at };
  writeWithChange(tx, columns, record.subscription, { commandId, changes, previous, actor, at }, paid);
  return { record, previous };
}

/** Writes the next version and says so on subscriptions.updated. */
export async function writeUpdated(
  tx: Transaction,
  row: SubscriptionRow,
  patch: Patch,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const { record, previous } = await writeVersion(tx, row, patch, context);
  const { changes, actor, realNow, traceparent } = context;
  announceUpdated(tx, record.subscription, [...changes], previous, actor, realNow, traceparent);
  return record;
}

/** The id of what the service does by itself to a version of a subscription: done once for each version. */
export function systemCommandId(row: SubscriptionRow, what: string): string {
  return `${row.id}/${what}/v${row.version}`;
}

/** The lines that wait for the next renewal. */
export function waitingLines(row: SubscriptionRow): Line[] {
  return row.waiting_lines as unknown as Line[];
}

/** Lines to wait, as columns. */
export function waiting(lines: readonly Line[]): Pick<SubscriptionRow, 'waiting_lines' | 'balance'> {
  return {
    waiting_lines: lines as unknown as SubscriptionRow['waiting_lines'],
    balance: BigInt(lines.reduce((sum, { amount }) => sum + amount, 0)),
  };
}

/** A change to wait, as a column. */
export function pendingColumn(pending: PendingChange | null): Pick<SubscriptionRow, 'pending_change'> {
  return { pending_change: pending as unknown as SubscriptionRow['pending_change'] };
}
