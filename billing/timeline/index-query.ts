/**
 * The order of a timeline: which rows belong to a subscription, payment or customer, oldest first, without their contents.
 *
 * Invariants: one total order over all tables, by columns that never change, so that a page repeats and skips nothing
 * that was there when the first page was read; only small columns are read, and bodies for one page at a time.
 */
import { rankOf, sourceAt, type TimelinePlace, type TimelineSource } from '../../domain/timeline/timeline';
import type { Topic } from '../../contracts/topics/topics';
import type { Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { shownAt } from '../clock';
import { Prisma } from '../../prisma/generated/client';
import { auditedType, eventType, isAbout } from '../subject-types';

/** Whose timeline. A subscription's has all that its payments' have, a customer's all that both have. */
export interface TimelineSubject {
  type: 'subscription' | 'payment' | 'customer';
  id: string;
}

/** What of a timeline is read. */
export interface ReadableEntries {
  sources: readonly TimelineSource[];
  topics: readonly Topic[];
  /** Transactions that concern no subscription are the customer's alone. */
  ledger: 'all' | 'of_subscriptions';
}

interface IndexRow {
  at: Date;
  recorded_at: Date;
  rank: number;
  id: string;
  number: bigint;
}

/** Before every entry. */
const beginning: TimelinePlace = { atMs: 0, recordedMs: 0, source: 'webhook_delivery', id: '', number: 0n };

/** At most `limit` places of entries that may be read. @param after null: from the first one on */
export async function timelinePlaces(
  db: Database,
  subject: TimelineSubject,
  readable: ReadableEntries,
  after: TimelinePlace | null,
  limit: number,
): Promise<TimelinePlace[]> {
  if (readable.sources.length === 0) return [];
  const { atMs, recordedMs, source, id, number } = after ?? beginning;
  const happened = Prisma.sql`coalesce(entry.at, ${shownAt(clockOf(subject), Prisma.sql`entry.recorded_at`)},
    entry.recorded_at)`;
  const rows = await sql(db).query<IndexRow[]>`
    WITH ${subjects(subject)}
    SELECT at, recorded_at, rank, id, number FROM (
      SELECT ${happened} AS at, recorded_at, rank, id COLLATE "C" AS id, number FROM (${entries(subject, readable)}) AS entry
    ) AS placed
    WHERE (at, recorded_at, rank, id, number) > (${new Date(atMs)}::timestamptz, ${new Date(recordedMs)}::timestamptz,
      ${rankOf(source)}::int, ${id}, ${number}::bigint)
    ORDER BY at, recorded_at, rank, id, number
    LIMIT ${limit}`;
  return rows.flatMap((row) => {
    const source = sourceAt(row.rank);
    const instants = { atMs: row.at.getTime(), recordedMs: row.recorded_at.getTime() };
    return source === undefined ? [] : [{ ...instants, source, id: row.id, number: row.number }];
  });
}

/** The test clock of the customer; null: their time is real. */
function clockOf({ type, id }: TimelineSubject): Prisma.Sql {
  if (type === 'subscription') return Prisma.sql`(SELECT test_clock_id FROM subscriptions WHERE id = ${id})`;
  const customer = type === 'customer' ? Prisma.sql`${id}` : Prisma.sql`(SELECT customer_id FROM paid)`;
  return Prisma.sql`(SELECT test_clock_id FROM customers WHERE customers.id = ${customer})`;
}

/** What rows of other tables name, by kind and id: the payments, and every subject of an event or a decision. */
function subjects({ type, id }: TimelineSubject): Prisma.Sql {
  const column = { subscription: 'subscription_id', payment: 'id', customer: 'customer_id' }[type];
  const own =
    type === 'customer'
      ? Prisma.sql`SELECT 'customer' AS kind, ${id} AS id
          UNION ALL SELECT 'subscription', id FROM subscriptions WHERE customer_id = ${id}`
      : Prisma.sql`SELECT ${type}::text AS kind, ${id} AS id`;
  const named = Prisma.sql`named`;
  const askedOf = Prisma.sql`(SELECT kind, id FROM named UNION ALL SELECT 'event', event_id FROM events)`;
  return Prisma.sql`
    own AS MATERIALIZED (${own}),
    paid AS MATERIALIZED (SELECT id, customer_id FROM payments WHERE ${Prisma.raw(column)} = ${id}),
    named AS MATERIALIZED (
      SELECT kind, id FROM own
      UNION SELECT 'payment', id FROM paid
      UNION SELECT 'refund', id FROM refunds WHERE payment_id IN (SELECT id FROM paid)
      UNION SELECT 'webhook_delivery', id FROM webhook_deliveries WHERE payment_id IN (SELECT id FROM paid)
    ),
    events AS MATERIALIZED (
      SELECT id, event_id, topic, created_at FROM outbox_events AS t
      WHERE ${isAbout(eventType, Prisma.sql`t.subject`, named)}
    ),
    tasks AS MATERIALIZED (
      SELECT id, created_at, status, resolved_at FROM operator_tasks AS t
      WHERE ${isAbout(Prisma.sql`t.subject_type`, Prisma.sql`t.subject_id`, askedOf)}
    ),
    audited AS MATERIALIZED (SELECT kind, id FROM named UNION SELECT 'operator_task', id FROM tasks)`;
}

/** Of rows that a number alone distinguishes. */
const noId = '-';

/** Which transactions of the ledger: each by an index that there is. */
function ofLedger({ type, id }: TimelineSubject): Prisma.Sql {
  if (type === 'subscription') return Prisma.sql`subscription_id = ${id}`;
  if (type === 'customer') return Prisma.sql`customer_id = ${id}`;
  return Prisma.sql`customer_id IN (SELECT customer_id FROM paid) AND payment_id = ${id}`;
}

/**
 * The places of one source's rows.
 * @param at when it happened; most rows have the real instant alone, from which follows what the customer's clock showed
 */
function branch(
  source: TimelineSource,
  recordedAt: string,
  id: string,
  number: string,
  from: Prisma.Sql,
  at = 'NULL::timestamptz',
): Prisma.Sql {
  return Prisma.sql`SELECT ${Prisma.raw(at)} AS at, ${Prisma.raw(recordedAt)} AS recorded_at,
    ${rankOf(source)}::int AS rank, ${Prisma.raw(id)} AS id, ${Prisma.raw(number)}::bigint AS number FROM ${from}`;
}

/** One query for each source that may be read. */
function entries(subject: TimelineSubject, { sources, topics, ledger }: ReadableEntries): Prisma.Sql {
  const ofPayments = Prisma.sql`payment_id IN (SELECT id FROM paid)`;
  const ofCustomers = ledger === 'all' ? Prisma.empty : Prisma.sql` AND subscription_id IS NOT NULL`;
  const one = '0';
  const counted = `'${noId}'::text`;
  const branches: Readonly<
    Record<TimelineSource, readonly [string, string, string, Prisma.Sql, at?: string]>
  > = {
    webhook_delivery: ['created_at', 'id', one, Prisma.sql`webhook_deliveries WHERE ${ofPayments}`],
    retry_request: ['requested_at', 'id', one, Prisma.sql`retry_requests WHERE ${ofPayments}`],
    attempt: [
      'started_at',
      'payment_id',
      'number',
      Prisma.sql`payment_attempts WHERE ${ofPayments}`,
      'began_at',
    ],
    refund: ['created_at', 'id', one, Prisma.sql`refunds WHERE ${ofPayments}`, 'at'],
    change: [
      'at',
      'subject_id',
      'version',
      Prisma.sql`changes WHERE subject_id IN (SELECT id FROM own WHERE kind = 'subscription')`,
    ],
    ledger_transaction: [
      'recorded_at',
      'customer_id',
      'seq',
      Prisma.sql`ledger_transactions WHERE ${ofLedger(subject)}${ofCustomers}`,
      'at',
    ],
    retry_plan: ['created_at', 'payment_id', 'sequence', Prisma.sql`retry_plans WHERE ${ofPayments}`],
    retry_refusal: [
      'settled_at',
      'id',
      one,
      Prisma.sql`retry_requests WHERE ${ofPayments} AND status = 'refused' AND settled_at IS NOT NULL`,
    ],
    operator_task: ['created_at', 'id', one, Prisma.sql`tasks`],
    task_resolution: [
      'resolved_at',
      'id',
      one,
      Prisma.sql`tasks WHERE status = 'resolved' AND resolved_at IS NOT NULL`,
    ],
    event: ['created_at', counted, 'id', Prisma.sql`events WHERE topic = ANY(${[...topics]}::text[])`],
    audit: [
      'at',
      counted,
      'id',
      Prisma.sql`audit_log AS t WHERE action NOT LIKE 'GET %'
        AND ${isAbout(auditedType, Prisma.sql`t.subject_id`, Prisma.sql`audited`)}`,
    ],
  };
  return Prisma.join(
    sources.map((source) => branch(source, ...branches[source])),
    ' UNION ALL ',
  );
}
