/**
 * New terms taking effect: the subscription's columns, and the period that another interval begins.
 *
 * Invariant: periods stay contiguous: the present one ends where the new one begins.
 */
import type { Line } from '../../domain/subscription/proration';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import type { NewTerms } from '../../domain/subscription/change';
import type { Transaction } from '../../prisma/client';
import { periodColumns, termChanges, type Period } from './period';
import type { SubscriptionRow } from './record';
import { pendingColumn, waiting, waitingLines, type Patch } from './transition';

export interface TermsChange {
  terms: NewTerms;
  /** What is settled with the next renewal. */
  waiting: Line[];
  /** What was paid for the change; null: nothing. */
  payment_id: string | null;
}

/** Writes the new period's row, if there is one. @returns what becomes of the subscription's own row */
export async function termsPatch(
  tx: Transaction,
  row: SubscriptionRow,
  { terms, waiting: lines, payment_id: paymentId }: TermsChange,
  now: Date,
): Promise<{ patch: Patch; changes: SubscriptionChange[] }> {
  const patch: Patch = {
    ...pendingColumn(null),
    ...waiting([...waitingLines(row), ...lines]),
    plan_id: terms.plan_id,
    quantity: terms.quantity,
    amount: BigInt(terms.amount),
    interval_unit: terms.interval.unit,
    interval_count: terms.interval.count,
  };
  const changes = termChanges(row, terms.plan_id, terms.quantity);
  if (terms.new_period === null || row.period_index === null) return { patch, changes };
  const period: Period = {
    index: row.period_index + 1,
    start: new Date(terms.new_period.start),
    end: new Date(terms.new_period.end),
  };
  await tx.subscriptionPeriod.update({
    where: { subscription_id_index: { subscription_id: row.id, index: row.period_index } },
    data: { end: period.start },
  });
  await tx.subscriptionPeriod.create({
    data: {
      subscription_id: row.id,
      ...period,
      currency: row.currency,
      amount: terms.amount,
      paid_at: now,
      payment_id: paymentId,
    },
  });
  return {
    changes,
    patch: {
      ...patch,
      ...periodColumns(period, true),
      billing_anchor: period.start,
      anchor_period_index: period.index,
      // A cancellation at the period's end waits for the new period's.
      cancel_at: row.cancel_at === null ? null : period.end,
    },
  };
}
