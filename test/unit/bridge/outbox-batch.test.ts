import { setTimeout as sleep } from 'node:timers/promises';
import { RecordRefused, type RecordProducer } from '../../../bridge/kafka/port';
import { publishBatch } from '../../../bridge/relay/outbox-batch';
import type { RelayConnection } from '../../../bridge/relay/relay-connection';
import { closeDatabase, createDatabase } from '../../../prisma/client';
import { silentLog } from '../../support/kafka/fresh-kafka';

const topic = 'subscriptions.updated';
const payloads = ['1', '2', '3', '4'];
const waiting = payloads.map((payload) => ({
  id: payload,
  event_id: `event/${payload}`,
  topic,
  key: 'sub_1',
  bytes: payload.length,
  found: payloads.length,
  payload,
}));

/** Finds the rows of `waiting`, and takes every mark. */
const connection: RelayConnection = {
  query: async ({ name }) => ({
    rows: name === 'oldest-of-shard' ? (waiting as never[]) : [],
    rowCount: waiting.length,
    command: '',
    oid: 0,
    fields: [],
  }),
  lost: new Promise<never>(() => undefined),
  close: async () => undefined,
};

/** Takes records one at a time only, and is the quicker about a record the later it comes in the shard. */
function producerOfSingles(written: unknown[]): RecordProducer {
  return {
    maxValueBytes: 1_000,
    async send(records) {
      if (records.length > 1) throw new RecordRefused('record_list_too_large');
      for (const { value } of records) {
        await sleep(50 - 10 * Number(value));
        written.push(value);
      }
      return records.map((_, index) => ({ partition: 0, offset: String(written.length - 1 + index) }));
    },
    partitionOf: async () => 0,
    close: async () => undefined,
  };
}

describe('publishBatch', () => {
  it('keeps the order of a key when Kafka refuses the batch and takes its halves only', async () => {
    const written: unknown[] = [];
    // Nothing is parked, so nothing connects.
    const db = createDatabase('postgresql://127.0.0.1:1/none', 1);
    const deps = { connection, producer: producerOfSingles(written), db, log: silentLog };
    expect(await publishBatch(deps, 0)).toBe(false);
    await closeDatabase(db);
    expect(written).toEqual(payloads);
  });
});
