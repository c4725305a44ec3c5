/**
 * The relay with a backlog: rows per second out of PostgreSQL into Kafka, its CPU and its memory.
 *
 * The topics are read afterwards, and the order of each key is checked. Not measured: several brokers, replicas, a
 * network between the machines, writers beside the relay.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { Client } from 'pg';
import { pino } from 'pino';
import { kafkaFrom } from '../../bin/kafka';
import { provisionTopics } from '../../bin/provision';
import { loadConfig } from '../../config';
import { migrate, migrationsFolder } from '../../prisma/migrate';
import { outboxShard } from '../../billing/outbox';
import type { Usage } from './relay-process';

const keyCount = 1_000;
const topic = 'subscriptions.updated';
/** About what a snapshot of a subscription takes. */
const payloadBytes = 1_000;
const pollEveryMs = 250;

/** @param environment addresses of PostgreSQL and Kafka, both empty */
export async function benchRelay(
  environment: NodeJS.ProcessEnv,
  rows: number,
  report: (line: string) => void,
): Promise<void> {
  await prepare(environment);
  const db = new Client({ connectionString: environment['DATABASE_URL'] });
  await db.connect();
  try {
    await fill(db, rows);
    report(`  ${rows} rows of ${payloadBytes} bytes over ${keyCount} keys`);
    const { seconds, usages } = await drain(db, environment, rows);
    const [start, middle, end] = [0, Math.floor(usages.length / 2), usages.length - 1].map(
      (at) => usages[at],
    );
    if (start === undefined || middle === undefined || end === undefined) throw new Error('nothing was seen');
    report(`  ${Math.round(rows / seconds)} rows/s: ${seconds.toFixed(1)} s from the start of its process`);
    report(`  ${(end.cpuMs / rows).toFixed(3)} ms CPU of the relay for each record, its start included`);
    const memory = [start, middle, end].map(({ rssMib }) => rssMib.toFixed(0)).join(' / ');
    const most = Math.max(...usages.map(({ rssMib }) => rssMib)).toFixed(0);
    report(`  memory at the start / middle / end: ${memory} MiB, at most ${most} MiB`);
    report(`  ${await readBack(environment, rows)}`);
  } finally {
    await db.end();
  }
}

async function fill(db: Client, rows: number): Promise<void> {
  const keys = Array.from({ length: keyCount }, (_, index) => `sub_${index}`);
  await db.query(
    `INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload)
     SELECT 'bench/' || n, $1, k.key, k.shard, k.key,
       json_build_object('number', n, 'padding', repeat(md5(n::text), $2))::text
     FROM generate_series(1, $3::int) AS n
     JOIN unnest($4::text[], $5::int[]) WITH ORDINALITY AS k(key, shard, place) ON k.place = n % $6 + 1
     ORDER BY n`,
    [topic, Math.ceil(payloadBytes / 32), rows, keys, keys.map(outboxShard), keyCount],
  );
  await db.query('VACUUM ANALYZE outbox_events');
}

async function prepare(environment: NodeJS.ProcessEnv): Promise<void> {
  const config = loadConfig(environment);
  const log = pino({ level: 'warn' });
  await migrate(config.DATABASE_URL, migrationsFolder());
  await provisionTopics(kafkaFrom(config, log), config, log);
}

/** Starts the relay and waits until every row is marked, looking at it now and then. */
async function drain(
  db: Client,
  environment: NodeJS.ProcessEnv,
  rows: number,
): Promise<{ seconds: number; usages: Usage[] }> {
  const beganMs = performance.now();
  const relay = fork(require.resolve('./relay-process'), { env: environment });
  try {
    const usages: Usage[] = [];
    const deadlineMs = beganMs + 60_000 + rows;
    while (await isWaiting(db)) {
      if (performance.now() > deadlineMs) throw new Error('the relay takes too long');
      usages.push(await usageOf(relay));
      await sleep(pollEveryMs);
    }
    const seconds = (performance.now() - beganMs) / 1000;
    return { seconds, usages: [...usages, await usageOf(relay)] };
  } finally {
    relay.disconnect();
    await once(relay, 'exit');
  }
}

async function isWaiting(db: Client): Promise<boolean> {
  const { rowCount } = await db.query(
    'SELECT 1 FROM outbox_events WHERE published_at IS NULL AND parked_at IS NULL LIMIT 1',
  );
  return rowCount !== 0;
}

async function usageOf(relay: ChildProcess): Promise<Usage> {
  const answer = once(relay, 'message');
  relay.send('usage');
  const [usage] = (await answer) as [Usage];
  return usage;
}

/** Reads the whole topic. @throws when a record is missing or a key's records are out of order */
async function readBack(environment: NodeJS.ProcessEnv, rows: number): Promise<string> {
  const brokers = (environment['KAFKA_BROKERS'] ?? '').split(',');
  const consumer = new Kafka({ brokers, logLevel: logLevel.ERROR }).consumer({ groupId: 'bench-reader' });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const newest = new Map<string, number>();
  let distinct = 0;
  let repeated = 0;
  const complete = new Promise<void>((resolve, reject) => {
    const see = (key: string, number: number): void => {
      const before = newest.get(key) ?? 0;
      // A repeat begins again further back, and then nothing may be left out.
      if (number <= before) repeated += 1;
      else if (before !== 0 && number !== before + keyCount)
        reject(new Error(`${key}: ${number} after ${before}`));
      else {
        newest.set(key, number);
        distinct += 1;
      }
      if (distinct === rows) resolve();
    };
    void consumer.run({
      eachBatch: async ({ batch }) => {
        for (const { key, value } of batch.messages) {
          see(key?.toString() ?? '', (JSON.parse(value?.toString() ?? '{}') as { number: number }).number);
        }
      },
    });
  });
  const gaveUp = new AbortController();
  const late = sleep(60_000 + rows, undefined, { signal: gaveUp.signal }).then(() => {
    throw new Error(`only ${distinct} of ${rows} records were found in the topic`);
  });
  try {
    await Promise.race([complete, late]);
  } finally {
    gaveUp.abort();
    late.catch(() => undefined);
    await consumer.disconnect();
  }
  return `read back: every record, each key in order, ${repeated} repeated`;
}
