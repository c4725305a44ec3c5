/**
 * POST /subscriptions: from a request to a creation, and from the rows to the answer.
 *
 * Owns: checking that what is named exists and fits, and which status the outcome has. Does not own the rows (the
 * Subscription Service writes them) nor collecting. Invariants: a creation that is known to be concluded is answered
 * from its row and never asked for again; whatever goes wrong after the id is known, the refusal names it.
 */
import type { SubscriptionCreation } from '../../contracts/workflows/commands';
import {
  createdSubscription,
  type CreateSubscription,
  type CreatedSubscription,
} from '../../contracts/http/subscriptions';
import type { FieldMistake } from '../../contracts/problems';
import { periodAmount } from '../../domain/money';
import { isPaymentPaid } from '../../domain/payment/payment';
import { decideBeginning, isBeingCreated } from '../../domain/subscription/subscription';
import { databaseNow, type Database } from '../../prisma/client';
import { readCreationTerms } from '../../billing/subscription/creation-terms';
import { findCreated, type Created } from '../../billing/subscription/store';
import { toSubscription } from '../../billing/rows';
import { readRetryPolicy } from '../../billing/payment/retry-policies';
import type { ApiDependencies, Deadlines } from '../http/dependencies';
import { ProblemError, validationFailed } from '../../contracts/problem-error';
import { toProblem } from '../http/problems';
import type { Answer, Call } from '../http/route';

const maxYearsAhead = 10;

type CreationCall = Call<unknown, unknown, CreateSubscription>;

/** The whole call. */
export async function createSubscription(call: CreationCall, deps: ApiDependencies): Promise<Answer> {
  const subscriptionId = call.idFor('subscription');
  try {
    return await created(call, deps, subscriptionId);
  } catch (error) {
    throw namingSubscription(error, subscriptionId);
  }
}

async function created(call: CreationCall, deps: ApiDependencies, subscriptionId: string): Promise<Answer> {
  const { db, process, now, newUuid } = deps;
  // Only a derived id can have a row already: an earlier run under the same Idempotency-Key made it.
  const before = call.lease === null ? null : await findCreated(db, subscriptionId);
  if (before !== null && isConcluded(before)) return answerOf(before);
  const { paymentMethodId, acceptedAt } =
    before === null
      ? await checked(db, call.body, now())
      : { paymentMethodId: before.row.payment_method_id, acceptedAt: await databaseNow(db) };
  const creation = creationOf(call, deps.deadlines, subscriptionId, paymentMethodId, acceptedAt);
  // Callers may repeat a request id; the asking must be a new one each time.
  const result = await process.create(creation, `${call.requestId}/${newUuid()}`);
  const made = await findCreated(db, subscriptionId);
  if (result === 'too_late' || made === null || !isConcluded(made)) throw notConcluded();
  return answerOf(made);
}

function creationOf(
  { body, caller, traceparent }: CreationCall,
  deadlines: Deadlines,
  subscriptionId: string,
  paymentMethodId: string | null,
  acceptedAt: Date,
): SubscriptionCreation {
  return {
    subscription_id: subscriptionId,
    customer_id: body.customer_id,
    plan_id: body.plan_id,
    quantity: body.quantity ?? 1,
    payment_method_id: paymentMethodId,
    trial_days: body.trial_days ?? null,
    start_at: body.start_at === undefined ? null : new Date(body.start_at).toISOString(),
    time_zone: body.time_zone ?? null,
    retry_policy_id: body.retry_policy_id ?? null,
    metadata: body.metadata ?? {},
    actor: { kind: 'api_key', id: caller.id, reason: null },
    command_id: `${subscriptionId}/create`,
    accept_by: new Date(acceptedAt.getTime() + deadlines.acceptWithinMs).toISOString(),
    answer_within_ms: deadlines.answerWithinMs,
    traceparent,
  };
}

/**
 * That everything named exists and fits together.
 * @returns the payment method to use: the named one, else the customer's default, else null; and PostgreSQL's time
 * @throws ProblemError `validation_failed` with every mistake
 */
async function checked(
  db: Database,
  body: CreateSubscription,
  requestedAt: Date,
): Promise<{ paymentMethodId: string | null; acceptedAt: Date }> {
  const { customer_id, plan_id, payment_method_id, retry_policy_id } = body;
  const named = { customer_id, plan_id, payment_method_id: payment_method_id ?? null };
  const { plan, customer, method, now, realNow } = await readCreationTerms(db, named, true);
  const amount = plan === null ? 0 : periodAmount(plan.amount, body.quantity ?? 1);
  const mistakes: FieldMistake[] = startMistakes(
    body.start_at,
    (customer?.test_clock_id ?? null) === null ? requestedAt : now,
  );
  const note = (path: string, message: string) => mistakes.push({ path, message });
  if (plan === null) note('plan_id', 'must be the id of a plan');
  else if (!plan.active) note('plan_id', 'must be an active plan');
  if (customer === null) note('customer_id', 'must be the id of a customer');
  else if (customer.erased_at !== null) note('customer_id', 'must not be an erased customer');
  else if (customer.isClockDeleted) {
    note('customer_id', 'must not be a customer of a deleted test clock');
  }
  if (amount === undefined) note('quantity', 'makes the amount of a period too large');
  if (retry_policy_id !== undefined && (await readRetryPolicy(db, retry_policy_id)) === null)
    note('retry_policy_id', 'must be the id of a retry policy, such as default');
  if (body.payment_method_id !== undefined && customer !== null && method === null) {
    note('payment_method_id', 'must be a payment method of this customer');
  }
  if (mistakes.length === 0 && method === null && plan !== null && amount !== undefined) {
    const startsLater = body.start_at !== undefined;
    const beginning = decideBeginning(startsLater, body.trial_days ?? plan.trial_days, amount);
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

function answerOf({ row, firstPayment }: Created): Answer {
  const first = createdSubscription.shape.first_payment.parse(firstPayment);
  if (row.status === 'expired' && first !== null && !isPaymentPaid(first.status)) {
    const why = first.failure === null ? '' : `: ${first.failure.message}`;
    throw new ProblemError('payment_declined', `The first payment was declined${why}`, {
      subscription_id: row.id,
      payment_id: first.payment_id,
      failure: first.failure ?? undefined,
    });
  }
  const body: CreatedSubscription = { ...toSubscription(row), first_payment: first };
  return {
    status: row.status === 'incomplete' ? 202 : 201,
    body,
    headers: { Location: `/subscriptions/${row.id}` },
    subjectId: row.id,
  };
}

function notConcluded(): ProblemError {
  const detail = 'The subscription could not be concluded in time; ask again with the same Idempotency-Key.';
  return new ProblemError('unavailable', detail);
}

/** A refusal that leaves the outcome open says which subscription it is about. */
function namingSubscription(error: unknown, subscriptionId: string): ProblemError {
  const problem = toProblem(error);
  if (problem.status < 500) return problem;
  const extras = { ...problem.extras, subscription_id: subscriptionId };
  return new ProblemError(problem.code, problem.detail, extras, {
    cause: problem.cause ?? error,
  });
}
