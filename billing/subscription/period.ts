/**
 * Opening a period: its dates, its price with everything that waits, its payment.
 *
 * Invariants: a period begins where the one before it ended, save after a pause or with a new anchor; it has at most
 * one payment, whose id follows from its index; what costs nothing is paid at once and has none.
 */
import { periodAt, type Interval } from '../../domain/calendar';
import { periodPaymentId } from '../../domain/ids';
import { periodAmount } from '../../domain/money';
import { applyBalance, type Line } from '../../domain/subscription/proration';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import { named } from '../../domain/subscription/change';
import type { DueDecision } from '../../domain/subscription/due';
import type { Transaction } from '../../prisma/client';
import type { Times } from '../clock';
import { insertPeriod, type NewPayment } from './periods';
import type { SubscriptionRow } from './record';
import { toFacts } from '../rows';
import { pendingColumn, waiting, waitingLines, type Patch } from './transition';

/** A period of a subscription, from `start`, included, to `end`, excluded. */
export interface Period {
  index: number;
  start: Date;
  end: Date;
}

type Opening = Extract<DueDecision, { kind: 'open_period' }>;

export interface OpenedPeriod {
  patch: Patch;
  changes: SubscriptionChange[];
}

/** Writes the period's and the payment's rows. @returns what becomes of the subscription's own row */
export async function openPeriod(
  tx: Transaction,
  row: SubscriptionRow,
  opening: Opening,
  { now, realNow }: Times,
): Promise<OpenedPeriod> {
  const terms = await termsOf(tx, row);
  const period = datesOf(row, opening);
  const due = applyBalance(terms.amount, Number(row.balance));
  const paymentId = due.charge > 0 ? periodPaymentId(row.id, period.index) : null;
  const own: Line = {
    description: named(terms.plan, terms.quantity),
    amount: terms.amount,
    period: { start: period.start.toISOString(), end: period.end.toISOString() },
  };
  const payment: NewPayment | null =
    paymentId === null
      ? null
      : {
          id: paymentId,
          kind: 'renewal',
          customer_id: row.customer_id,
          amount: due.charge,
          lines: [own, ...waitingLines(row)],
          // Of what the subscription has when it is charged.
          provider: null,
          payment_method_id: null,
          announced: true,
          created_at: now,
          updated_at: realNow,
        };
  insertPeriod(
    tx,
    {
      subscription_id: row.id,
      ...period,
      currency: row.currency,
      amount: terms.amount,
      paid_at: payment === null ? now : null,
    },
    payment,
  );
  const carried: Line[] =
    due.balance === 0
      ? []
      : [{ description: 'Credit carried over', amount: due.balance, period: own.period }];
  return {
    changes: changesOf(opening, terms.changes, paymentId === null),
    patch: {
      ...terms.patch,
      ...pendingColumn(null),
      ...waiting(carried),
      ...anchorOf(opening),
      ...periodColumns(period, paymentId === null),
      status: 'active',
      open_payment_id: paymentId,
      paused_at: null,
      resume_at: null,
      paused_from: null,
    },
  };
}

/** A period as the subscription's columns. */
export function periodColumns(period: Period, paid: boolean) {
  return {
    period_index: period.index,
    period_start: period.start,
    period_end: period.end,
    period_paid: paid,
  };
}

function datesOf(row: SubscriptionRow, { index, newAnchor, cause }: Opening): Period {
  const { interval, time_zone: zone } = toFacts(row);
  const anchor = newAnchor ?? row.billing_anchor.toISOString();
  const first = newAnchor === null ? row.anchor_period_index : index;
  const { start, end } = periodAt(anchor, zone, interval, index - first);
  // Time-zone data may have changed since the last period was opened; periods stay contiguous all the same.
  const from = cause === 'period_end' && row.period_end !== null ? row.period_end : new Date(start);
  return { index, start: from, end: new Date(end) };
}

function anchorOf({ newAnchor, index }: Opening): Patch {
  return newAnchor === null ? {} : { billing_anchor: new Date(newAnchor), anchor_period_index: index };
}

function changesOf(opening: Opening, ofTerms: SubscriptionChange[], paid: boolean): SubscriptionChange[] {
  const byCause: Partial<Record<Opening['cause'], SubscriptionChange>> = {
    start: 'started',
    trial_end: 'trial_ended',
    resume: 'resumed',
  };
  const own = byCause[opening.cause];
  return [...(own === undefined ? [] : [own]), ...ofTerms, ...(paid ? (['renewed'] as const) : [])];
}

interface OpenedTerms {
  plan: { name: string };
  quantity: number;
  amount: number;
  patch: Patch;
  changes: SubscriptionChange[];
}

/** What the period sells: a change that waited for it takes effect now. */
async function termsOf(tx: Transaction, row: SubscriptionRow): Promise<OpenedTerms> {
  const pending = toFacts(row).pending_change;
  const waits = pending?.effective === 'period_end' ? pending : null;
  const plan = await tx.plan.findUniqueOrThrow({ where: { id: waits?.plan_id ?? row.plan_id } });
  const quantity = waits?.quantity ?? row.quantity;
  if (waits === null) {
    return { plan, quantity, amount: Number(row.amount), patch: {}, changes: [] };
  }
  const amount = periodAmount(Number(plan.amount), quantity);
  if (amount === undefined) throw new Error(`the pending change of ${row.id} is too large`);
  return {
    plan,
    quantity,
    amount,
    patch: {
      plan_id: plan.id,
      quantity,
      amount: BigInt(amount),
      interval_unit: plan.interval_unit as Interval['unit'],
      interval_count: plan.interval_count,
    },
    changes: termChanges(row, plan.id, quantity),
  };
}

/** What of the terms is another one now. */
export function termChanges(row: SubscriptionRow, planId: string, quantity: number): SubscriptionChange[] {
  return [
    ...(planId === row.plan_id ? [] : (['plan_changed'] as const)),
    ...(quantity === row.quantity ? [] : (['quantity_changed'] as const)),
  ];
}
