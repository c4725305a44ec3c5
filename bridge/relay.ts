/**
 * The relay: from the outbox to Kafka, the only producer of the product's topics.
 *
 * Invariants: one relay at a time works on a shard (session advisory lock on a connection of its own); rows of a
 * shard are sent in the order of their ids and marked afterwards, so a crash repeats some and loses none; each row
 * learns its partition and offset.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from 'pino';
import { cloudEventContentType } from '../contracts/envelope';
import { outboxChannel, outboxShards } from '../prisma/outbox';
import type { KafkaClient, RecordProducer } from './kafka/port';

/** First key of the advisory locks; the second is the shard. */
const lockSpace = 7_351_902;
const batchSize = 500;
/** A broker refuses more than 1 MiB in one batch of a partition; more than that at once would never get through. */
const batchBytes = 700_000;
/** Polling is the floor under the hints; so long a lost hint delays a record. */
const pollMs = 500;
const shardCheckMs = 2_000;
const reconnectMs = 1_000;
/** A connection that does not answer is given up, and PostgreSQL gives up one whose relay has vanished. */
const answerWithinMs = 15_000;
const closeWithinMs = 5_000;

export interface RelayDependencies {
  databaseUrl: string;
  kafka: KafkaClient;
  log: Logger;
}

export interface Relay {
  /** Finishes the batch in hand and gives the shards to others. */
  close(): Promise<void>;
}

interface OutboxRow {
  id: string;
  event_id: string;
  topic: string;
  key: string;
  payload: string;
}

/** Starts relaying; it goes on through every failure of PostgreSQL or Kafka until it is closed. */
export function startRelay(deps: RelayDependencies): Relay {
  const state: RelayState = { stopping: false, hinted: false, wake: () => undefined };
  const running = (async () => {
    while (!state.stopping) {
      try {
        await relayUntilFailure(deps, state);
      } catch (error) {
        deps.log.warn({ err: error }, 'the relay lost PostgreSQL or Kafka; it starts again');
        await pause(state, reconnectMs);
      }
    }
  })();
  return {
    async close() {
      state.stopping = true;
      state.wake();
      await running;
    },
  };
}

interface RelayState {
  stopping: boolean;
  /** Something was committed since the last look. */
  hinted: boolean;
  wake: () => void;
}

async function relayUntilFailure(
  { databaseUrl, kafka, log }: RelayDependencies,
  state: RelayState,
): Promise<void> {
  const connection = new Client({
    connectionString: databaseUrl,
    application_name: 'perennial-relay',
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    query_timeout: answerWithinMs,
    options: '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3',
  });
  const lost = new Promise<never>((_, reject) => {
    connection.on('error', reject);
    connection.on('end', () => reject(new Error('the connection to PostgreSQL ended')));
  });
  lost.catch(() => undefined);
  let producer: RecordProducer | undefined;
  try {
    await connection.connect();
    connection.on('notification', () => {
      state.hinted = true;
      state.wake();
    });
    await connection.query(`LISTEN ${outboxChannel}`);
    producer = await kafka.producer();
    await Promise.race([relayShards(connection, producer, log, state), lost]);
  } finally {
    await atMost(closeWithinMs, Promise.allSettled([producer?.close(), connection.end()]));
  }
}

/** A peer that has vanished does not answer a farewell. */
async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([work, sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
}

async function relayShards(
  connection: Client,
  producer: RecordProducer,
  log: Logger,
  state: RelayState,
): Promise<void> {
  const owned = new Set<number>();
  let shardsCheckedAtMs = -Infinity;
  while (!state.stopping) {
    if (owned.size < outboxShards && performance.now() - shardsCheckedAtMs > shardCheckMs) {
      await takeFreeShards(connection, owned, log);
      shardsCheckedAtMs = performance.now();
    }
    state.hinted = false;
    let published = 0;
    for (const shard of owned) {
      if (state.stopping) return;
      published += await publishBatch(connection, producer, shard);
    }
    if (published === 0 && !state.hinted) await pause(state, pollMs);
  }
}

async function takeFreeShards(connection: Client, owned: Set<number>, log: Logger): Promise<void> {
  for (let shard = 0; shard < outboxShards; shard += 1) {
    if (owned.has(shard)) continue;
    const { rows } = await connection.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_lock($1, $2) AS taken',
      [lockSpace, shard],
    );
    if (rows[0]?.taken !== true) continue;
    owned.add(shard);
    log.debug({ shard }, 'the relay took a shard');
  }
}

/** @returns how many records were published */
async function publishBatch(connection: Client, producer: RecordProducer, shard: number): Promise<number> {
  const { rows } = await connection.query<OutboxRow>(
    `SELECT id, event_id, topic, key, payload FROM (
       SELECT *, sum(octet_length(payload)) OVER (ORDER BY id) - octet_length(payload) AS bytes_before
       FROM (SELECT * FROM outbox_events WHERE published_at IS NULL AND shard = $1 ORDER BY id LIMIT $2) AS oldest
     ) AS batch
     WHERE bytes_before <= $3 ORDER BY id`,
    [shard, batchSize, batchBytes],
  );
  if (rows.length === 0) return 0;
  const written = await producer.send(
    rows.map(({ topic, key, payload }) => ({
      topic,
      key,
      value: payload,
      headers: { 'content-type': cloudEventContentType },
    })),
  );
  await connection.query(
    `UPDATE outbox_events AS o SET published_at = now(), partition = w.partition, "offset" = w.offset
     FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS w(id, partition, "offset")
     WHERE o.id = w.id`,
    [
      rows.map(({ id }) => id),
      written.map(({ partition }) => partition),
      written.map(({ offset }) => offset),
    ],
  );
  return rows.length;
}

/** Waits for a hint or for the time to pass. */
function pause(state: RelayState, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    state.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
