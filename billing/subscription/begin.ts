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
import { beginFirstPeriod, type BegunFirstPeriod } from '../../domain/ledger/first-period';
import { emptyState } from '../../domain/ledger/state';
import { floorToStep } from '../../domain/money';
import type { Period } from '../../domain/subscription/opening';
import { enqueueFirstChange } from './history-store';
import { inTransaction, isUniqueViolation, type Database, type Transaction } from '../../prisma/client';
import { readCreationTerms } from './creation-terms';
import { toSubscription } from '../rows';
import { firstPayment, newPeriod, newRow, periodOf, termsOf, type Terms } from './creation-rows';
import { insertCreation } from './creation-store';
import { enqueueUsedCredit, lockUsableCredit } from '../ledger/credit';
import { limitsOfProviders, type LimitsOf } from '../ledger/limits';
import { moneyColumns } from '../ledger/money-columns';
import { enqueuePosting } from '../ledger/post';
import { enqueueErasureBarrier, lockPaymentInOrder } from '../locks';
import type { AttemptDependencies } from '../payment/attempt';
import { enqueuePaidPeriod, enqueuePeriodWithPayment, type NewPayment } from './period-store';
import { methodToCharge } from '../payment/card-store';
import { findSubscription, insertSubscription, type NewSubscription } from './store';
import type { AttemptedPayment } from '../payment/attempt-store';
import {
  beginLocked,
  beginNew,
  firstCall,
  newAttempt,
  type AttemptRequest,
  type ChargedMethod,
} from '../payment/begin-attempt';
import { announceCreated } from './events';
import { traceOfCommand } from '../traces';
import type { BegunCharge } from './charge';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';

/** `charge`: the first payment's first attempt has begun; `concluded`: nothing is left to do for the creation. */
export type BegunCreation =
  | ({ kind: 'charge' } & BegunCharge)
  | { kind: 'concluded'; record: SubscriptionRecord }
  | { kind: 'too_late' };

/** The plan, the customer or the time zone that the creation names cannot be used; a repeat changes nothing. */
export class CreationRefused extends Error {
  override readonly name = 'CreationRefused';
}

/** Begins a creation, or resumes it. @throws CreationRefused */
export async function beginCreation(
  { db, providers }: AttemptDependencies,
  creation: SubscriptionCreation,
): Promise<BegunCreation> {
  const limitsOf = limitsOfProviders(providers);
  try {
    const charged = await beginCharged(db, creation, limitsOf);
    return charged ?? (await inTransaction(db, (tx) => begin(tx, creation, limitsOf)));
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    // An earlier run wrote it, or another one meanwhile.
    return inTransaction(
      db,
      async (tx) => (await resumeIfBegun(tx, creation)) ?? begin(tx, creation, limitsOf),
    );
  }
}

/**
 * Writes the usual case in one statement: a first period that is to be paid, with a known payment method.
 * @returns null when it is another case, or too late: nothing was written
 * @throws when there is such a subscription already (isUniqueViolation)
 */
async function beginCharged(
  db: Database,
  creation: SubscriptionCreation,
  limitsOf: LimitsOf,
): Promise<BegunCreation | null> {
  const terms = termsOf(creation, await readCreationTerms(db, creation, false));
  if (terms === null || terms.method === null || terms.beginning.status !== 'incomplete') return null;
  const period = periodOf(terms);
  const isWhole =
    floorToStep(terms.amount, limitsOf(terms.method.provider, terms.plan.currency)) === terms.amount;
  if (period === null || terms.hasCredit || !isWhole) return null;
  const payment = firstPayment(creation, terms, period, { charge: terms.amount, credit: 0 });
  const attempted = attemptedOf(creation, terms, payment);
  const attempt = newAttempt(attempted, firstAttempt(payment.id), terms.method, payment.trace);
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

async function begin(
  tx: Transaction,
  creation: SubscriptionCreation,
  limitsOf: LimitsOf,
): Promise<BegunCreation> {
  enqueueErasureBarrier(tx, creation.customer_id);
  const named = await readCreationTerms(tx, creation, false);
  const terms = termsOf(creation, named);
  if (terms === null || terms.realNow > new Date(creation.accept_by)) {
    const begun = await resumeIfBegun(tx, creation);
    if (begun !== null) return begun;
    if (terms !== null) return { kind: 'too_late' };
    throw new CreationRefused('the plan, the customer or the time zone cannot be used');
  }
  const period = periodOf(terms);
  if (period !== null && terms.beginning.status === 'incomplete') {
    return beginPaid(tx, creation, terms, period, limitsOf);
  }
  return conclude(tx, creation, terms, period, newRow(creation, terms, period, null));
}

/** Writes a subscription that nothing is to be paid for now. */
async function conclude(
  tx: Transaction,
  creation: SubscriptionCreation,
  terms: Terms,
  period: Period | null,
  row: NewSubscription,
): Promise<BegunCreation> {
  const written = await insertSubscription(tx, row);
  const created = toSubscription(written);
  if (period !== null) enqueuePaidPeriod(tx, newPeriod(creation, terms, period), null);
  enqueueFirstChange(tx, created, {
    commandId: creation.command_id,
    changes: ['created'],
    previous: {},
    actor: creation.actor,
    at: terms.realNow,
  });
  announceCreated(tx, created, null, terms.realNow, traceOfCommand(creation));
  return { kind: 'concluded', record: toRecord(written) };
}

/** Resumes what an earlier execution wrote, whatever has become of the names in the creation. Null: it wrote nothing. */
async function resumeIfBegun(tx: Transaction, creation: SubscriptionCreation): Promise<BegunCreation | null> {
  const existing = await findSubscription(tx, creation.subscription_id);
  return existing === null ? null : resumeCreation(tx, existing);
}

/** Pays the first period with the customer's credit first; what is too small to be charged is owed. */
async function beginPaid(
  tx: Transaction,
  creation: SubscriptionCreation,
  terms: Terms,
  period: Period,
  limitsOf: LimitsOf,
): Promise<BegunCreation> {
  const { plan, amount: price } = terms;
  const method = terms.method ?? (await methodOfNow(tx, creation));
  const owner = { customer_id: creation.customer_id, currency: plan.currency };
  const credit = await lockUsableCredit(tx, owner, emptyState);
  const first = { period, price, credit, limits: limitsOf(method?.provider ?? null, plan.currency) };
  const paymentId = periodPaymentId(creation.subscription_id, 1);
  const begun = beginFirstPeriod(first, paymentId);
  enqueueUsedCredit(tx, owner, credit, begun.customerCredit);
  const books = {
    ...owner,
    id: creation.subscription_id,
    test_clock_id: terms.testClockId,
  };
  const cause = { actor: creation.actor, paymentId, periodIndex: 1 };
  if (begun.kind === 'held') {
    enqueuePosting(tx, books, begun, { ...cause, id: `${paymentId}/held`, kind: 'credit_held' }, terms);
    return charge(tx, creation, terms, period, { ...begun, method });
  }
  const id = `${creation.subscription_id}/period/1`;
  const opening = { ...cause, paymentId: null, id, kind: 'period_opened' as const, at: terms.startAt };
  enqueuePosting(tx, books, begun, opening, terms);
  const active: Terms = { ...terms, beginning: { status: 'active' } };
  const row = { ...newRow(creation, active, period, null), ...moneyColumns(begun.state, [], terms.startAt) };
  return conclude(tx, creation, active, period, row);
}

/** The method that is charged where the named one is not there, or none was named. */
function methodOfNow(tx: Transaction, creation: SubscriptionCreation): Promise<ChargedMethod | null> {
  const { customer_id, payment_method_id } = creation;
  const payment = { kind: 'first', customer_id, payment_method_id, named_method: false } as const;
  return methodToCharge(tx, payment, { payment_method_id });
}

/** The rows of a creation whose first period is to be paid, and the first attempt, with what can be charged now. */
async function charge(
  tx: Transaction,
  creation: SubscriptionCreation,
  terms: Terms,
  period: Period,
  held: Extract<BegunFirstPeriod, { kind: 'held' }> & { method: ChargedMethod | null },
): Promise<BegunCreation> {
  const payment = firstPayment(creation, terms, period, held);
  const ledger_state = held.state;
  const row = await insertSubscription(tx, { ...newRow(creation, terms, period, payment.id), ledger_state });
  enqueuePeriodWithPayment(tx, newPeriod(creation, terms, period), payment);
  const attempted = attemptedOf(creation, terms, payment);
  const attempt = await beginNew(tx, attempted, firstAttempt(payment.id), held.method);
  return { kind: 'charge', record: toRecord(row), paymentId: payment.id, attempt };
}

function attemptedOf(
  creation: SubscriptionCreation,
  { plan }: Terms,
  payment: NewPayment,
): AttemptedPayment & Pick<NewPayment, 'payment_method_id'> {
  const amount = BigInt(payment.amount);
  const trace = { ...payment.trace };
  return { ...payment, subscription_id: creation.subscription_id, amount, currency: plan.currency, trace };
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
