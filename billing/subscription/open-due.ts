/**
 * What a subscription does when its time has come: begins, ends its trial, opens the next period, resumes, ends.
 *
 * Invariants: judged by the row and the customer's clock, so that a repeated, late or foreign prompt does nothing
 * that is not due; opening a period is no event, a change of state is.
 */
import { trialEnd } from '../../domain/calendar';
import { decideDue, type DueDecision } from '../../domain/subscription/due';
import type { Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../clock';
import { endSubscription } from './end';
import { openPeriod, periodColumns } from './period';
import { toFacts } from '../rows';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import {
  lockOrThrow,
  subscriptionService as actor,
  systemCommandId,
  writeUpdated,
  writeVersion,
  type ChangeContext,
  type Patch,
} from './transition';

/** `early`: to be asked again after `wait_ms`. */
export type OpenedDue =
  | { kind: 'done'; record: SubscriptionRecord }
  | { kind: 'early'; record: SubscriptionRecord; wait_ms: number };

export async function openDue(tx: Transaction, subscriptionId: string): Promise<OpenedDue> {
  const { row, realNow } = await lockOrThrow(tx, subscriptionId);
  const times = await timesFor(tx, row.test_clock_id, realNow);
  const decision = decideDue(toFacts(row), times.now.toISOString());
  if (decision.kind === 'early') return early(row, decision.at, times.now);
  return { kind: 'done', record: await execute(tx, row, decision, times) };
}

function early(row: SubscriptionRow, at: string, now: Date): OpenedDue {
  const record = toRecord(row);
  // A test clock speaks again when it gets there.
  if (row.test_clock_id !== null) return { kind: 'done', record };
  return { kind: 'early', record, wait_ms: Date.parse(at) - now.getTime() };
}

async function execute(
  tx: Transaction,
  row: SubscriptionRow,
  decision: Exclude<DueDecision, { kind: 'early' }>,
  times: Times,
): Promise<SubscriptionRecord> {
  const context: ChangeContext = { ...times, commandId: systemCommandId(row, 'due'), changes: [], actor };
  switch (decision.kind) {
    case 'nothing':
      return toRecord(row);
    case 'cancel':
      return endSubscription(tx, row, { mode: 'period_end', refund: 'none', reason: null }, context);
    case 'begin_trial':
      return beginTrial(tx, row, decision.days, context);
    case 'carry_on':
      return resume(tx, row, decision.status, context);
    case 'open_period':
      return openNext(tx, row, decision, context);
  }
}

/** A pause ends, and the period in progress goes on. */
export function resume(
  tx: Transaction,
  row: SubscriptionRow,
  status: 'active' | 'past_due',
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const patch = { status, paused_at: null, resume_at: null, paused_from: null };
  return writeUpdated(tx, row, patch, { ...context, changes: ['resumed'] });
}

/** The next period opens; its payment is to be attempted when the record names one. */
export async function openNext(
  tx: Transaction,
  row: SubscriptionRow,
  decision: Extract<DueDecision, { kind: 'open_period' }>,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const { patch, changes } = await openPeriod(tx, row, decision, context);
  if (changes.length > 0) return writeUpdated(tx, row, patch, { ...context, changes });
  return (await writeVersion(tx, row, patch, context)).record;
}

async function beginTrial(
  tx: Transaction,
  row: SubscriptionRow,
  days: number,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const end = new Date(trialEnd(row.start_at.toISOString(), row.time_zone, days));
  const period = { index: 0, start: row.start_at, end };
  await tx.subscriptionPeriod.create({
    data: { subscription_id: row.id, ...period, currency: row.currency, amount: 0, paid_at: context.now },
  });
  const patch: Patch = {
    ...periodColumns(period, true),
    status: 'trialing',
    trial_end: end,
    billing_anchor: end,
    anchor_period_index: 1,
  };
  return writeUpdated(tx, row, patch, { ...context, changes: ['started'] });
}
