/**
 * Begins a subscription in one transaction: its row, its first period, its first payment and that payment's first
 * attempt, or nothing at all.
 *
 * Invariants:
 * - A repeat continues with what was written.
 * - Later than `accept_by` (database clock) nothing is written.
 * - A subscription without a first payment is concluded here, with its event.
 */
import type { SubscriptionCreation } from '../../contracts/workflows/commands';
import { periodPaymentId } from '../../domain/ids';
import { periodAmount } from '../../domain/money';
import { named } from '../../domain/subscription/change';
import { firstPeriod, type Period } from '../../domain/subscription/opening';
import { decideBeginning, type Beginning } from '../../domain/subscription/subscription';
import { enqueueFirstChange } from './history-store';
import { inTransaction, isUniqueViolation, type Database, type Transaction } from '../../prisma/client';
import type { Times } from '../clock';
import { readCreationTerms, type CreationTerms, type NamedMethod, type NamedPlan } from './creation-terms';
import { insertCreation } from './creation-store';
import { lockPaymentInOrder } from '../locks';
import { enqueuePaidPeriod, enqueuePeriodWithPayment, type NewPayment, type NewPeriod } from './period-store';
import { methodToCharge } from '../payment/retry-facts';
import { findSubscription, insertSubscription, type NewSubscription } from './store';
import type { AttemptedPayment } from '../payment/attempt-store';
import { beginLocked, beginNew, firstCall, newAttempt, type AttemptRequest } from '../payment/begin-attempt';
import { announceCreated } from './events';
import type { BegunCharge } from './charge';
import { periodDates } from './period';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';

/** `charge`: the first payment's first attempt has begun; `concluded`: nothing is left to do for the creation. */
export type BegunCreation =
  | ({ kind: 'charge' } & BegunCharge)
  | { kind: 'concluded'; record: SubscriptionRecord }
  | { kind: 'too_late' };

/** The plan or the customer that the creation names cannot be used any more; a repeat changes nothing. */
export class CreationRefused extends Error {
  override readonly name = 'CreationRefused';
}

/** Begins a creation, or resumes it. @throws CreationRefused */
export async function beginCreation(db: Database, creation: SubscriptionCreation): Promise<BegunCreation> {
  try {
    return (await beginCharged(db, creation)) ?? (await inTransaction(db, (tx) => begin(tx, creation)));
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    // An earlier run wrote it, or another one meanwhile.
    return inTransaction(db, async (tx) => (await resumeIfBegun(tx, creation)) ?? begin(tx, creation));
  }
}

/**
 * Writes the usual case in one statement: a first period that is to be paid, with a known payment method.
 * @returns null when it is another case, or too late: nothing was written
 * @throws when there is such a subscription already (isUniqueViolation)
 */
async function beginCharged(db: Database, creation: SubscriptionCreation): Promise<BegunCreation | null> {
  const terms = termsOf(creation, await readCreationTerms(db, creation, false));
  if (terms === null || terms.method === null || terms.beginning.status !== 'incomplete') return null;
  const period = periodOf(terms);
  if (period === null) return null;
  const payment = firstPayment(creation, terms, period);
  const attempted = attemptedOf(creation, terms, payment);
  const attempt = newAttempt(attempted, firstAttempt(payment.id), terms.method);
  const row = await insertCreation(db, {
    subscription: newRow(creation, terms, period, payment.id),
    period: newPeriod(creation, terms, period),
    payment,
    attempted,
    attempt,
    acceptBy: new Date(creation.accept_by),
  });
  if (row === null) return null;
  return {
    kind: 'charge',
    record: toRecord(row),
    paymentId: payment.id,
    attempt: firstCall(attempted, attempt),
  };
}

async function begin(tx: Transaction, creation: SubscriptionCreation): Promise<BegunCreation> {
  const named = await readCreationTerms(tx, creation, false);
  const terms = termsOf(creation, named);
  if (terms === null || terms.realNow > new Date(creation.accept_by)) {
    const begun = await resumeIfBegun(tx, creation);
    if (begun !== null) return begun;
    if (terms !== null) return { kind: 'too_late' };
    throw new CreationRefused('the plan or the customer cannot be used');
  }
  const period = periodOf(terms);
  if (period !== null && terms.beginning.status === 'incomplete') {
    return charge(tx, creation, terms, period);
  }
  const record = toRecord(await insertSubscription(tx, newRow(creation, terms, period, null)));
  if (period !== null) enqueuePaidPeriod(tx, newPeriod(creation, terms, period), null);
  enqueueFirstChange(tx, record.subscription, {
    commandId: creation.command_id,
    changes: ['created'],
    previous: {},
    actor: creation.actor,
    at: terms.realNow,
  });
  announceCreated(tx, record.subscription, null, terms.realNow, creation.traceparent);
  return { kind: 'concluded', record };
}

/** Resumes what an earlier execution wrote, whatever has become of the names in the creation. Null: it wrote nothing. */
async function resumeIfBegun(tx: Transaction, creation: SubscriptionCreation): Promise<BegunCreation | null> {
  const existing = await findSubscription(tx, creation.subscription_id);
  return existing === null ? null : resumeCreation(tx, existing);
}

/** The rows of a creation whose first period is to be paid, and the first attempt, with what can be charged now. */
async function charge(
  tx: Transaction,
  creation: SubscriptionCreation,
  terms: Terms,
  period: Period,
): Promise<BegunCreation> {
  const payment = firstPayment(creation, terms, period);
  const row = await insertSubscription(tx, newRow(creation, terms, period, payment.id));
  enqueuePeriodWithPayment(tx, newPeriod(creation, terms, period), payment);
  const attempted = attemptedOf(creation, terms, payment);
  const method = terms.method ?? (await methodToCharge(tx, attempted, row));
  const attempt = await beginNew(tx, attempted, firstAttempt(payment.id), method);
  return { kind: 'charge', record: toRecord(row), paymentId: payment.id, attempt };
}

function attemptedOf(
  creation: SubscriptionCreation,
  { plan }: Terms,
  payment: NewPayment,
): AttemptedPayment & Pick<NewPayment, 'payment_method_id'> {
  const amount = BigInt(payment.amount);
  return { ...payment, subscription_id: creation.subscription_id, amount, currency: plan.currency };
}

/** Resumes a creation whose row exists: an earlier execution may have been interrupted anywhere after that. */
export async function resumeCreation(tx: Transaction, row: SubscriptionRow): Promise<BegunCreation> {
  const record = toRecord(row);
  const paymentId = row.first_payment_id;
  if (row.version > 0 || paymentId === null) return { kind: 'concluded', record };
  const locked = await lockPaymentInOrder(tx, paymentId);
  const attempt = await beginLocked(tx, locked, firstAttempt(paymentId), false);
  return { kind: 'charge', record, paymentId, attempt };
}

const firstAttempt = (paymentId: string): AttemptRequest => ({
  payment_id: paymentId,
  number: 1,
  trigger: 'first',
});

interface Terms extends Times {
  trialDays: number;
  plan: NamedPlan;
  testClockId: string | null;
  method: NamedMethod | null;
  beginning: Beginning;
  amount: number;
  timeZone: string;
  startAt: Date;
}

/** Null when what the creation names cannot be used. */
function termsOf(
  creation: SubscriptionCreation,
  { plan, customer, method, now, realNow }: CreationTerms,
): Terms | null {
  const amount = plan === null ? undefined : periodAmount(plan.amount, creation.quantity);
  if (plan === null || customer === null || customer.erased_at !== null || amount === undefined) {
    return null;
  }
  const requestedStart = creation.start_at === null ? now : new Date(creation.start_at);
  const startsLater = requestedStart > now;
  const trialDays = creation.trial_days ?? plan.trial_days;
  return {
    now,
    realNow,
    plan,
    method,
    amount,
    trialDays,
    testClockId: customer.test_clock_id,
    beginning: decideBeginning(startsLater, trialDays, amount),
    timeZone: creation.time_zone ?? customer.time_zone,
    startAt: startsLater ? requestedStart : now,
  };
}

function periodOf({ beginning, startAt, timeZone, plan }: Terms): Period | null {
  return firstPeriod(beginning, startAt.toISOString(), timeZone, plan.interval);
}

/** @param firstPaymentId null: nothing is to be paid now */
function newRow(
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
    metadata: creation.metadata,
    next_due_at: charged ? null : (dates?.end ?? terms.startAt),
    created_at: now,
    updated_at: realNow,
  };
}

function newPeriod(creation: SubscriptionCreation, terms: Terms, period: Period): NewPeriod {
  return {
    subscription_id: creation.subscription_id,
    ...periodDates(period),
    currency: terms.plan.currency,
    amount: period.index === 0 ? 0 : terms.amount,
    paid_at: terms.beginning.status === 'incomplete' ? null : terms.now,
  };
}

function firstPayment(
  creation: SubscriptionCreation,
  { amount, plan, method, now, realNow }: Terms,
  { start, end }: Period,
): NewPayment {
  return {
    id: periodPaymentId(creation.subscription_id, 1),
    kind: 'first',
    customer_id: creation.customer_id,
    amount,
    lines: [{ description: named(plan, creation.quantity), amount, period: { start, end } }],
    provider: method?.provider ?? null,
    payment_method_id: creation.payment_method_id,
    announced: false,
    created_at: now,
    updated_at: realNow,
  };
}
