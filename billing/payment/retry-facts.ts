/**
 * What the rules of retrying look at, read from the rows: attempts, payment method, budgets, policy.
 *
 * Used by the API, which answers at once, and by the Retry Service, which judges again when it acts. Invariants: which
 * method would be charged is answered by one function, the same that an attempt asks; declines and budgets go with the
 * card, whatever method it is added as.
 */
import { declineCategory, isAmountFault, type DeclineCode } from '../../domain/payment/payment';
import { earliestWithinMs } from '../../domain/retry/budget';
import { cardOf } from '../../domain/retry/card';
import type { CurrentPaymentMethod, FailedAttempt } from '../../domain/retry/planner';
import type { RetryPolicyDocument } from '../../domain/retry/policy';
import { retryRefusal, type RetryRefusal } from '../../domain/retry/refusal';
import type { Database, Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { failureOf, type PaymentMethodRow, type PaymentRow, type SubscriptionRow } from '../rows';
import { attemptsOf } from './attempt-store';
import { methodsToCharge, readCards, type AskedMethod } from './card-store';
import { readRetryPolicy } from './retry-policies';

/** Long enough for every budget: none looks further back. */
const budgetDays = 366;

/** A payment that is asked about, with what decides what would be charged. */
interface Chargeable extends AskedMethod {
  payment: PaymentRow;
  subscription: SubscriptionRow | null;
}

/** All attempts of a payment that failed, oldest first. */
export async function failedAttempts(tx: Transaction, paymentId: string): Promise<FailedAttempt[]> {
  const rows = await attemptsOf(tx, paymentId);
  const failed = rows.filter(({ status }) => status === 'failed');
  const cardOfMethod = await readCards(
    tx,
    failed.map(({ payment_method_id: id }) => id),
  );
  return failed.map((row) => {
    const why = failureOf(row);
    return {
      number: row.number,
      trigger: row.trigger,
      at: (row.settled_at ?? row.started_at).toISOString(),
      code: why.code,
      ...(isAmountFault(why) && { amount_fault: true }),
      payment_method_id: cardOfMethod(row.payment_method_id),
    };
  });
}

/** By payment and card: the hard decline that it met, else its latest decline. */
type Declines = ReadonlyMap<string, DeclineCode>;

/** Reads what the cards that payments were tried with met. */
async function declinesOf(on: Database | Transaction, paymentIds: readonly string[]): Promise<Declines> {
  const rows = await sql(on).query<
    { payment_id: string; code: DeclineCode; payment_method_id: string | null }[]
  >`
    SELECT payment_id, payment_method_id, failure ->> 'code' AS code FROM payment_attempts
    WHERE payment_id = ANY(${paymentIds}) AND status = 'failed' ORDER BY payment_id, number`;
  const cardOfMethod = await readCards(
    on,
    rows.map(({ payment_method_id: id }) => id),
  );
  const declines = new Map<string, DeclineCode>();
  for (const { payment_id: paymentId, payment_method_id: methodId, code } of rows) {
    const key = declineKey(paymentId, cardOfMethod(methodId));
    const before = declines.get(key);
    if (before === undefined || declineCategory(before) !== 'hard') declines.set(key, code);
  }
  return declines;
}

function declineKey(paymentId: string, card: string | null): string {
  return `${paymentId}/${card}`;
}

/** A method with every attempt that counts against its network's budget: those with the same card, whosever it is. */
export async function countedMethod(
  on: Database | Transaction,
  method: PaymentMethodRow | null,
  now: Date,
): Promise<CurrentPaymentMethod | null> {
  if (method === null) return null;
  const attempts = await countedAttempts(on, [method.id], now);
  return toCounted(method, attempts);
}

/**
 * By payment method: the attempts that may count, also those with other methods that are the same card at the same
 * provider; deleted ones too, for the network counts on. @param now the earliest instant that is asked about
 */
async function countedAttempts(
  on: Database | Transaction,
  methodIds: readonly string[],
  now: Date,
): Promise<Map<string, { at: string }[]>> {
  const since = new Date(now.getTime() - budgetDays * 86_400_000);
  // An attempt that is open counts from when it began, by the customer's time as well.
  const rows = await sql(on).query<{ method_id: string; at: Date }[]>`
    SELECT asked.id AS method_id, coalesce(a.settled_at, a.began_at, a.started_at) AS at
    FROM payment_methods AS asked
    JOIN payment_methods AS card ON card.id = asked.id
      OR (card.provider = asked.provider AND card.fingerprint = asked.fingerprint)
    JOIN payment_attempts AS a ON a.payment_method_id = card.id
    WHERE asked.id = ANY(${methodIds}) AND coalesce(a.settled_at, a.began_at, a.started_at) >= ${since}`;
  const counted = new Map<string, { at: string }[]>(methodIds.map((id) => [id, []]));
  for (const { method_id: id, at } of rows) counted.get(id)?.push({ at: at.toISOString() });
  return counted;
}

function toCounted(
  method: PaymentMethodRow,
  attempts: ReadonlyMap<string, { at: string }[]>,
): CurrentPaymentMethod {
  const { id, brand } = method;
  return { id: cardOf(method), network: brand?.toLowerCase() ?? null, attempts: attempts.get(id) ?? [] };
}

type Policy = { id: string; version: number; document: RetryPolicyDocument };

/** The policy that collects a payment: the version that its dunning began with, else the current one. */
export async function policyOf(
  on: Database | Transaction,
  payment: PaymentRow,
  subscription: SubscriptionRow | null,
): Promise<Policy> {
  const [policy] = await policiesOf(on, [{ payment, subscription }]);
  if (policy === undefined) throw new Error('a payment has a policy');
  return policy;
}

async function policiesOf(
  on: Database | Transaction,
  asked: readonly Pick<Chargeable, 'payment' | 'subscription'>[],
): Promise<Policy[]> {
  const begun = await sql(on).query<{ payment_id: string; policy_id: string; policy_version: number }[]>`
    SELECT DISTINCT ON (payment_id) payment_id, policy_id, policy_version
    FROM retry_plans WHERE payment_id = ANY(${asked.map(({ payment }) => payment.id)})
    ORDER BY payment_id, sequence`;
  const begunOf = new Map(begun.map((row) => [row.payment_id, row]));
  const read = new Map<string, Policy>();
  const policies: Policy[] = [];
  for (const { payment, subscription } of asked) {
    const plan = begunOf.get(payment.id);
    const id = plan?.policy_id ?? subscription?.retry_policy_id ?? 'default';
    const name = `${id} ${plan?.policy_version}`;
    const policy = read.get(name) ?? (await readRetryPolicy(on, id, plan?.policy_version));
    if (policy === null) throw new Error(`there is no retry policy ${id}`);
    read.set(name, policy);
    policies.push(policy);
  }
  return policies;
}

/** A wish for an attempt, and what time it is for the customer. */
export interface RequestedAttempt extends Chargeable {
  now: Date;
}

/** Why manual attempts would be refused now, in the order of the wishes; null: it would not. Each is judged alone. */
export async function refusalsNow(
  on: Database | Transaction,
  asked: readonly RequestedAttempt[],
): Promise<(RetryRefusal | null)[]> {
  if (asked.length === 0) return [];
  const methods = await methodsToCharge(on, asked);
  const methodIds = [...new Set(methods.flatMap((method) => (method === null ? [] : [method.id])))];
  const earliest = new Date(Math.min(...asked.map(({ now }) => now.getTime())));
  const attempts = await countedAttempts(on, methodIds, earliest);
  const declines = await declinesOf(
    on,
    asked.map(({ payment }) => payment.id),
  );
  const policies = await policiesOf(on, asked);
  return asked.map(({ payment, subscription, now }, at) => {
    const row = methods[at] ?? null;
    const method = row === null ? null : toCounted(row, attempts);
    const policy = policies[at];
    const allowedMs =
      method === null || policy === undefined
        ? now.getTime()
        : earliestWithinMs(policy.document, method.network, method.attempts, now.getTime()).ms;
    return retryRefusal({
      payment: payment.status,
      subscription: subscription?.status ?? null,
      lastDecline: declines.get(declineKey(payment.id, method?.id ?? null)) ?? null,
      payment_method_id: row?.id ?? null,
      withinBudget: allowedMs <= now.getTime(),
    });
  });
}

/** Why a manual attempt would be refused now; null: it would not. @param wanted the payment method asked for */
export async function refusalNow(
  on: Database | Transaction,
  payment: PaymentRow,
  subscription: SubscriptionRow | null,
  wanted: string | null,
  now: Date,
): Promise<RetryRefusal | null> {
  const [refusal] = await refusalsNow(on, [{ payment, subscription, wanted, now }]);
  return refusal ?? null;
}
