/**
 * Publishes one batch of one shard: reads, sends and marks its rows.
 *
 * Invariants:
 * - Rows are sent in the order of their ids and marked after Kafka has acknowledged them: a crash repeats some and
 *   loses none.
 * - Each row records its partition and offset.
 * - A row that Kafka refuses for good is parked for an operator to decide about; the rows behind it are sent.
 */
import type { Logger } from 'pino';
import { cloudEventContentType } from '../../contracts/topics/envelope';
import { databaseNow, inTransaction, type Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { enqueueReopenedTask } from '../../billing/operator-tasks';
import { RecordRefused, type RecordProducer } from '../kafka/port';
import type { RelayConnection } from './relay-connection';

const batchSize = 500;
/** A broker refuses more than 1 MiB in one batch of a partition; more than that at once would never get through. */
const batchBytes = 700_000;

/**
 * Parameters: shard, rows at most, bytes at most, bytes of one row at most. The range of one shard has the planner
 * take the index of what waits, in its order: by `shard = $1` it may take the primary key for the better way.
 */
export const oldestOfShard = `
  SELECT id, event_id, topic, key, bytes, found, CASE WHEN bytes <= $4 THEN payload END AS payload FROM (
    SELECT *, sum(least(bytes, $4)) OVER (ORDER BY shard, id) AS bytes_up_to,
      row_number() OVER (ORDER BY shard, id) AS place, (count(*) OVER ())::int AS found
    FROM (
      SELECT id, shard, event_id, topic, key, payload, coalesce(octet_length(payload), 0) AS bytes
      FROM outbox_events
      WHERE published_at IS NULL AND parked_at IS NULL AND shard BETWEEN $1 AND $1
      ORDER BY shard, id LIMIT $2
    ) AS oldest
  ) AS batch
  WHERE bytes_up_to <= $3 OR place = 1 ORDER BY shard, id`;

export interface BatchDependencies {
  /** Holds the shard's lock. */
  connection: RelayConnection;
  producer: RecordProducer;
  db: Database;
  log: Logger;
}

interface WaitingRow {
  id: string;
  event_id: string;
  topic: string;
  key: string;
  bytes: number;
  /** null: too large to be read at all. */
  payload: string | null;
}

/** Those of `shards` in which rows wait. */
export async function shardsWithRows(
  connection: RelayConnection,
  shards: readonly number[],
): Promise<number[]> {
  if (shards.length === 0) return [];
  const { rows } = await connection.query<{ shard: number }>({
    name: 'shards-with-rows',
    text: `SELECT shard FROM unnest($1::int[]) AS held(shard) WHERE EXISTS (
      SELECT FROM outbox_events AS o
      WHERE published_at IS NULL AND parked_at IS NULL AND o.shard BETWEEN held.shard AND held.shard)`,
    values: [shards],
  });
  return rows.map(({ shard }) => shard);
}

/** Publishes the oldest rows of a shard. @returns whether more are known to wait */
export async function publishBatch(deps: BatchDependencies, shard: number): Promise<boolean> {
  const { rows, more } = await readOldest(deps, shard);
  if (rows.length === 0) return false;
  const tooLarge = rows.filter(({ payload }) => payload === null);
  for (const row of tooLarge) await park(deps, row, 'larger_than_client_allows');
  await publish(
    deps,
    rows.filter(({ payload }) => payload !== null),
  );
  return more;
}

/** The oldest rows that wait, as many as go into one batch but one at least. */
async function readOldest(
  { connection, producer }: BatchDependencies,
  shard: number,
): Promise<{ rows: WaitingRow[]; more: boolean }> {
  const { rows } = await connection.query<WaitingRow & { found: number }>({
    name: 'oldest-of-shard',
    text: oldestOfShard,
    values: [shard, batchSize, batchBytes, producer.maxValueBytes],
  });
  const found = rows[0]?.found ?? 0;
  return { rows, more: found === batchSize || found > rows.length };
}

/** Sends and marks. What is refused is halved until the record is alone that Kafka will never take. */
async function publish(deps: BatchDependencies, rows: readonly WaitingRow[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  try {
    await sendAndMark(deps, rows);
  } catch (error) {
    if (!(error instanceof RecordRefused)) throw error;
    if (rows.length === 1) return park(deps, first, error.reason);
    const middle = Math.ceil(rows.length / 2);
    await publish(deps, rows.slice(0, middle));
    await publish(deps, rows.slice(middle));
  }
}

async function sendAndMark(
  { connection, producer }: BatchDependencies,
  rows: readonly WaitingRow[],
): Promise<void> {
  const written = await producer.send(
    rows.map(({ topic, key, payload }) => ({
      topic,
      key,
      value: payload,
      headers: { 'content-type': cloudEventContentType },
    })),
  );
  await connection.query({
    name: 'mark-published',
    text: `UPDATE outbox_events AS o SET published_at = now(), partition = w.partition, "offset" = w.offset
       FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS w(id, partition, "offset")
       WHERE o.id = w.id`,
    values: [
      rows.map(({ id }) => id),
      written.map(({ partition }) => partition),
      written.map(({ offset }) => offset),
    ],
  });
}

/** Over the pool, not the shard's own connection: both rows are written together or not at all. */
async function park({ db, log }: BatchDependencies, row: WaitingRow, reason: string): Promise<void> {
  const { id, event_id: eventId, topic, bytes } = row;
  await inTransaction(db, async (tx) => {
    const now = await databaseNow(tx);
    const parked = await sql(tx).execute`
      UPDATE outbox_events SET parked_at = ${now}
      WHERE id = ${BigInt(id)} AND published_at IS NULL AND parked_at IS NULL`;
    if (parked === 0) return;
    const detail = `Kafka refuses this event for good (${reason}): ${bytes} bytes for ${topic}. Later events of its key went on.`;
    enqueueReopenedTask(tx, 'event_too_large', { type: 'event', id: eventId }, detail, now);
  });
  log.error({ event_id: eventId, topic, bytes, reason }, 'event parked');
}
