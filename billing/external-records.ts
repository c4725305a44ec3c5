/**
 * Records that other services write on the topics of requests.
 *
 * A request of ours has its row before its record, in one commit. So a record is ours when the row is there and agrees
 * with it; whatever else it states, its id, source and actor, proves nothing.
 *
 * Invariants:
 * - Nothing follows from a record of a source that the operator has not named.
 * - A customer's payments and retries that are asked for from outside are bounded for each UTC day; a record that comes
 *   again counts once.
 * - Each accepted record stands in the audit log. Its actor is the source; whom the source names is kept as claimed.
 */
import type { z } from 'zod';
import { enqueueRecordAudit } from '../access/audit';
import { reason as reasonField, text, type Actor, type RecordedActor } from '../contracts/fields';
import type { ReadEvent } from '../contracts/topics/envelope';
import type { EventTopic } from '../contracts/topics/events';
import { hasOwnForm } from '../domain/ids';
import type { Database, Transaction } from '../prisma/client';
import { sql } from '../prisma/sql';
import { Unprocessable } from './unprocessable';

/** What the operator allows other services. */
export interface ExternalRules {
  /** CloudEvents sources whose requests are accepted. */
  sources: ReadonlySet<string>;
  /** The largest payment, minor units. */
  paymentMax: number;
  /** Payments and retries of one customer, each UTC day. */
  chargesPerDay: number;
}

/** Returns the source of a record that is not ours. @throws Unprocessable `source_not_allowed` */
export function requireAllowedSource({ sources }: ExternalRules, source: string | undefined): string {
  if (source !== undefined && sources.has(source)) return source;
  const detail = 'it is no record of ours, and its source is none of EXTERNAL_SOURCES';
  throw new Unprocessable('source_not_allowed', detail);
}

const boundedId = text(200);

/** What a request from outside states of itself. */
interface ExternalRequest {
  /** Of what it asks for; chosen by its producer. */
  id: string;
  reason: string;
  actor: Pick<Actor, 'id'>;
}

/** @throws Unprocessable `invalid_request` when it is out of bounds, or takes an id that may be one of ours */
export function requireBounded({ id, reason, actor }: ExternalRequest): void {
  if (hasOwnForm(id))
    throw new Unprocessable('invalid_request', 'its id has the form of those that Perennial makes');
  requireText('its reason', reasonField, reason);
  requireText('the id of its actor', boundedId, actor.id);
}

function requireText(name: string, schema: z.ZodType<string>, value: string): void {
  const [mistake] = schema.safeParse(value).error?.issues ?? [];
  if (mistake !== undefined) throw new Unprocessable('invalid_request', `${name} ${mistake.message}`);
}

/** The actor of a record from outside: the source, and whom it names. */
export function externalActor(source: string, named: Actor, reason: string): RecordedActor {
  const { kind, id } = named;
  return { kind: 'external', id: source, reason, claimed: { kind, id } };
}

/** Topics on which other services ask for a charge. */
type ChargeTopic = 'payments.requested' | 'payments.retry.requested';

/**
 * Accepts a payment or retry that another service asks for, once its row is written: counts it, and writes that its
 * record was accepted.
 * @throws Unprocessable `over_limit`, which has to roll back what is counted
 */
export async function acceptCharge<T extends ChargeTopic>(
  tx: Transaction,
  rules: ExternalRules,
  topic: T,
  event: ReadEvent<T>,
  actor: RecordedActor,
): Promise<void> {
  const { customer_id: customerId, payment_id: paymentId } = event.data;
  await countExternalCharge(tx, rules, customerId);
  enqueueAccepted(tx, topic, event, actor, { type: 'payment', id: paymentId });
}

/** Writes that a record was accepted. @param subject what it is about */
export function enqueueAccepted<T extends EventTopic>(
  tx: Transaction,
  topic: T,
  { id: eventId }: Pick<ReadEvent<T>, 'id'>,
  actor: RecordedActor,
  subject: { type: string; id: string },
): void {
  enqueueRecordAudit(tx, { actor, topic, eventId, subject });
}

/**
 * Checks that a payment method which a record names is one that the customer has.
 * @throws Unprocessable `unknown_payment_method`, `contradicts_payment_method`
 */
export async function requireOwnMethod(
  on: Database | Transaction,
  customerId: string,
  methodId: string | null,
): Promise<void> {
  if (methodId === null) return;
  const [method] = await sql(on).query<{ customer_id: string; is_deleted: boolean }[]>`
    SELECT customer_id, deleted_at IS NOT NULL AS is_deleted FROM payment_methods WHERE id = ${methodId}`;
  if (method === undefined)
    throw new Unprocessable('unknown_payment_method', `there is no payment method ${methodId}`);
  if (method.customer_id === customerId && !method.is_deleted) return;
  const detail = `${methodId} is no payment method of customer ${customerId}`;
  throw new Unprocessable('contradicts_payment_method', detail);
}

/**
 * Counts a payment or retry of a customer for the UTC day of PostgreSQL. The row's lock has those who count at one time
 * take turns; it is the last lock of its transaction.
 * @throws Unprocessable `over_limit`
 */
async function countExternalCharge(
  tx: Transaction,
  { chargesPerDay: most }: ExternalRules,
  customerId: string,
): Promise<void> {
  const counted = await sql(tx).execute`
    INSERT INTO external_charge_counts AS counted (customer_id, day, charges)
    SELECT ${customerId}, (clock_timestamp() AT TIME ZONE 'UTC')::date, 1 WHERE ${most}::int > 0
    ON CONFLICT (customer_id, day) DO UPDATE SET charges = counted.charges + 1 WHERE counted.charges < ${most}::int`;
  if (counted > 0) return;
  const detail = `other services have asked for ${most} payments and retries of customer ${customerId} today`;
  throw new Unprocessable('over_limit', detail);
}
