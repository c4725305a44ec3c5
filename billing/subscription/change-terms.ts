/**
 * Applies new terms: the subscription's columns, and the period that another interval begins.
 *
 * Invariant: periods stay contiguous: the present one ends where the new one begins.
 */
import { termChanges, type NewTerms } from '../../domain/subscription/change';
import type { PendingChange } from '../../domain/subscription/facts';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import type { Transaction } from '../../prisma/client';
import type { SubscriptionRow } from '../rows';
import { endPeriodEarly, enqueuePaidPeriod } from './period-store';
import { periodColumns, periodDates } from './period';
import { pendingColumn, type Patch } from './transition';

/**
 * Writes the new period's row, if there is one.
 * @param paymentId what was paid for the change; null: nothing
 * @returns what becomes of the subscription's own row, its money apart
 */
export async function applyTerms(
  tx: Transaction,
  row: SubscriptionRow,
  { terms, pending }: { terms: NewTerms; pending: PendingChange | null },
  paymentId: string | null,
  now: Date,
): Promise<{ patch: Patch; changes: SubscriptionChange[] }> {
  const patch: Patch = {
    ...pendingColumn(pending),
    plan_id: terms.plan_id,
    quantity: terms.quantity,
    amount: BigInt(terms.amount),
    interval_unit: terms.interval.unit,
    interval_count: terms.interval.count,
  };
  const changes = termChanges(row, terms);
  if (terms.new_period === null || row.period_index === null) return { patch, changes };
  const period = { index: row.period_index + 1, ...terms.new_period };
  const { index, start, end } = periodDates(period);
  await endPeriodEarly(tx, row.id, row.period_index, start);
  const { currency } = row;
  const { amount } = terms;
  enqueuePaidPeriod(
    tx,
    { subscription_id: row.id, index, start, end, currency, amount, paid_at: now },
    paymentId,
  );
  return {
    changes,
    patch: {
      ...patch,
      ...periodColumns(period, true),
      billing_anchor: start,
      anchor_period_index: index,
      // A cancellation at the period's end waits for the new period's.
      cancel_at: row.cancel_at === null ? null : end,
    },
  };
}
