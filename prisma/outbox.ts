/**
 * The outbox: what is committed with a change and published by the relay, the only way to Kafka.
 *
 * Invariants: an event id is written once; for one key, order of ids is order of commits (its writers take turns
 * before the id is drawn); a key stays in one shard.
 */
import { createHash } from 'node:crypto';
import { writeEnvelope, type NewEvent } from '../contracts/envelope';
import type { EventTopic } from '../contracts/events';
import { runPrepared, type Database, type Transaction } from './client';

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
export async function appendToOutbox<T extends EventTopic>(
  tx: Transaction,
  event: NewEvent<T>,
  time: Date,
): Promise<void> {
  const payload = writeEnvelope(event, time);
  const shard = outboxShard(event.key);
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended(${event.key}, 0))::text`;
  await tx.$executeRaw`
    WITH written AS (
      INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload, created_at)
      VALUES (${event.id}, ${event.topic}, ${event.key}, ${shard}, ${event.subject}, ${payload}, ${time})
      ON CONFLICT (event_id) DO NOTHING
      RETURNING shard
    )
    SELECT pg_notify(${outboxChannel}, shard::text) FROM written`;
}

/** {@link outboxShard} of the column `key`. */
const shardOfKey = `get_byte(sha256(convert_to(key, 'UTF8')), 3) % ${outboxShards}`;

/**
 * The same as CTEs of one prepared statement, for whoever has no other round trip to spare. They end with `written`,
 * whose `shard` is to be passed to {@link hintSoon}.
 * @param cause a CTE with `key` and `subject`: the event is written when that has a row, and after it
 * @param values SQL of what is written; parameters of the statement
 */
export function outboxCtes(
  topic: EventTopic,
  cause: string,
  values: { eventId: string; payload: string; time: string },
): string {
  return `
    turn AS MATERIALIZED (
      SELECT key, subject, pg_advisory_xact_lock(hashtextextended(key, 0)) FROM ${cause}
    ),
    written AS (
      INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload, created_at)
      SELECT ${values.eventId}, '${topic}', key, ${shardOfKey}, subject, ${values.payload}, ${values.time} FROM turn
      ON CONFLICT (event_id) DO NOTHING
      RETURNING shard
    )`;
}

const hintDelayMs = 5;
const waitingHints = new WeakMap<Database, Set<number>>();

/**
 * Hints that something was committed, soon and for several at once: transactions that notify commit one after the other,
 * which the fast ones cannot afford. A hint that is lost is made up for by the relay's own looking.
 */
export function hintSoon(db: Database, shard: number): void {
  const waiting = waitingHints.get(db);
  if (waiting !== undefined) {
    waiting.add(shard);
    return;
  }
  const shards = new Set([shard]);
  waitingHints.set(db, shards);
  setTimeout(() => {
    waitingHints.delete(db);
    const text = 'SELECT pg_notify($1, shard::text) FROM unnest($2::int[]) AS shard';
    runPrepared(db, 'hint_outbox', text, [outboxChannel, [...shards]]).catch(() => undefined);
  }, hintDelayMs).unref();
}
