/**
 * The outbox: what is committed with a change and published by the relay, the only way to Kafka.
 *
 * Invariants: an event id is written once; for one key, order of ids is order of commits (its writers take turns
 * before the id is drawn); a key stays in one shard.
 */
import { createHash } from 'node:crypto';
import {
  cloudEventContentType,
  readEnvelope,
  writeEnvelope,
  type NewEvent,
  type ReadEvent,
} from '../contracts/topics/envelope';
import type { EventTopic } from '../contracts/topics/events';
import type { Database, Transaction } from '../prisma/client';
import { sql } from '../prisma/sql';

/** How many relays can publish side by side. Stored with each row: changing it needs an empty outbox. */
export const outboxShards = 8;

/** The relay listens here for a hint that something was committed. */
export const outboxChannel = 'outbox';

/** The shard of a key, 0 to {@link outboxShards} - 1. */
export function outboxShard(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) % outboxShards;
}

/**
 * Writes an event to be published when `tx` commits. Its id written before: nothing happens.
 * Take every row lock of the transaction first: the outbox comes last in the lock order.
 * @param time when it happened, real time
 */
export function appendToOutbox<T extends EventTopic>(tx: Transaction, event: NewEvent<T>, time: Date): void {
  const payload = writeEnvelope(event, time);
  const shard = outboxShard(event.key);
  // The row is made from the turn, so its id is drawn when the turn has come.
  sql(tx).enqueue`
    WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended(${event.key}, 0))),
    written AS (
      INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload, created_at)
      SELECT ${event.id}, ${event.topic}, ${event.key}, ${shard}::int, ${event.subject}, ${payload},
        ${time}::timestamptz
      FROM turn
      ON CONFLICT (event_id) DO NOTHING
      RETURNING shard
    )
    SELECT pg_notify(${outboxChannel}, shard::text) FROM written`;
}

/**
 * Writes many events at once, those of a key in their order. Keys take their turns in one order, so that two who write
 * several never wait for each other.
 */
export function appendAllToOutbox<T extends EventTopic>(
  tx: Transaction,
  events: readonly NewEvent<T>[],
  time: Date,
): void {
  if (events.length === 0) return;
  const rows = events.map((event) => ({
    event_id: event.id,
    topic: event.topic,
    key: event.key,
    shard: outboxShard(event.key),
    subject: event.subject,
    payload: writeEnvelope(event, time),
  }));
  // Sorted before its ids are drawn, and joined to the turns, so all of them have come by then.
  sql(tx).enqueue`
    WITH given AS MATERIALIZED (
      SELECT * FROM ROWS FROM (json_to_recordset(${JSON.stringify(rows)}::json)
        AS (event_id text, topic text, key text, shard int, subject text, payload text)) WITH ORDINALITY
        AS given(event_id, topic, key, shard, subject, payload, place)
    ),
    keys AS MATERIALIZED (SELECT DISTINCT hashtextextended(key, 0) AS turn FROM given ORDER BY turn),
    turns AS MATERIALIZED (SELECT pg_advisory_xact_lock(turn) FROM keys),
    held AS MATERIALIZED (SELECT count(*) FROM turns),
    written AS (
      INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload, created_at)
      SELECT event_id, topic, key, shard, subject, payload, ${time}::timestamptz FROM given, held ORDER BY place
      ON CONFLICT (event_id) DO NOTHING
      RETURNING shard
    )
    SELECT pg_notify(${outboxChannel}, shard::text) FROM (SELECT DISTINCT shard FROM written) AS shards`;
}

/**
 * Reads an event of ours as its consumers read it, so that what a record says can be held against it.
 * @returns null when no such event was written on the topic; `forgotten` when its content is no longer kept
 */
export async function findOwnEvent<T extends EventTopic>(
  on: Database | Transaction,
  topic: T,
  eventId: string,
): Promise<ReadEvent<T> | 'forgotten' | null> {
  const [row] = await sql(on).query<{ key: string; payload: string | null }[]>`
    SELECT key, payload FROM outbox_events WHERE event_id = ${eventId} AND topic = ${topic}`;
  if (row === undefined) return null;
  if (row.payload === null) return 'forgotten';
  return readEnvelope(topic, {
    headers: { 'content-type': cloudEventContentType },
    key: Buffer.from(row.key),
    value: Buffer.from(row.payload),
  });
}

/** Whether an event was written, published or not. */
export async function wasEventWritten(on: Database | Transaction, eventId: string): Promise<boolean> {
  const rows = await sql(on).query`SELECT FROM outbox_events WHERE event_id = ${eventId}`;
  return rows.length > 0;
}

/** Reads the ids of the events about a subject on one topic. */
export async function eventIdsAbout(
  tx: Transaction,
  subject: string,
  topic: EventTopic,
): Promise<ReadonlySet<string>> {
  const rows = await sql(tx).query<{ event_id: string }[]>`
    SELECT event_id FROM outbox_events WHERE subject = ${subject} AND topic = ${topic}`;
  return new Set(rows.map(({ event_id }) => event_id));
}

/** {@link outboxShard} of the column `key`. */
const shardOfKey = `get_byte(sha256(convert_to(key, 'UTF8')), 3) % ${outboxShards}`;

/**
 * {@link appendAllToOutbox} as CTEs of one prepared statement, for whoever has no other round trip to spare. They end
 * with `written`: `event_id` and `shard`, which is to be passed to {@link hintSoon}.
 * @param cause a CTE with `key`, `event_id`, `subject`, `payload`, `created_at` and `place`, the order of what has one
 * key: each row is an event, written after all rows are there
 */
export function outboxCtes(topic: EventTopic, cause: string): string {
  return `
    keys AS MATERIALIZED (SELECT DISTINCT hashtextextended(key, 0) AS turn FROM ${cause} ORDER BY turn),
    turns AS MATERIALIZED (SELECT pg_advisory_xact_lock(turn) FROM keys),
    held AS MATERIALIZED (SELECT count(*) FROM turns),
    written AS (
      INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload, created_at)
      SELECT event_id, '${topic}', key, ${shardOfKey}, subject, payload, created_at FROM ${cause}, held ORDER BY place
      ON CONFLICT (event_id) DO NOTHING
      RETURNING event_id, shard
    )`;
}

const hintDelayMs = 10;
const waitingHints = new WeakMap<Database, Set<number>>();

/**
 * Hints that something was committed in these shards, soon and for several at once: transactions that notify commit one
 * after the other, which the fast ones cannot afford. A hint that is lost is made up for by the relay's own looking.
 */
export function hintSoon(db: Database, committed: readonly number[]): void {
  const waiting = waitingHints.get(db);
  if (waiting !== undefined) {
    for (const shard of committed) waiting.add(shard);
    return;
  }
  const shards = new Set(committed);
  waitingHints.set(db, shards);
  setTimeout(() => {
    waitingHints.delete(db);
    sql(db)
      .execute`SELECT pg_notify(${outboxChannel}, shard::text) FROM unnest(${[...shards]}::int[]) AS shard`.catch(
      () => undefined,
    );
  }, hintDelayMs).unref();
}
