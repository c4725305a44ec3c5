/**
 * The first transaction of a subscription: its row, its first period and its first payment, or nothing at all.
 *
 * Invariants: repeated, it finds what it wrote; later than `accept_by` (database clock) it writes nothing; a
 * subscription without a first payment is concluded here, with its event.
 */
import { ApplicationFailure } from '@temporalio/activity';
import type { SubscriptionCreation } from '../../contracts/commands';
import { boundary, trialEnd, type Interval } from '../../domain/calendar';
import { periodPaymentId } from '../../domain/ids';
import { periodAmount } from '../../domain/money';
import { decideBeginning, type Beginning } from '../../domain/subscription';
import { recordChange } from '../../prisma/changes';
import { inTransaction, isUniqueViolation, type Database, type Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../../prisma/clock';
import type { Prisma } from '../../prisma/generated/client';
import { insertPeriod, type NewPayment } from '../../prisma/insert-period';
import { announceCreated } from './announce';
import type { Period } from './period';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';

/** `charge`: the first payment is to be attempted; `concluded`: nothing is left to do for the creation. */
export type BegunCreation =
  { kind: 'charge' | 'concluded'; record: SubscriptionRecord } | { kind: 'too_late' };

/** @throws ApplicationFailure `validation_failed`, not retryable, when what the creation names is gone */
export async function beginCreation(db: Database, creation: SubscriptionCreation): Promise<BegunCreation> {
  try {
    return await begin(db, creation);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    // Another execution wrote it meanwhile.
    return begin(db, creation);
  }
}

async function begin(db: Database, creation: SubscriptionCreation): Promise<BegunCreation> {
  return inTransaction(db, async (tx) => {
    const existing = await tx.subscription.findUnique({ where: { id: creation.subscription_id } });
    if (existing !== null) {
      return { kind: existing.version === 0 ? 'charge' : 'concluded', record: toRecord(existing) };
    }
    const customer = await tx.customer.findUnique({ where: { id: creation.customer_id } });
    const { now, realNow } = await timesFor(tx, customer?.test_clock_id ?? null);
    if (realNow > new Date(creation.accept_by)) return { kind: 'too_late' };
    const terms = await readTerms(tx, creation, customer, now);
    const row = await insert(tx, creation, terms, { now, realNow });
    const record = toRecord(row);
    if (terms.beginning.status === 'incomplete') return { kind: 'charge', record };
    await recordChange(tx, record.subscription, {
      commandId: creation.command_id,
      changes: ['created'],
      previous: {},
      actor: creation.actor,
      at: realNow,
    });
    await announceCreated(tx, record.subscription, null, realNow, creation.traceparent);
    return { kind: 'concluded', record };
  });
}

interface Terms {
  trialDays: number;
  plan: Prisma.PlanGetPayload<object>;
  customer: Prisma.CustomerGetPayload<object>;
  paymentMethod: Prisma.PaymentMethodGetPayload<object> | null;
  beginning: Beginning;
  amount: number;
  timeZone: string;
  interval: Interval;
  startAt: Date;
}

async function readTerms(
  tx: Transaction,
  creation: SubscriptionCreation,
  customer: Terms['customer'] | null,
  now: Date,
): Promise<Terms> {
  const plan = await tx.plan.findUnique({ where: { id: creation.plan_id } });
  const amount = plan === null ? undefined : periodAmount(Number(plan.amount), creation.quantity);
  if (plan === null || customer === null || customer.erased_at !== null || amount === undefined) {
    throw ApplicationFailure.nonRetryable('the plan or the customer cannot be used', 'validation_failed');
  }
  const paymentMethod =
    creation.payment_method_id === null
      ? null
      : await tx.paymentMethod.findFirst({
          where: { id: creation.payment_method_id, customer_id: customer.id, deleted_at: null },
        });
  const wantedStart = creation.start_at === null ? now : new Date(creation.start_at);
  const startsLater = wantedStart > now;
  const trialDays = creation.trial_days ?? plan.trial_days;
  return {
    plan,
    customer,
    paymentMethod,
    amount,
    trialDays,
    beginning: decideBeginning(startsLater, trialDays, amount),
    timeZone: creation.time_zone ?? customer.time_zone,
    interval: { unit: plan.interval_unit as Interval['unit'], count: plan.interval_count },
    startAt: startsLater ? wantedStart : now,
  };
}

function firstPeriod(terms: Terms): Period | null {
  const start = terms.startAt.toISOString();
  switch (terms.beginning.status) {
    case 'scheduled':
      return null;
    case 'trialing':
      return {
        index: 0,
        start: terms.startAt,
        end: new Date(trialEnd(start, terms.timeZone, terms.beginning.trialDays)),
      };
    case 'active':
    case 'incomplete':
      return {
        index: 1,
        start: terms.startAt,
        end: new Date(boundary(start, terms.timeZone, terms.interval, 1)),
      };
  }
}

async function insert(
  tx: Transaction,
  creation: SubscriptionCreation,
  terms: Terms,
  times: Times,
): Promise<SubscriptionRow> {
  const { now, realNow } = times;
  const { beginning, plan, amount } = terms;
  const period = firstPeriod(terms);
  const charged = beginning.status === 'incomplete';
  const paymentId = charged ? periodPaymentId(creation.subscription_id, 1) : null;
  const row = await tx.subscription.create({
    data: {
      id: creation.subscription_id,
      version: charged ? 0 : 1,
      customer_id: creation.customer_id,
      plan_id: plan.id,
      quantity: creation.quantity,
      status: beginning.status,
      currency: plan.currency,
      amount,
      interval_unit: plan.interval_unit,
      interval_count: plan.interval_count,
      time_zone: terms.timeZone,
      billing_anchor: period !== null && beginning.status === 'trialing' ? period.end : terms.startAt,
      start_at: terms.startAt,
      period_index: period?.index,
      period_start: period?.start,
      period_end: period?.end,
      period_paid: period === null ? null : !charged,
      trial_end: beginning.status === 'trialing' ? period?.end : null,
      payment_method_id: creation.payment_method_id,
      provider: terms.paymentMethod?.provider,
      open_payment_id: paymentId,
      first_payment_id: paymentId,
      retry_policy_id: creation.retry_policy_id ?? 'default',
      test_clock_id: terms.customer.test_clock_id,
      trial_days: terms.trialDays,
      metadata: creation.metadata,
      next_due_at: charged ? null : (period?.end ?? terms.startAt),
      created_at: now,
      updated_at: realNow,
    },
  });
  if (period === null) return row;
  await insertPeriod(
    tx,
    {
      subscription_id: creation.subscription_id,
      ...period,
      currency: plan.currency,
      amount: period.index === 0 ? 0 : amount,
      paid_at: charged ? null : now,
    },
    paymentId === null ? null : firstPayment(creation, terms, period, paymentId, times),
  );
  return row;
}

function firstPayment(
  creation: SubscriptionCreation,
  { amount, plan, paymentMethod }: Terms,
  period: Period,
  id: string,
  { now, realNow }: Times,
): NewPayment {
  const dates = { start: period.start.toISOString(), end: period.end.toISOString() };
  return {
    id,
    kind: 'first',
    customer_id: creation.customer_id,
    amount,
    lines: [{ description: `${plan.name} × ${creation.quantity}`, amount, period: dates }],
    provider: paymentMethod?.provider ?? null,
    payment_method_id: creation.payment_method_id,
    announced: false,
    created_at: now,
    updated_at: realNow,
  };
}
