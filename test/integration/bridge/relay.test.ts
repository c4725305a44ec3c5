import { Client } from 'pg';
import type { KafkaClient } from '../../../bridge/kafka/port';
import { startRelay, type Relay } from '../../../bridge/relay';
import { outboxShard, outboxShards } from '../../../prisma/outbox';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { freshKafka, quiet, type FreshKafka, type ReadRecord } from '../../support/topics';
import { until } from '../../support/until';

const topic = 'subscriptions.updated';
const keys = ['sub_a', 'sub_b', 'sub_c', 'sub_d', 'sub_e'];

let kafka: FreshKafka;
let database: TestDatabase;
let db: Client;
let read: ReadRecord[];
const relays: Relay[] = [];
beforeAll(async () => {
  [kafka, database] = await Promise.all([freshKafka(), createTestDatabase()]);
  db = new Client({ connectionString: database.url });
  await db.connect();
  read = await kafka.read(topic);
});
afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.close()));
});
afterAll(async () => {
  await db.end();
  await Promise.all([kafka.end(), database.drop()]);
});

function relay(client: KafkaClient = kafka.client, databaseUrl = database.url): Relay {
  const started = startRelay({ databaseUrl, kafka: client, log: quiet });
  relays.push(started);
  return started;
}

let written = 0;
/** Commits `count` events without a hint, spread over the keys; each has its number as payload. */
async function commit(count: number, padding = ''): Promise<number[]> {
  const numbers = Array.from({ length: count }, () => (written += 1));
  for (const number of numbers) {
    const key = keys[number % keys.length] as string;
    await db.query(
      `INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload) VALUES ($1, $2, $3, $4, $3, $5)`,
      [`event/${number}`, topic, key, outboxShard(key), `{"number":${number},"padding":"${padding}"}`],
    );
  }
  return numbers;
}

const numberOf = ({ message }: ReadRecord) =>
  (JSON.parse(message.value?.toString() ?? '{}') as { number: number }).number;
const seen = (numbers: readonly number[]) =>
  until('every record was read', async () => {
    const all = new Set(read.map(numberOf));
    return numbers.every((number) => all.has(number));
  });
const marked = () =>
  until('every row is marked', async () => {
    const { rowCount } = await db.query('SELECT 1 FROM outbox_events WHERE published_at IS NULL');
    return rowCount === 0;
  });
/** The relays' connections and the shards that each holds. */
async function owners(): Promise<Map<number, number[]>> {
  const { rows } = await db.query<{ pid: number; shard: number }>(
    `SELECT l.pid, l.objid::int AS shard FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND a.datname = current_database() AND a.application_name = 'perennial-relay'`,
  );
  const owned = new Map<number, number[]>();
  for (const { pid, shard } of rows) owned.set(pid, [...(owned.get(pid) ?? []), shard]);
  return owned;
}
const allOwned = () =>
  until('each shard has its one owner', async () => {
    const shards = [...(await owners()).values()].flat();
    return shards.length === outboxShards && new Set(shards).size === outboxShards;
  });

describe('the relay', () => {
  it('publishes each key in order and writes back where a plain consumer finds the record', async () => {
    const numbers = await commit(300);
    relay();
    await Promise.all([seen(numbers), marked()]);
    const { rows } = await db.query<{ event_id: string; partition: number; offset: string }>(
      'SELECT event_id, partition, "offset" FROM outbox_events',
    );
    const places = new Map(rows.map((row) => [row.event_id, `${row.partition}/${row.offset}`]));
    expect(
      new Map(
        read.map((record) => [`event/${numberOf(record)}`, `${record.partition}/${record.message.offset}`]),
      ),
    ).toEqual(places);
    for (const key of keys) {
      const order = read.filter(({ message }) => message.key?.toString() === key).map(numberOf);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
    expect(read[0]?.message.headers?.['content-type']?.toString()).toBe('application/cloudevents+json');
  });

  it('repeats, and loses nothing, when it dies between the sending and the marking', async () => {
    let died = 0;
    const dying: KafkaClient = {
      ...kafka.client,
      async producer() {
        const producer = await kafka.client.producer();
        return {
          ...producer,
          async send(records) {
            const places = await producer.send(records);
            if (died >= 2) return places;
            died += 1;
            throw new Error('the process died here');
          },
        };
      },
    };
    const numbers = await commit(20);
    relay(dying);
    await Promise.all([seen(numbers), marked()]);
    const count = (number: number) => read.filter((record) => numberOf(record) === number).length;
    expect(died).toBe(2);
    expect(numbers.some((number) => count(number) > 1)).toBe(true);
  });

  it('gets a backlog through that is larger than what a broker takes at once', async () => {
    const numbers = await commit(30, 'x'.repeat(200_000));
    relay();
    await Promise.all([seen(numbers), marked()]);
    expect(numbers).toHaveLength(30);
  });

  it('goes on when PostgreSQL ends its connection', async () => {
    relay();
    await allOwned();
    const numbers = await commit(50);
    for (const pid of (await owners()).keys()) await db.query('SELECT pg_terminate_backend($1)', [pid]);
    const more = await commit(50);
    await Promise.all([seen([...numbers, ...more]), marked()]);
    await allOwned();
  });

  it('shares the shards with another, which takes them over when it is gone', async () => {
    const role = `relay_${database.url.slice(-12)}`;
    await db.query(`CREATE ROLE ${role} LOGIN PASSWORD 'relay'`);
    await db.query(`GRANT SELECT, UPDATE ON outbox_events TO ${role}`);
    const url = new URL(database.url);
    url.username = role;
    url.password = 'relay';
    relay(kafka.client, url.href);
    await allOwned();
    const [mortal = 0] = (await owners()).keys();
    relay();
    const before = await commit(20);
    await seen(before);
    await allOwned();
    await db.query(`ALTER ROLE ${role} NOLOGIN`);
    await db.query('SELECT pg_terminate_backend($1)', [mortal]);
    const after = await commit(20);
    await Promise.all([seen(after), marked()]);
    await allOwned();
    expect([...(await owners()).keys()]).not.toContain(mortal);
    await Promise.all(relays.splice(0).map((each) => each.close()));
    await db.query(`DROP OWNED BY ${role}`);
    await db.query(`DROP ROLE ${role}`);
  });

  it('gives its shards to others when it is closed', async () => {
    const closing = relay();
    await allOwned();
    await closing.close();
    expect((await owners()).size).toBe(0);
    relay();
    await allOwned();
  });
});
