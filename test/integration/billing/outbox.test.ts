import { Client } from 'pg';
import type { NewEvent } from '../../../contracts/topics/envelope';
import { closeDatabase, createDatabase, inTransaction, type Database } from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import {
  appendAllToOutbox,
  appendToOutbox,
  outboxChannel,
  outboxShard,
  outboxShards,
} from '../../../billing/outbox';
import { createTestDatabase, type TestDatabase } from '../../support/servers/database';
import { until } from '../../support/until';
import { someTrace } from '../../support/trace';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, 20);
  await db.$executeRaw`CREATE TABLE commits (number bigserial, key text, event_id text)`;
});
afterAll(async () => {
  await closeDatabase(db);
  await database.drop();
});

const time = new Date('2027-01-15T12:00:00.000Z');
const event = (id: string, key: string): NewEvent<'payments.completed'> => ({
  topic: 'payments.completed',
  id,
  key,
  source: '/payment-service',
  subject: key,
  trace: someTrace,
  data: {
    payment_id: key,
    kind: 'manual',
    subscription_id: null,
    customer_id: 'cus_1',
    period_index: null,
    attempt: 1,
    amount: 1,
    currency: 'EUR',
    provider: 'sandbox',
    provider_reference: null,
    trigger: 'manual',
    settled_by: 'answer',
    completed_at: time.toISOString(),
  },
});
/** Puts the same keys into another order for each writer. */
const hashOf = (writer: number, key: string): number => {
  const [, number] = key.split('_');
  return (Number(number) * (2 * writer + 1)) % 31;
};
const append = (id: string, key: string) =>
  inTransaction(db, async (tx) => appendToOutbox(tx, event(id, key), time));

describe('the outbox', () => {
  it('numbers the events of a key in the order of their commits, also under many writers', async () => {
    const keys = ['key_a', 'key_b', 'key_c'];
    const writers = Array.from({ length: 12 }, async (_, writer) => {
      for (let turn = 0; turn < 15; turn += 1) {
        const key = keys[(writer + turn) % keys.length] as string;
        await inTransaction(db, async (tx) => {
          appendToOutbox(tx, event(`${key}/${writer}/${turn}`, key), time);
          // Drawn while the key's turn is held: this is the order in which the transactions commit.
          await sql(tx)
            .execute`INSERT INTO commits (key, event_id) VALUES (${key}, ${`${key}/${writer}/${turn}`})`;
        });
      }
    });
    await Promise.all(writers);
    for (const key of keys) {
      const byId = await db.outboxEvent.findMany({ where: { key }, orderBy: { id: 'asc' } });
      const byCommit = await db.$queryRaw<
        { event_id: string }[]
      >`SELECT event_id FROM commits WHERE key = ${key} ORDER BY number`;
      expect(byId.map(({ event_id }) => event_id)).toEqual(byCommit.map(({ event_id }) => event_id));
    }
  });

  it('lets a second writer of a key wait until the first has committed', async () => {
    const order: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = inTransaction(db, async (tx) => {
      appendToOutbox(tx, event('slow/1', 'slow'), time);
      await held;
      order.push('first');
    });
    await until('the first holds the turn', async () => {
      const locks = await db.$queryRaw<
        unknown[]
      >`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted`;
      return locks.length > 0;
    });
    const second = append('slow/2', 'slow').then(() => order.push('second'));
    await append('other/1', 'other');
    order.push('another key');
    release();
    await Promise.all([first, second]);
    expect(order).toEqual(['another key', 'first', 'second']);
  });

  it('writes an event once, whatever is repeated', async () => {
    await Promise.all(Array.from({ length: 20 }, () => append('once/1', 'once')));
    expect(await db.outboxEvent.count({ where: { event_id: 'once/1' } })).toBe(1);
  });

  it('writes nothing when its transaction fails', async () => {
    const failing = inTransaction(db, async (tx) => {
      appendToOutbox(tx, event('failed/1', 'failed'), time);
      throw new Error('something else went wrong');
    });
    await expect(failing).rejects.toThrow('something else');
    expect(await db.outboxEvent.count({ where: { key: 'failed' } })).toBe(0);
  });

  it('writes many at once, those of a key in their order, and each once', async () => {
    await append('batch/b/1', 'batch_b');
    const events = ['b/3', 'a/1', 'b/2', 'b/1', 'c/1'].map((id) => event(`batch/${id}`, `batch_${id[0]}`));
    await inTransaction(db, async (tx) => appendAllToOutbox(tx, events, time));
    const rows = await db.outboxEvent.findMany({
      where: { event_id: { startsWith: 'batch/' } },
      orderBy: { id: 'asc' },
    });
    expect(rows.map(({ event_id }) => event_id)).toEqual(
      ['b/1', 'b/3', 'a/1', 'b/2', 'c/1'].map((id) => `batch/${id}`),
    );
    expect(rows.map(({ key, shard }) => shard === outboxShard(key))).toEqual(rows.map(() => true));
    expect(rows[1]).toMatchObject({ topic: 'payments.completed', subject: 'batch_b', created_at: time });
    const alone = event('batch/alone', 'batch_a');
    await append(alone.id, alone.key);
    const [inBatch, byItself] = [rows[2], await db.outboxEvent.findFirst({ where: { event_id: alone.id } })];
    const dataOf = (row: { payload: string | null } | null | undefined) =>
      (JSON.parse(row?.payload ?? '{}') as { data: unknown }).data;
    expect(dataOf(inBatch)).toEqual(dataOf(byItself));
  });

  it('lets writers of many keys take turns, in the order of their commits and without a deadlock', async () => {
    const keys = Array.from({ length: 30 }, (_, index) => `many_${index}`);
    let runs = 0;
    const writers = Array.from({ length: 10 }, async (_, writer) => {
      for (let turn = 0; turn < 5; turn += 1) {
        const inItsOrder = keys.toSorted((a, b) => hashOf(writer, a) - hashOf(writer, b));
        const events = inItsOrder.map((key) => event(`${key}/${writer}/${turn}`, key));
        await inTransaction(db, async (tx) => {
          runs += 1;
          appendAllToOutbox(tx, events, time);
          for (const { id, key } of events)
            await sql(tx).execute`INSERT INTO commits (key, event_id) VALUES (${key}, ${id})`;
        });
      }
    });
    await Promise.all(writers);
    // One that PostgreSQL gave up for another would have been repeated.
    expect(runs).toBe(50);
    for (const key of keys) {
      const byId = await db.outboxEvent.findMany({ where: { key }, orderBy: { id: 'asc' } });
      const byCommit = await db.$queryRaw<
        { event_id: string }[]
      >`SELECT event_id FROM commits WHERE key = ${key} ORDER BY number`;
      expect(byId).toHaveLength(50);
      expect(byId.map(({ event_id }) => event_id)).toEqual(byCommit.map(({ event_id }) => event_id));
    }
  });

  it('hints at a commit, not at a repeat, and names the shard', async () => {
    const listener = new Client({ connectionString: database.url });
    await listener.connect();
    const hints: string[] = [];
    listener.on('notification', ({ payload }) => void hints.push(payload ?? ''));
    await listener.query(`LISTEN ${outboxChannel}`);
    await append('hint/1', 'hint');
    await append('hint/1', 'hint');
    await append('hint/2', 'hint');
    const shard = String(outboxShard('hint'));
    await until('both hints came', async () => hints.length >= 2);
    await listener.query('SELECT 1');
    expect(hints).toEqual([shard, shard]);
    await listener.end();
  });

  it('keeps a key in one shard and uses all of them', () => {
    const shards = Array.from({ length: 500 }, (_, index) => outboxShard(`sub_${index}`));
    expect(new Set(shards)).toEqual(new Set(Array.from({ length: outboxShards }, (_, shard) => shard)));
    expect(outboxShard('sub_1')).toBe(outboxShard('sub_1'));
  });
});
