import type { KafkaClient } from '../../../bridge/kafka/port';
import { oldestOfShard } from '../../../bridge/relay/outbox-batch';
import { openRelayConnection } from '../../../bridge/relay/relay-connection';
import { openOutbox, numberOf, ordersOf, type TestOutbox } from './outbox';

const keys = ['sub_a', 'sub_b', 'sub_c', 'sub_d', 'sub_e'];

let given: TestOutbox;
beforeAll(async () => {
  given = await openOutbox(keys);
});
afterEach(() => given.closeRelays());
afterAll(() => given.end());

/** A client whose producer does something else at its sends. */
function clientWithSend(
  send: (
    original: Awaited<ReturnType<KafkaClient['producer']>>['send'],
  ) => Awaited<ReturnType<KafkaClient['producer']>>['send'],
): KafkaClient {
  return {
    ...given.kafka.client,
    async producer() {
      const producer = await given.kafka.client.producer();
      return { ...producer, send: send(producer.send) };
    },
  };
}

describe('the relay', () => {
  it('publishes each key in order and writes back where a plain consumer finds the record', async () => {
    const numbers = await given.commit(300);
    given.relay();
    await Promise.all([given.seen(numbers), given.marked()]);
    const { rows } = await given.db.query<{ event_id: string; partition: number; offset: string }>(
      'SELECT event_id, partition, "offset" FROM outbox_events',
    );
    const places = new Map(rows.map((row) => [row.event_id, `${row.partition}/${row.offset}`]));
    expect(
      new Map(
        given.read.map((record) => [
          `event/${numberOf(record)}`,
          `${record.partition}/${record.message.offset}`,
        ]),
      ),
    ).toEqual(places);
    for (const order of ordersOf(given.read).values()) {
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
    expect(given.read[0]?.message.headers?.['content-type']?.toString()).toBe('application/cloudevents+json');
  });

  it('repeats, and loses nothing, when it dies between the sending and the marking', async () => {
    let died = 0;
    const dying = clientWithSend((send) => async (records) => {
      const places = await send(records);
      if (died >= 2) return places;
      died += 1;
      throw new Error('the process died here');
    });
    const numbers = await given.commit(20);
    given.relay(dying);
    await Promise.all([given.seen(numbers), given.marked()]);
    const count = (number: number) => given.read.filter((record) => numberOf(record) === number).length;
    expect(died).toBe(2);
    expect(numbers.some((number) => count(number) > 1)).toBe(true);
  });

  it('gets a backlog through that is larger than what a broker takes at once', async () => {
    const numbers = await given.commit(30, 'x'.repeat(200_000));
    given.relay();
    await Promise.all([given.seen(numbers), given.marked()]);
    expect(numbers).toHaveLength(30);
  });

  it('goes on when PostgreSQL ends its connection', async () => {
    given.relay();
    await given.allOwned();
    const numbers = await given.commit(50);
    for (const pid of (await given.owners()).keys())
      await given.db.query('SELECT pg_terminate_backend($1)', [pid]);
    const more = await given.commit(50);
    await Promise.all([given.seen([...numbers, ...more]), given.marked()]);
    await given.allOwned();
  });

  it('finds what waits by its own index, also when nearly everything waits by the statistics', async () => {
    await given.db.query(
      `INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload, parked_at)
       SELECT 'many/' || n, 'subscriptions.updated', 'sub_a', n % 8, 'sub_a', repeat('x', 500), NULL
       FROM generate_series(1, 20000) AS n`,
    );
    await given.db.query('ANALYZE outbox_events');
    const connection = await openRelayConnection(given.database.url, 'nothing', () => undefined);
    const values = [3, 500, 700_000, 1_000_000].join(', ');
    await connection.query({ text: `PREPARE oldest (int, bigint, bigint, bigint) AS ${oldestOfShard}` });
    const plans = [];
    // The sixth is planned for any parameters.
    for (let turn = 0; turn < 6; turn += 1) {
      const { rows } = await connection.query<{ 'QUERY PLAN': string }>({
        text: `EXPLAIN EXECUTE oldest (${values})`,
      });
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
    }
    await connection.close();
    await given.db.query(`DELETE FROM outbox_events WHERE event_id LIKE 'many/%'`);
    for (const plan of plans) {
      expect(plan).toContain('Index Scan using outbox_events_unpublished');
      expect(plan).not.toContain('Sort');
    }
  });

  it('goes on when the client of Kafka has used up its retries', async () => {
    let failures = 0;
    const failing = clientWithSend((send) => async (records) => {
      failures += 1;
      if (failures > 3) return send(records);
      throw new Error('the retries are used up');
    });
    const numbers = await given.commit(20);
    given.relay(failing);
    await Promise.all([given.seen(numbers), given.marked()]);
    expect(failures).toBeGreaterThan(3);
  });
});
