/** The rows of a creation, from what it asks for and what it names. */
import type { SubscriptionCreation } from '../../contracts/workflows/commands';
import { computedZone, isTimeZone } from '../../domain/calendar';
import { periodPaymentId } from '../../domain/ids';
import { emptyState, type LedgerState } from '../../domain/ledger/state';
import { periodAmount } from '../../domain/money';
import { named } from '../../domain/subscription/change';
import { firstPeriod, type Period } from '../../domain/subscription/opening';
import { decideBeginning, type Beginning } from '../../domain/subscription/subscription';
import type { Times } from '../clock';
import { traceOfCommand } from '../traces';
import type { CreationTerms, NamedMethod, NamedPlan } from './creation-terms';
import type { NewPayment, NewPeriod } from './period-store';
import type { NewSubscription } from './store';
import { periodDates } from './period';

export interface Terms extends Times {
  trialDays: number;
  plan: NamedPlan;
  testClockId: string | null;
  method: NamedMethod | null;
  beginning: Beginning;
  amount: number;
  /** Whether the customer has credit in some currency. */
  hasCredit: boolean;
  timeZone: string;
  startAt: Date;
}

/** What a creation comes to. Null when what the creation names cannot be used. */
export function termsOf(
  creation: SubscriptionCreation,
  { plan, customer, method, hasCredit, now, realNow }: CreationTerms,
): Terms | null {
  const amount = plan === null ? undefined : periodAmount(plan.amount, creation.quantity);
  if (plan === null || customer === null || customer.erased_at !== null || amount === undefined) {
    return null;
  }
  const timeZone = computedZone(creation.time_zone ?? customer.time_zone);
  if (!isTimeZone(timeZone)) return null;
  const requestedStart = creation.start_at === null ? now : new Date(creation.start_at);
  const startsLater = requestedStart > now;
  const trialDays = creation.trial_days ?? plan.trial_days;
  return {
    now,
    realNow,
    plan,
    method,
    amount,
    hasCredit,
    trialDays,
    testClockId: customer.test_clock_id,
    beginning: decideBeginning(startsLater, trialDays, amount),
    timeZone,
    startAt: startsLater ? requestedStart : now,
  };
}

/** The first period; null: it begins later. */
export function periodOf({ beginning, startAt, timeZone, plan }: Terms): Period | null {
  return firstPeriod(beginning, startAt.toISOString(), timeZone, plan.interval);
}

/** The subscription's row. @param firstPaymentId null: nothing is to be paid now */
export function newRow(
  creation: SubscriptionCreation,
  terms: Terms,
  period: Period | null,
  firstPaymentId: string | null,
): NewSubscription {
  const { beginning, plan, amount, now, realNow } = terms;
  const charged = firstPaymentId !== null;
  const dates = period === null ? null : periodDates(period);
  const trialEnd = beginning.status === 'trialing' ? (dates?.end ?? null) : null;
  return {
    id: creation.subscription_id,
    version: charged ? 0 : 1,
    customer_id: creation.customer_id,
    plan_id: plan.id,
    quantity: creation.quantity,
    status: beginning.status,
    currency: plan.currency,
    amount: BigInt(amount),
    interval_unit: plan.interval.unit,
    interval_count: plan.interval.count,
    time_zone: terms.timeZone,
    billing_anchor: trialEnd ?? terms.startAt,
    start_at: terms.startAt,
    period_index: dates?.index,
    period_start: dates?.start,
    period_end: dates?.end,
    period_paid: period === null ? null : !charged,
    trial_end: trialEnd,
    payment_method_id: creation.payment_method_id,
    provider: terms.method?.provider,
    open_payment_id: firstPaymentId,
    first_payment_id: firstPaymentId,
    retry_policy_id: creation.retry_policy_id ?? 'default',
    test_clock_id: terms.testClockId,
    trial_days: terms.trialDays,
    metadata: creation.metadata ?? {},
    ledger_state: charged || beginning.status !== 'active' ? emptyState : freeState(period),
    next_due_at: charged ? null : (dates?.end ?? terms.startAt),
    created_at: now,
    updated_at: realNow,
  };
}

/** A period that costs nothing runs from the start. */
function freeState(period: Period | null): LedgerState {
  if (period === null) return emptyState;
  const { start, end } = period;
  return { ...emptyState, period: { start, end }, earned_until: start };
}

/** The first period's row. */
export function newPeriod(creation: SubscriptionCreation, terms: Terms, period: Period): NewPeriod {
  return {
    subscription_id: creation.subscription_id,
    ...periodDates(period),
    currency: terms.plan.currency,
    amount: period.index === 0 ? 0 : terms.amount,
    paid_at: terms.beginning.status === 'incomplete' ? null : terms.now,
  };
}

/** The first payment's row. @param charged minor units; `credit` pays beside it */
export function firstPayment(
  creation: SubscriptionCreation,
  { amount, plan, method, now, realNow }: Terms,
  { start, end }: Period,
  { charge: charged, credit }: { charge: number; credit: number },
): NewPayment {
  const period = { start, end };
  const line = (description: string, value: number) =>
    value === 0 ? [] : [{ description, amount: value, period }];
  return {
    id: periodPaymentId(creation.subscription_id, 1),
    kind: 'first',
    customer_id: creation.customer_id,
    amount: charged,
    lines: [
      { description: named(plan, creation.quantity), amount, period },
      ...line('Credit used', 0 - credit),
      ...line('Carried to the next charge', charged + credit - amount),
    ],
    provider: method?.provider ?? null,
    payment_method_id: creation.payment_method_id,
    announced: false,
    trace: traceOfCommand(creation),
    created_at: now,
    updated_at: realNow,
  };
}
