/**
 * Statements about the payment method that an attempt charges.
 *
 * Owns the order in which methods are charged: one for attempts, plans, refusals and the search for stale plans. A
 * period, and what named no method, is charged with the subscription's method of now, then the customer's default,
 * then what was tried last; a payment of its own with the method that was named for it first. Invariant: a method that
 * was deleted, or is another customer's, is never charged.
 */
import { paymentKinds, type Failure, type PaymentKind } from '../../domain/payment/payment';
import { cardOf, type CardOfMethod } from '../../domain/retry/card';
import { isRetried } from '../../domain/retry/eligibility';
import type { Database, Transaction } from '../../prisma/client';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';
import { paymentMethodColumns, type PaymentMethodRow, type PaymentRow, type SubscriptionRow } from '../rows';

/** What of a payment decides which method would be charged. */
export type ToCharge = Pick<PaymentRow, 'kind' | 'customer_id' | 'payment_method_id' | 'named_method'>;

/** A payment whose method is asked for, with what decides it. */
export interface AskedMethod {
  payment: ToCharge;
  subscription: Pick<SubscriptionRow, 'payment_method_id'> | null;
  /** The payment method that the requester of the attempt names; null: no particular one. */
  wanted: string | null;
}

/** Payments of these kinds are charged with the method of now. */
const kindsOfNow: readonly PaymentKind[] = ['first', 'renewal'];

/** The ids of a payment's methods in the order in which they are charged, as an array. */
const inOrder = (ofNow: Prisma.Sql, named: Prisma.Sql, own: Prisma.Sql) => Prisma.sql`
  CASE WHEN ${ofNow} THEN ARRAY[${own}, default_payment_method_id, ${named}]
    ELSE ARRAY[${named}, ${own}, default_payment_method_id] END`;

const orderOfAsked = inOrder(Prisma.sql`of_now`, Prisma.sql`named`, Prisma.sql`own`);

/** The methods that would be charged, in the order of what is asked; null: there is none. */
export async function methodsToCharge(
  on: Database | Transaction,
  asked: readonly AskedMethod[],
): Promise<(PaymentMethodRow | null)[]> {
  const idsBy = (idOf: (one: AskedMethod) => string | null | undefined) =>
    asked.map((one) => idOf(one) ?? '');
  const ofNow = asked.map(
    ({ payment: { kind, named_method: isNamed } }) => kindsOfNow.includes(kind) || !isNamed,
  );
  const rows = await sql(on).query<(PaymentMethodRow & { item: bigint })[]>`
    SELECT DISTINCT ON (item) item, ${paymentMethodColumns} FROM payment_methods
    JOIN (
      SELECT item, place, method_id, owner_id
      FROM unnest(
          ${idsBy(({ payment }) => payment.customer_id)}::text[], ${ofNow}::boolean[],
          ${idsBy(({ wanted }) => wanted)}::text[],
          ${idsBy(({ payment }) => payment.payment_method_id)}::text[],
          ${idsBy(({ subscription }) => subscription?.payment_method_id)}::text[]
        ) WITH ORDINALITY AS asked(owner_id, of_now, wanted, named, own, item)
        JOIN customers ON customers.id = owner_id,
        unnest(array_prepend(wanted, ${orderOfAsked})) WITH ORDINALITY AS listed(method_id, place)
    ) AS choice ON choice.method_id = payment_methods.id AND choice.owner_id = payment_methods.customer_id
    WHERE deleted_at IS NULL
    ORDER BY item, place`;
  const found = new Map(rows.map(({ item, ...row }) => [Number(item) - 1, row]));
  return asked.map((_, at) => found.get(at) ?? null);
}

/** The method that an attempt would charge. @param wanted what its requester names; null: no particular one */
export async function methodToCharge(
  on: Database | Transaction,
  payment: ToCharge,
  subscription: Pick<SubscriptionRow, 'payment_method_id'> | null,
  wanted: string | null = null,
): Promise<PaymentMethodRow | null> {
  const [method] = await methodsToCharge(on, [{ payment, subscription, wanted }]);
  return method ?? null;
}

/** {@link methodToCharge} as an expression: its id, of the payment `p` of the customer `c` and the subscription `s`. */
export const idToCharge = Prisma.sql`(
  SELECT m.id FROM unnest(${inOrder(
    Prisma.sql`p.kind IN (${Prisma.join([...kindsOfNow])}) OR NOT p.named_method`,
    Prisma.sql`p.payment_method_id`,
    Prisma.sql`s.payment_method_id`,
  )}) WITH ORDINALITY AS listed(method_id, place)
    JOIN payment_methods m ON m.id = method_id AND m.customer_id = p.customer_id AND m.deleted_at IS NULL
  ORDER BY place LIMIT 1)`;

/** What follows a payment `p` and joins its customer `c`, its subscription `s` and its latest plan `r`. */
export const joinedLatestPlan = Prisma.sql`
  JOIN customers c ON c.id = p.customer_id LEFT JOIN subscriptions s ON s.id = p.subscription_id
    CROSS JOIN LATERAL (
      SELECT kind, payment_method_id, created_at FROM retry_plans
      WHERE payment_id = p.id ORDER BY sequence DESC LIMIT 1) AS r`;
const withLatestPlan = Prisma.sql`payments p ${joinedLatestPlan}`;
const isForAnotherMethod = Prisma.sql`r.payment_method_id IS DISTINCT FROM ${idToCharge}`;
const retriedKinds = Prisma.join(paymentKinds.filter(isRetried));

/**
 * Of a failed payment `p` with its {@link joinedLatestPlan}: whether its plan `r` was made for another payment method
 * than would be charged now. Those of a paused subscription are planned again when it is resumed.
 */
export const isPlannedForAnotherMethod = Prisma.sql`
  p.kind IN (${retriedKinds}) AND (s.id IS NULL OR s.status IN ('active', 'past_due')) AND ${isForAnotherMethod}`;

/** What follows FROM and selects the failed payments `p` that are {@link isPlannedForAnotherMethod}. */
export const plannedForAnotherMethod = Prisma.sql`
  ${withLatestPlan} WHERE p.status = 'failed' AND ${isPlannedForAnotherMethod}`;

/** Whose payments are asked about. */
export type MethodHolder = { customer_id: string } | { subscription_id: string } | { payment_id: string };

/** Finds the failed payments whose plan was made for another method, oldest first. */
export async function paymentsToPlanAgain(
  on: Database | Transaction,
  holder: MethodHolder,
): Promise<string[]> {
  const rows = await sql(on).query<{ id: string }[]>`
    SELECT p.id FROM ${plannedForAnotherMethod} AND ${heldBy(holder)} ORDER BY p.created_at, p.id`;
  return rows.map(({ id }) => id);
}

/** A condition on the payment `p`. */
export function heldBy(holder: MethodHolder): Prisma.Sql {
  if ('customer_id' in holder) return Prisma.sql`p.customer_id = ${holder.customer_id}`;
  if ('subscription_id' in holder) return Prisma.sql`p.subscription_id = ${holder.subscription_id}`;
  return Prisma.sql`p.id = ${holder.payment_id}`;
}

/**
 * Whether the retry of a failed payment goes on, although it was reported as given up: since then it was planned again,
 * or another method is there.
 */
export async function isRetriedAfterAll(tx: Transaction, paymentId: string): Promise<boolean> {
  const rows = await sql(tx).query<object[]>`
    SELECT 1 FROM ${withLatestPlan}
    WHERE p.id = ${paymentId} AND (r.kind <> 'exhausted' OR ${isForAnotherMethod})`;
  return rows.length > 0;
}

/** Finds the failed payments of a subscription that are retried, oldest first. */
export async function retriedPayments(on: Database | Transaction, subscriptionId: string): Promise<string[]> {
  const rows = await sql(on).query<{ id: string }[]>`
    SELECT id FROM payments
    WHERE subscription_id = ${subscriptionId} AND status = 'failed' AND kind IN (${retriedKinds})
    ORDER BY created_at, id`;
  return rows.map(({ id }) => id);
}

/** Reads which cards payment methods are, deleted ones too. @returns the card of a method's id; null: no method */
export async function readCards(
  on: Database | Transaction,
  methodIds: readonly (string | null)[],
): Promise<(methodId: string | null) => string | null> {
  const ids = [...new Set(methodIds)].filter((id) => id !== null);
  const rows =
    ids.length === 0
      ? []
      : await sql(on).query<CardOfMethod[]>`
          SELECT id, provider, fingerprint FROM payment_methods WHERE id = ANY(${ids})`;
  const cards = new Map(rows.map((row) => [row.id, cardOf(row)]));
  return (methodId) => (methodId === null ? null : (cards.get(methodId) ?? methodId));
}

/** Reads why attempts of a payment with a card failed, oldest first. @param before only attempts before this one */
export async function findCardFailures(
  db: Database,
  {
    paymentId,
    before,
    ...card
  }: { paymentId: string; before: number; provider: string; fingerprint: string },
): Promise<Failure[]> {
  const rows = await sql(db).query<{ failure: Failure }[]>`
    SELECT a.failure FROM payment_attempts a JOIN payment_methods m ON m.id = a.payment_method_id
    WHERE a.payment_id = ${paymentId} AND a.number < ${before} AND a.status = 'failed'
      AND m.provider = ${card.provider} AND m.fingerprint = ${card.fingerprint}
    ORDER BY a.number`;
  return rows.map(({ failure }) => failure);
}
