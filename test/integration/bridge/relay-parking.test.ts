import { ConfigResourceTypes } from 'kafkajs';
import type { KafkaClient } from '../../../bridge/kafka/port';
import { until } from '../../support/until';
import { openOutbox, numberOf, type TestOutbox } from './outbox';

const topic = 'subscriptions.updated';

let given: TestOutbox;
beforeAll(async () => {
  // One key: everything is in one shard and one partition.
  given = await openOutbox(['sub_a']);
});
afterEach(() => given.closeRelays());
afterAll(() => given.end());

async function parked(): Promise<string[]> {
  const { rows } = await given.db.query<{ event_id: string }>(
    'SELECT event_id FROM outbox_events WHERE parked_at IS NOT NULL ORDER BY id',
  );
  return rows.map(({ event_id }) => event_id);
}

async function tasks(): Promise<{ subject_id: string; status: string; detail: string }[]> {
  const { rows } = await given.db.query<{ subject_id: string; status: string; detail: string }>(
    `SELECT subject_id, status, detail FROM operator_tasks
     WHERE kind = 'event_too_large' AND subject_type = 'event' ORDER BY created_at, id`,
  );
  return rows;
}

async function allowBytes(bytes: number): Promise<void> {
  const admin = given.kafka.plain.admin();
  await admin.connect();
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: ConfigResourceTypes.TOPIC,
        name: topic,
        configEntries: [{ name: 'max.message.bytes', value: String(bytes) }],
      },
    ],
  });
  await admin.disconnect();
}

describe('an event that Kafka refuses for its size', () => {
  it('is parked with a task for an operator, and the others of its shard go on', async () => {
    const before = await given.commit(60);
    const [refused] = await given.commit(1, 'x'.repeat(2_000_000));
    const after = await given.commit(60);
    given.relay();
    await Promise.all([given.seen([...before, ...after]), given.marked()]);
    expect(await parked()).toEqual([`event/${refused}`]);
    expect(given.read.map(numberOf)).not.toContain(refused);
    expect(await tasks()).toEqual([
      {
        subject_id: `event/${refused}`,
        status: 'open',
        detail: expect.stringContaining('message_too_large'),
      },
    ]);
  });

  it('is published when it is taken out of parking after the limit was raised', async () => {
    const [refused = 0] = await given.commit(1, 'y'.repeat(1_500_000));
    given.relay();
    await until('it is parked', async () => (await parked()).includes(`event/${refused}`));
    await allowBytes(4_000_000);
    await given.db.query('UPDATE outbox_events SET parked_at = NULL WHERE event_id = $1', [
      `event/${refused}`,
    ]);
    await Promise.all([given.seen([refused]), given.marked()]);
    await allowBytes(1_048_588);
  });

  it('asks the operator again when it is refused again', async () => {
    const [refused] = await given.commit(1, 'z'.repeat(1_500_000));
    given.relay();
    const mine = async () => (await tasks()).find(({ subject_id }) => subject_id === `event/${refused}`);
    await until('it is parked', async () => (await mine())?.status === 'open');
    await given.db.query(
      `UPDATE operator_tasks SET status = 'resolved', resolved_at = now() WHERE subject_id = $1`,
      [`event/${refused}`],
    );
    await given.db.query('UPDATE outbox_events SET parked_at = NULL WHERE event_id = $1', [
      `event/${refused}`,
    ]);
    await until('it is asked again', async () => (await mine())?.status === 'open');
    expect((await parked()).filter((id) => id === `event/${refused}`)).toHaveLength(1);
  });

  it('is not even read when no client would take it', async () => {
    const cautious: KafkaClient = {
      ...given.kafka.client,
      producer: async () => ({ ...(await given.kafka.client.producer()), maxValueBytes: 5_000 }),
    };
    const before = await given.commit(5);
    const [refused] = await given.commit(1, 'w'.repeat(6_000));
    const after = await given.commit(5);
    given.relay(cautious);
    await Promise.all([given.seen([...before, ...after]), given.marked()]);
    expect(await parked()).toContain(`event/${refused}`);
    expect((await tasks()).at(-1)?.detail).toContain('larger_than_client_allows');
  });

  it('does not stop a batch that only all together is too large', async () => {
    await allowBytes(20_000);
    const parkedBefore = await parked();
    const numbers = await given.commit(40, 'v'.repeat(5_000));
    given.relay();
    await Promise.all([given.seen(numbers), given.marked()]);
    expect(await parked()).toEqual(parkedBefore);
    await allowBytes(1_048_588);
  });
});
