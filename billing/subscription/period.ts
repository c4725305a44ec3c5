/**
 * Opens a period: writes its rows as the domain decides, and says what becomes of the subscription's own row.
 *
 * Invariant: a period has at most one payment, whose id follows from its index; a period that costs nothing is paid at
 * once and has none.
 */
import { periodPaymentId } from '../../domain/ids';
import {
  decideOpening,
  nextPlanId,
  type OpenedPeriod,
  type Opening,
  type Period,
} from '../../domain/subscription/opening';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import type { Transaction } from '../../prisma/client';
import type { Times } from '../clock';
import { toFacts, toPlanTerms, type SubscriptionRow } from '../rows';
import { enqueuePaidPeriod, enqueuePeriodWithPayment } from './period-store';
import { findPlanOrThrow } from './store';
import { pendingColumn, waitingColumns, type Patch } from './transition';

/** Writes the period's and the payment's rows. @returns what becomes of the subscription's own row */
export async function openPeriod(
  tx: Transaction,
  row: SubscriptionRow,
  opening: Opening,
  times: Times,
): Promise<{ patch: Patch; changes: SubscriptionChange[] }> {
  const facts = toFacts(row);
  const plan = toPlanTerms(await findPlanOrThrow(tx, nextPlanId(facts)));
  const opened = decideOpening(facts, plan, row.waiting_lines, opening);
  const paymentId = opened.charge > 0 ? periodPaymentId(row.id, opened.period.index) : null;
  writeRows(tx, row, opened, paymentId, times);
  const { period, terms, carried, changes } = opened;
  return {
    changes,
    patch: {
      ...(terms !== null && {
        plan_id: terms.plan_id,
        quantity: terms.quantity,
        amount: BigInt(terms.amount),
        interval_unit: terms.interval.unit,
        interval_count: terms.interval.count,
      }),
      ...pendingColumn(null),
      ...waitingColumns(carried),
      ...(opening.newAnchor !== null && {
        billing_anchor: new Date(opening.newAnchor),
        anchor_period_index: opening.index,
      }),
      ...periodColumns(period, paymentId === null),
      status: 'active',
      open_payment_id: paymentId,
      paused_at: null,
      resume_at: null,
      paused_from: null,
    },
  };
}

function writeRows(
  tx: Transaction,
  row: SubscriptionRow,
  { period, amount, charge, lines }: OpenedPeriod,
  paymentId: string | null,
  { now, realNow }: Times,
): void {
  const { id: subscription_id, customer_id, currency } = row;
  const written = { subscription_id, ...periodDates(period), currency, amount };
  if (paymentId === null) return enqueuePaidPeriod(tx, { ...written, paid_at: now }, null);
  enqueuePeriodWithPayment(
    tx,
    { ...written, paid_at: null },
    {
      id: paymentId,
      kind: 'renewal',
      customer_id,
      amount: charge,
      lines,
      // The subscription's payment method at the time of the charge.
      provider: null,
      payment_method_id: null,
      announced: true,
      created_at: now,
      updated_at: realNow,
    },
  );
}

/** A period with its instants as dates. */
export function periodDates({ index, start, end }: Period): { index: number; start: Date; end: Date } {
  return { index, start: new Date(start), end: new Date(end) };
}

/** A period as the subscription's columns. */
export function periodColumns(period: Period, paid: boolean) {
  const { index, start, end } = periodDates(period);
  return { period_index: index, period_start: start, period_end: end, period_paid: paid };
}
