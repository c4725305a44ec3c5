/**
 * Opens a period: writes its rows and its money as the domain decides, and says what becomes of the subscription's row.
 *
 * Invariant: a period has at most one payment, whose id follows from its index; a period that needs no charge is paid at
 * once and has none.
 */
import { periodPaymentId } from '../../domain/ids';
import { creditOf } from '../../domain/ledger/credit';
import { openPeriod as openMoney, type OpenedMoney } from '../../domain/ledger/period';
import {
  decideOpening,
  nextPlanId,
  openingLines,
  type OpenedPeriod,
  type Opening,
  type Period,
} from '../../domain/subscription/opening';
import type { Line } from '../../domain/subscription/proration';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import type { Transaction } from '../../prisma/client';
import { enqueueUsedCredit, lockUsableCredit } from '../ledger/credit';
import type { UsableCredit } from '../../domain/ledger/spend';
import { totalOf, type LedgerState } from '../../domain/ledger/state';
import { ledgerOf } from '../ledger/opening';
import { moneyColumns } from '../ledger/money-columns';
import { enqueuePosting } from '../ledger/post';
import { enqueueCancelRequest } from './payment-store';
import { toFacts, toPlanTerms, type SubscriptionRow } from '../rows';
import { enqueuePaidPeriod, enqueuePeriodWithPayment } from './period-store';
import { findPlanAndPayer } from './store';
import { pendingColumn, type ChangeContext, type Patch } from './transition';

/** Writes the period's and the payment's rows. @returns what becomes of the subscription's own row */
export async function openPeriod(
  tx: Transaction,
  row: SubscriptionRow,
  opening: Opening,
  context: ChangeContext,
): Promise<{ patch: Patch; changes: SubscriptionChange[] }> {
  const facts = toFacts(row);
  const state = await ledgerOf(tx, row, context);
  dropUnpaidChange(tx, row, context);
  const { plan: planRow, hasCredit, provider } = await findPlanAndPayer(tx, nextPlanId(facts), row);
  const credit = await usableCredit(tx, row, state, hasCredit);
  const opened = decideOpening(facts, toPlanTerms(planRow), opening);
  const { period, terms } = opened;
  const paymentId = periodPaymentId(row.id, period.index);
  const money = openMoney(state, {
    period,
    price: opened.amount,
    paymentId,
    credit,
    limits: context.limitsOf(provider, row.currency),
    pausedAt: opening.cause === 'resume' ? (row.paused_at?.toISOString() ?? null) : null,
  });
  enqueueUsedCredit(tx, row, credit, money.customerCredit);
  const charged = money.charge > 0 ? paymentId : null;
  const { lines, carried } = openingLines(opened, row.waiting_lines, linesOf(money));
  writeRows(tx, row, opened, { charge: money.charge, lines, paymentId: charged }, context);
  enqueuePosting(tx, row, money, causeOf(row, period, charged, context), context);
  return {
    changes: [...opened.changes, ...(charged === null ? (['renewed'] as const) : [])],
    patch: {
      ...(terms !== null && {
        plan_id: terms.plan_id,
        quantity: terms.quantity,
        amount: BigInt(terms.amount),
        interval_unit: terms.interval.unit,
        interval_count: terms.interval.count,
      }),
      ...pendingColumn(null),
      ...moneyColumns(money.state, carried, context.now),
      ...(opened.newAnchor !== null && {
        billing_anchor: new Date(opened.newAnchor),
        anchor_period_index: opening.index,
      }),
      ...periodColumns(period, charged === null),
      status: 'active',
      open_payment_id: charged,
      paused_at: null,
      resume_at: null,
      paused_from: null,
    },
  };
}

/** Locks the customer's credit only where there is any: most periods are paid by their payment alone. */
async function usableCredit(
  tx: Transaction,
  row: SubscriptionRow,
  state: LedgerState,
  hasCredit: boolean,
): Promise<UsableCredit> {
  const hasOwn = totalOf(state, 'credit') + totalOf(state, 'held') > 0;
  return hasCredit || hasOwn ? lockUsableCredit(tx, row, state) : { customer: [], blocked: [] };
}

/** A change that was not paid before its period ended is overtaken: should its charge still succeed, it goes back. */
function dropUnpaidChange(tx: Transaction, row: SubscriptionRow, { realNow }: ChangeContext): void {
  const paymentId = row.pending_change?.payment_id ?? null;
  if (paymentId !== null) enqueueCancelRequest(tx, paymentId, 'change_overtaken', realNow);
}

function linesOf({ charge, customerCredit, balance }: OpenedMoney) {
  const customerCreditUsed = creditOf(customerCredit);
  return { charge, customerCreditUsed, balance };
}

function causeOf(
  row: SubscriptionRow,
  { index, start }: Period,
  paymentId: string | null,
  { actor }: ChangeContext,
) {
  const at = new Date(start);
  return {
    id: `${row.id}/period/${index}`,
    kind: 'period_opened' as const,
    actor,
    at,
    periodIndex: index,
    paymentId,
  };
}

function writeRows(
  tx: Transaction,
  row: SubscriptionRow,
  { period, amount }: OpenedPeriod,
  { charge, lines, paymentId }: { charge: number; lines: Line[]; paymentId: string | null },
  { now, realNow, trace, renewalRunId }: ChangeContext,
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
      trace,
      renewal_run_id: renewalRunId,
      created_at: now,
      updated_at: realNow,
    },
  );
}

/** Since when a subscription is paused; null: it is not. */
export function pausedSince({
  status,
  paused_at,
}: Pick<SubscriptionRow, 'status' | 'paused_at'>): string | null {
  return status === 'paused' ? (paused_at?.toISOString() ?? null) : null;
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
