/**
 * Does what a subscription is due for: it begins, ends its trial, opens the next period, is past due, resumes, or ends.
 *
 * Invariants: decided by the row and the customer's clock, so that a repeated, late or foreign prompt does nothing
 * that is not due; opening a period publishes no event, a change of state does.
 */
import { decideDue, nextDue, type DueDecision } from '../../domain/subscription/due';
import { trialPeriod } from '../../domain/subscription/opening';
import { renewalTrace, type TraceContext } from '../../domain/trace';
import type { Transaction } from '../../prisma/client';
import { timesFor } from '../clock';
import type { LimitsOf } from '../ledger/limits';
import { applyUnapplied } from './apply-payment';
import { endSubscription } from './end';
import { openPeriod, periodColumns, periodDates } from './period';
import { enqueuePauseEnd, openAttemptBegunAt } from './payment-store';
import { enqueuePaidPeriod } from './period-store';
import { toFacts } from '../rows';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import {
  lockWithUnapplied,
  subscriptionService as actor,
  systemCommandId,
  writeUpdated,
  writeVersion,
  type ChangeContext,
  type MoneyContext,
  type Patch,
} from './transition';

/**
 * `early`: to be repeated after `wait_ms`. `resumed`: a pause has ended.
 * `did`: what it was due for; `shows`: it has another status or other terms than the row that was locked.
 */
export type OpenedDue = { record: SubscriptionRecord; shows: boolean; resumed?: true } & (
  { kind: 'done'; did: DueDecision['kind'] } | { kind: 'early'; wait_ms: number }
);

/** What has a subscription look whether it is due. */
export interface DuePrompt {
  /** That it brought; null: that of the renewal, the same for every prompt. */
  trace: TraceContext | null;
  /** The renewal run that it comes from; left out: none. */
  renewalRunId?: string;
}

export async function openDue(
  tx: Transaction,
  subscriptionId: string,
  limitsOf: LimitsOf,
  { trace, renewalRunId }: DuePrompt = { trace: null },
): Promise<OpenedDue> {
  const { unapplied, ...locked } = await lockWithUnapplied(tx, subscriptionId);
  const times = await timesFor(tx, locked.row.test_clock_id, locked.realNow);
  const context = { ...times, limitsOf };
  const row = await applyUnapplied(tx, locked.row, unapplied, context);
  const facts = toFacts(row);
  const decision = decideDue(facts, times.now.toISOString());
  const showsBefore = showsOtherwise(locked.row, row);
  if (decision.kind === 'early') return { ...early(row, decision.at, times.now), shows: showsBefore };
  if (decision.kind === 'past_due') {
    const waitMs = await untilAnsweredMs(tx, row, locked.realNow);
    if (waitMs > 0) return { kind: 'early', record: toRecord(row), wait_ms: waitMs, shows: showsBefore };
  }
  const own = renewalTrace(row.id, nextDue(facts)?.period_index ?? 0);
  const record = await execute(tx, row, decision, { ...context, trace: trace ?? own, renewalRunId });
  const isResumed = row.status === 'paused' && ['active', 'past_due'].includes(record.subscription.status);
  const shows = showsBefore || showsOtherwise(row, record.subscription);
  return { kind: 'done', did: decision.kind, shows, record, ...(isResumed && { resumed: true }) };
}

type Shown = Pick<SubscriptionRow, 'status' | 'plan_id'> & { amount: bigint | number };

/** Whether its process shows another status or other terms afterwards. */
export function showsOtherwise(before: Shown, after: Shown): boolean {
  return (
    before.status !== after.status ||
    before.plan_id !== after.plan_id ||
    Number(before.amount) !== Number(after.amount)
  );
}

/** So long a first attempt's call may be under way: its answer says whether the period is paid. */
const answeredWithinMs = 15_000;

/** Milliseconds until the call for the open period is certainly over; not positive: none is under way. */
async function untilAnsweredMs(tx: Transaction, row: SubscriptionRow, realNow: Date): Promise<number> {
  const begunAt = row.open_payment_id === null ? null : await openAttemptBegunAt(tx, row.open_payment_id);
  return begunAt === null ? 0 : begunAt.getTime() + answeredWithinMs - realNow.getTime();
}

function early(
  row: SubscriptionRow,
  at: string,
  now: Date,
): { record: SubscriptionRecord } & ({ kind: 'done'; did: 'nothing' } | { kind: 'early'; wait_ms: number }) {
  const record = toRecord(row);
  // A test clock prompts again when it gets there.
  if (row.test_clock_id !== null) return { kind: 'done', did: 'nothing', record };
  return { kind: 'early', record, wait_ms: Date.parse(at) - now.getTime() };
}

async function execute(
  tx: Transaction,
  row: SubscriptionRow,
  decision: Exclude<DueDecision, { kind: 'early' }>,
  base: MoneyContext & Pick<ChangeContext, 'trace' | 'renewalRunId'>,
): Promise<SubscriptionRecord> {
  const context: ChangeContext = { ...base, commandId: systemCommandId(row, 'due'), changes: [], actor };
  switch (decision.kind) {
    case 'nothing':
      return toRecord(row);
    case 'cancel':
      return endScheduled(tx, row, context);
    case 'begin_trial':
      return beginTrial(tx, row, decision.days, context);
    case 'past_due':
      return writeUpdated(tx, row, { status: 'past_due' }, { ...context, changes: ['past_due'] }).record;
    case 'carry_on':
      return continuePeriod(tx, row, decision.status, context);
    case 'open_period':
      return openNext(tx, row, decision, context);
  }
}

/** The refund is counted for the instant that the cancellation was scheduled for, however late this runs. */
async function endScheduled(
  tx: Transaction,
  row: SubscriptionRow,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const ending = { mode: 'period_end', refund: row.cancel_refund ?? 'none', reason: null } as const;
  return (await endSubscription(tx, row, ending, context, row.cancel_at ?? context.now)).record;
}

/** Ends a pause; the period in progress continues. */
export function continuePeriod(
  tx: Transaction,
  row: SubscriptionRow,
  status: 'active' | 'past_due',
  context: ChangeContext,
): SubscriptionRecord {
  enqueuePauseEnd(tx, row, context.now);
  const patch = { status, paused_at: null, resume_at: null, paused_from: null };
  return writeUpdated(tx, row, patch, { ...context, changes: ['resumed'] }).record;
}

/** Opens the next period; its payment is to be attempted when the record names one. */
export async function openNext(
  tx: Transaction,
  row: SubscriptionRow,
  decision: Extract<DueDecision, { kind: 'open_period' }>,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  if (decision.cause === 'resume') enqueuePauseEnd(tx, row, context.now);
  const { patch, changes } = await openPeriod(tx, row, decision, context);
  if (changes.length === 0) return writeVersion(tx, row, patch, context).record;
  return writeUpdated(tx, row, patch, { ...context, changes }).record;
}

function beginTrial(
  tx: Transaction,
  row: SubscriptionRow,
  days: number,
  context: ChangeContext,
): SubscriptionRecord {
  const period = trialPeriod(row.start_at.toISOString(), row.time_zone, days);
  const { index, start, end } = periodDates(period);
  const { id: subscription_id, currency } = row;
  enqueuePaidPeriod(
    tx,
    { subscription_id, index, start, end, currency, amount: 0, paid_at: context.now },
    null,
  );
  const patch: Patch = {
    ...periodColumns(period, true),
    status: 'trialing',
    trial_end: end,
    billing_anchor: end,
    anchor_period_index: 1,
  };
  return writeUpdated(tx, row, patch, { ...context, changes: ['started'] }).record;
}
