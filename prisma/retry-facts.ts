/**
 * What the rules of retrying look at, read from the rows: attempts, payment method, budgets, policy.
 *
 * Used by the API, which answers at once, and by the Retry Service, which judges again when it acts. Invariant: which
 * method would be charged is answered by one function, the same that an attempt asks.
 */
import type { AttemptTrigger, DeclineCode, Failure, PaymentStatus } from '../domain/payment';
import { earliestWithinMs } from '../domain/retry-budget';
import type { CurrentPaymentMethod, FailedAttempt } from '../domain/retry-planner';
import type { RetryPolicyDocument } from '../domain/retry-policy';
import { retryRefusal, type RetryRefusal } from '../domain/retry-refusal';
import type { SubscriptionStatus } from '../domain/subscription';
import type { Transaction } from './client';
import { columnsOf } from './columns';
import { Prisma } from './generated/client';
import { readRetryPolicy } from './retry-policies';

type PaymentRow = Prisma.PaymentGetPayload<object>;
type SubscriptionRow = Prisma.SubscriptionGetPayload<object>;
type MethodRow = Prisma.PaymentMethodGetPayload<object>;

const methodColumns = columnsOf(Prisma.PaymentMethodScalarFieldEnum);

/** Long enough for every budget: none looks further back. */
const budgetDays = 366;

/**
 * The payment method that an attempt would charge. Of a payment of its own it is the one that was named; a period is
 * collected with the subscription's of now. Then the customer's default.
 * @param wanted by whoever asks for the attempt; null: nobody wants a particular one
 */
export async function methodToCharge(
  tx: Transaction,
  payment: PaymentRow,
  subscription: SubscriptionRow | null,
  wanted: string | null = null,
): Promise<MethodRow | null> {
  const own = [payment.payment_method_id, subscription?.payment_method_id ?? null];
  const inOrder = [wanted, ...(payment.kind === 'renewal' ? own.toReversed() : own)];
  const [method] = await tx.$queryRaw<MethodRow[]>`
    SELECT ${methodColumns} FROM payment_methods
    JOIN (
      SELECT place, method_id FROM customers,
        unnest(${inOrder.map((id) => id ?? '')}::text[] || default_payment_method_id)
          WITH ORDINALITY AS named(method_id, place)
      WHERE customers.id = ${payment.customer_id}
    ) AS choice ON choice.method_id = payment_methods.id
    WHERE customer_id = ${payment.customer_id} AND deleted_at IS NULL
    ORDER BY place LIMIT 1`;
  return method ?? null;
}

/** All attempts of a payment that failed, oldest first. */
export async function failedAttempts(tx: Transaction, paymentId: string): Promise<FailedAttempt[]> {
  const rows = await tx.paymentAttempt.findMany({
    where: { payment_id: paymentId, status: 'failed' },
    orderBy: { number: 'asc' },
  });
  return rows.map((row) => ({
    number: row.number,
    trigger: row.trigger as AttemptTrigger,
    at: (row.settled_at ?? row.started_at).toISOString(),
    code: (row.failure as unknown as Failure).code satisfies DeclineCode,
    payment_method_id: row.payment_method_id,
  }));
}

/** A method with every attempt that counts against its network's budget: those with the same card, whosever it is. */
export async function countedMethod(
  tx: Transaction,
  method: MethodRow | null,
  now: Date,
): Promise<CurrentPaymentMethod | null> {
  if (method === null) return null;
  const rows = await tx.paymentAttempt.findMany({
    where: {
      payment_method_id: { in: await methodsOfCard(tx, method) },
      started_at: { gte: new Date(now.getTime() - budgetDays * 86_400_000) },
    },
    select: { started_at: true, settled_at: true },
  });
  const attempts = rows.map(({ started_at, settled_at }) => ({
    at: (settled_at ?? started_at).toISOString(),
  }));
  return { id: method.id, network: method.brand?.toLowerCase() ?? null, attempts };
}

/** Ids of the methods that are the same card at the same provider; deleted ones too, for the network counts on. */
async function methodsOfCard(tx: Transaction, { id, provider, fingerprint }: MethodRow): Promise<string[]> {
  if (fingerprint === null) return [id];
  const methods = await tx.paymentMethod.findMany({ where: { provider, fingerprint }, select: { id: true } });
  return methods.map((method) => method.id);
}

/** The policy that collects a payment: the version that its dunning began with, else the current one. */
export async function policyOf(
  tx: Transaction,
  payment: PaymentRow,
  subscription: SubscriptionRow | null,
): Promise<{ id: string; version: number; document: RetryPolicyDocument }> {
  const begun = await tx.retryPlan.findFirst({
    where: { payment_id: payment.id },
    orderBy: { sequence: 'asc' },
  });
  const id = begun?.policy_id ?? subscription?.retry_policy_id ?? 'default';
  const policy = await readRetryPolicy(tx, id, begun?.policy_version);
  if (policy === null) throw new Error(`there is no retry policy ${id}`);
  return policy;
}

/** Why a manual attempt would be refused now; null: it would not. @param wanted the payment method asked for */
export async function refusalNow(
  tx: Transaction,
  payment: PaymentRow,
  subscription: SubscriptionRow | null,
  wanted: string | null,
  now: Date,
): Promise<RetryRefusal | null> {
  const row = await methodToCharge(tx, payment, subscription, wanted);
  const [method, attempts, policy] = [
    await countedMethod(tx, row, now),
    await failedAttempts(tx, payment.id),
    await policyOf(tx, payment, subscription),
  ];
  const last = attempts.at(-1);
  const allowedMs =
    method === null
      ? now.getTime()
      : earliestWithinMs(policy.document, method.network, method.attempts, now.getTime()).ms;
  return retryRefusal({
    payment: payment.status as PaymentStatus,
    subscription: (subscription?.status ?? null) as SubscriptionStatus | null,
    lastDecline: last === undefined ? null : { code: last.code, payment_method_id: last.payment_method_id },
    payment_method_id: method?.id ?? null,
    withinBudget: allowedMs <= now.getTime(),
  });
}
