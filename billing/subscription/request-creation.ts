/**
 * A request to create a subscription: checked, made into the creation that the process gets, and answered from the rows.
 *
 * Does not own the rows (the Subscription Service writes them) nor charging. Invariant: a creation that is known to be
 * concluded is answered from its row and never requested again.
 */
import type { TraceContext } from '../../domain/trace';
import type { Actor } from '../../contracts/fields';
import {
  createdSubscription,
  type CreatedSubscription,
  type CreateSubscription,
} from '../../contracts/http/subscriptions';
import { ProblemError, validationFailed } from '../../contracts/problem-error';
import type { FieldMistake } from '../../contracts/problems';
import type { SubscriptionCreation } from '../../contracts/workflows/commands';
import { periodAmount } from '../../domain/money';
import { refuseUnchargeable } from '../../domain/subscription/commands';
import { isPaymentPaid } from '../../domain/payment/payment';
import { decideBeginning, isBeingCreated } from '../../domain/subscription/subscription';
import { databaseNow, type Database } from '../../prisma/client';
import type { LimitsOf } from '../ledger/limits';
import { readRetryPolicy } from '../payment/retry-policies';
import { toSubscription } from '../rows';
import { readCreationTerms } from './creation-terms';
import { findCreated, type Created } from './store';

const maxYearsAhead = 10;

export interface CreationRequest {
  /** Derived from the Idempotency-Key when there is one. */
  id: string;
  request: CreateSubscription;
  actor: Actor;
  /** Of the caller's process. */
  requestedAt: Date;
  /** W3C trace context of the call. */
  trace: TraceContext;
  /** Whether an earlier run under the same Idempotency-Key may have created it. */
  mayExist: boolean;
  deadlines: CreationDeadlines;
}

export interface CreationDeadlines {
  /** For the process to accept the creation. */
  acceptWithinMs: number;
  /** For the caller's answer. */
  answerWithinMs: number;
}

/**
 * Prepares a creation.
 * @returns the creation that the process is to be given, or the subscription, when an earlier run has concluded it
 * @throws ProblemError `validation_failed` with every mistake, `payment_declined`
 */
export async function prepareCreation(
  db: Database,
  limitsOf: LimitsOf,
  creation: CreationRequest,
): Promise<{ creation: SubscriptionCreation } | { concluded: CreatedSubscription }> {
  const before = creation.mayExist ? await findCreated(db, creation.id) : null;
  if (before !== null && isConcluded(before)) return { concluded: answerOf(before) };
  const { paymentMethodId, acceptedAt } =
    before === null
      ? await check(db, limitsOf, creation.request, creation.requestedAt)
      : { paymentMethodId: before.row.payment_method_id, acceptedAt: await databaseNow(db) };
  return { creation: creationOf(creation, paymentMethodId, acceptedAt) };
}

/**
 * Reads a subscription whose creation is concluded.
 * @returns null while it is not. @throws ProblemError `payment_declined`
 */
export async function readConcluded(
  db: Database,
  subscriptionId: string,
): Promise<CreatedSubscription | null> {
  const created = await findCreated(db, subscriptionId);
  return created !== null && isConcluded(created) ? answerOf(created) : null;
}

function creationOf(
  { id, request, actor, trace, deadlines }: CreationRequest,
  paymentMethodId: string | null,
  acceptedAt: Date,
): SubscriptionCreation {
  return {
    subscription_id: id,
    customer_id: request.customer_id,
    plan_id: request.plan_id,
    quantity: request.quantity ?? 1,
    payment_method_id: paymentMethodId,
    trial_days: request.trial_days ?? null,
    start_at: request.start_at === undefined ? null : new Date(request.start_at).toISOString(),
    time_zone: request.time_zone ?? null,
    retry_policy_id: request.retry_policy_id ?? null,
    metadata: request.metadata ?? {},
    actor,
    command_id: `${id}/create`,
    accept_by: new Date(acceptedAt.getTime() + deadlines.acceptWithinMs).toISOString(),
    answer_within_ms: deadlines.answerWithinMs,
    ...trace,
  };
}

/**
 * Checks that everything named exists and fits.
 * @returns the payment method to use: the named one, else the customer's default, else null; and PostgreSQL's time
 * @throws ProblemError `validation_failed` with every mistake
 */
async function check(
  db: Database,
  limitsOf: LimitsOf,
  request: CreateSubscription,
  requestedAt: Date,
): Promise<{ paymentMethodId: string | null; acceptedAt: Date }> {
  const { customer_id, plan_id, payment_method_id, retry_policy_id } = request;
  const named = { customer_id, plan_id, payment_method_id: payment_method_id ?? null };
  const { plan, customer, method, now, realNow } = await readCreationTerms(db, named, true);
  const amount = plan === null ? 0 : periodAmount(plan.amount, request.quantity ?? 1);
  const isOnTestClock = (customer?.test_clock_id ?? null) !== null;
  const mistakes = startMistakes(request.start_at, isOnTestClock ? now : requestedAt);
  const note = (path: string, message: string) => mistakes.push({ path, message });
  if (plan === null) note('plan_id', 'must be the id of a plan');
  else if (!plan.active) note('plan_id', 'must be an active plan');
  if (customer === null) note('customer_id', 'must be the id of a customer');
  else if (customer.erased_at !== null) note('customer_id', 'must not be an erased customer');
  else if (customer.isClockDeleted) {
    note('customer_id', 'must not be a customer of a deleted test clock');
  }
  if (amount === undefined) note('quantity', 'makes the amount of a period too large');
  else if (plan !== null && method !== null) {
    const { currency } = plan;
    const limits = limitsOf(method.provider, currency);
    const field = request.quantity === undefined ? 'plan_id' : 'quantity';
    const refusal = refuseUnchargeable({ price: amount, currency, limits, field });
    if (refusal !== null) note(refusal.reason, refusal.detail);
  }
  if (retry_policy_id !== undefined && (await readRetryPolicy(db, retry_policy_id)) === null)
    note('retry_policy_id', 'must be the id of a retry policy, such as default');
  if (payment_method_id !== undefined && customer !== null && method === null) {
    note('payment_method_id', 'must be a payment method of this customer');
  }
  if (mistakes.length === 0 && method === null && plan !== null && amount !== undefined) {
    const startsLater = request.start_at !== undefined;
    const beginning = decideBeginning(startsLater, request.trial_days ?? plan.trial_days, amount);
    if ('charge' in beginning) {
      note(
        'payment_method_id',
        'is required: the first period is charged now and the customer has no default',
      );
    }
  }
  if (mistakes.length > 0) throw validationFailed(mistakes);
  return { paymentMethodId: method?.id ?? null, acceptedAt: realNow };
}

function startMistakes(startAt: string | undefined, now: Date): FieldMistake[] {
  if (startAt === undefined) return [];
  const start = new Date(startAt);
  const latest = new Date(now);
  latest.setUTCFullYear(latest.getUTCFullYear() + maxYearsAhead);
  if (start <= now)
    return [{ path: 'start_at', message: 'must lie in the future; leave it out to start now' }];
  if (start > latest) return [{ path: 'start_at', message: `must be at most ${maxYearsAhead} years ahead` }];
  return [];
}

function isConcluded({ row }: Created): boolean {
  return !isBeingCreated(toSubscription(row));
}

function answerOf({ row, firstPayment }: Created): CreatedSubscription {
  const first = createdSubscription.shape.first_payment.parse(firstPayment);
  if (row.status === 'expired' && first !== null && !isPaymentPaid(first.status)) {
    const why = first.failure === null ? '' : `: ${first.failure.message}`;
    throw new ProblemError('payment_declined', `The first payment was declined${why}`, {
      subscription_id: row.id,
      payment_id: first.payment_id,
      failure: first.failure ?? undefined,
    });
  }
  return { ...toSubscription(row), first_payment: first };
}
