/** An outbox with rows to publish, the relays that publish them, and a plain consumer that reads what they wrote. */
import { Client } from 'pg';
import type { KafkaClient } from '../../../bridge/kafka/port';
import type { Pulse } from '../../../bridge/pulse';
import { startRelay, type Relay } from '../../../bridge/relay/relay';
import { closeDatabase, createDatabase, type Database } from '../../../prisma/client';
import { outboxShard, outboxShards } from '../../../billing/outbox';
import { createTestDatabase, type TestDatabase } from '../../support/servers/database';
import { freshKafka, silentLog, type FreshKafka, type ReadRecord } from '../../support/kafka/fresh-kafka';
import { until } from '../../support/until';

const topic = 'subscriptions.updated';

export interface TestOutbox {
  kafka: FreshKafka;
  database: TestDatabase;
  db: Client;
  prisma: Database;
  /** What came to the topic so far; grows. */
  read: ReadRecord[];
  relay(client?: KafkaClient, databaseUrl?: string, pulse?: Pulse): Relay;
  /** Commits `count` events without a hint, spread over the keys; each has its number as payload. */
  commit(count: number, padding?: string): Promise<number[]>;
  /** Waits until all of them were read. */
  seen(numbers: readonly number[]): Promise<unknown>;
  /** Waits until no row is left to publish. */
  marked(): Promise<unknown>;
  /** The relays' connections and the shards that each holds. */
  owners(): Promise<Map<number, number[]>>;
  /** Waits until each shard has its one owner, and the owners hold so many each, in any order. */
  allOwned(parts?: readonly number[]): Promise<unknown>;
  /** Closes the relays that were started. */
  closeRelays(): Promise<void>;
  end(): Promise<void>;
}

/** @param keys of the events */
export async function openOutbox(keys: readonly string[]): Promise<TestOutbox> {
  const [kafka, database] = await Promise.all([freshKafka(), createTestDatabase()]);
  const db = new Client({ connectionString: database.url });
  await db.connect();
  const prisma = createDatabase(database.url, 3);
  const read = await kafka.read(topic);
  const relays: Relay[] = [];
  const owners = () => readOwners(db);
  let written = 0;
  return {
    kafka,
    database,
    db,
    prisma,
    read,
    owners,
    relay(client = kafka.client, databaseUrl = database.url, pulse?: Pulse) {
      const started = startRelay({ databaseUrl, db: prisma, kafka: client, log: silentLog, pulse });
      relays.push(started);
      return started;
    },
    async commit(count, padding = '') {
      const numbers = Array.from({ length: count }, () => (written += 1));
      for (const number of numbers) {
        const key = keys[number % keys.length] as string;
        await db.query(
          `INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload) VALUES ($1, $2, $3, $4, $3, $5)`,
          [`event/${number}`, topic, key, outboxShard(key), JSON.stringify({ number, padding })],
        );
      }
      return numbers;
    },
    seen: (numbers) =>
      until('every record was read', async () => {
        const all = new Set(read.map(numberOf));
        return numbers.every((number) => all.has(number));
      }),
    marked: () =>
      until('every row is marked', async () => {
        const { rowCount } = await db.query(
          'SELECT 1 FROM outbox_events WHERE published_at IS NULL AND parked_at IS NULL',
        );
        return rowCount === 0;
      }),
    allOwned: (parts) =>
      until('each shard has its one owner', async () => {
        const held = [...(await owners()).values()];
        const sizes = held.map((shards) => shards.length).toSorted((a, b) => b - a);
        const shards = held.flat();
        const complete = shards.length === outboxShards && new Set(shards).size === outboxShards;
        return complete && (parts === undefined || String(sizes) === String(parts));
      }),
    async closeRelays() {
      await Promise.all(relays.splice(0).map((relay) => relay.close()));
    },
    async end() {
      await Promise.all([db.end(), closeDatabase(prisma)]);
      await Promise.all([kafka.end(), database.drop()]);
    },
  };
}

/** The number that an event was committed with. */
export function numberOf({ message }: ReadRecord): number {
  return (JSON.parse(message.value?.toString() ?? '{}') as { number: number }).number;
}

/** The numbers of each key as they were read, repeats taken out. */
export function ordersOf(read: readonly ReadRecord[]): Map<string, number[]> {
  const orders = new Map<string, Set<number>>();
  for (const record of read) {
    const key = record.message.key?.toString() ?? '';
    orders.set(key, (orders.get(key) ?? new Set()).add(numberOf(record)));
  }
  return new Map([...orders].map(([key, numbers]) => [key, [...numbers]]));
}

async function readOwners(db: Client): Promise<Map<number, number[]>> {
  const { rows } = await db.query<{ pid: number; shard: number }>(
    `SELECT l.pid, l.objid::int AS shard FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND a.datname = current_database()
       AND a.application_name = 'perennial-relay'`,
  );
  const owned = new Map<number, number[]>();
  for (const { pid, shard } of rows) owned.set(pid, [...(owned.get(pid) ?? []), shard]);
  return owned;
}
