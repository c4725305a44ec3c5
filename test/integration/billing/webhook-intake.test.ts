/** Webhooks that come at the same time are stored by one statement; nobody must notice. */
import { Client } from 'pg';
import { closeDatabase, createDatabase, type Database } from '../../../prisma/client';
import { storeDelivery, type DeliveryToStore } from '../../../billing/webhook/intake';
import { createTestDatabase, type TestDatabase } from '../../support/servers/database';
import { until } from '../../support/until';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, 10);
});
afterAll(async () => {
  await closeDatabase(db);
  await database.drop();
});

const row = (event: string, more: Partial<DeliveryToStore> = {}): DeliveryToStore => ({
  id: `whd_${event}`,
  provider: 'sandbox',
  provider_event_id: event,
  event_type: 'charge.succeeded',
  payment_id: null,
  body: Buffer.from([0, 34, 92, 123, 255]),
  headers: { 'webhook-id': `"${event}", {a}` },
  event: { id: event },
  trace: null,
  created_at: new Date('2027-03-01T09:00:00.123Z'),
  event_id: `sandbox/${event}`,
  payload: `{"of":"${event}, \\" {NULL}"}`,
  ...more,
});
const eventsLike = (event: string) =>
  db.outboxEvent.findMany({
    where: { event_id: { startsWith: `sandbox/${event}` } },
    orderBy: { id: 'asc' },
  });

it('each is stored as it came, with its event', async () => {
  const names = Array.from({ length: 120 }, (_, index) => `each_${index}`);
  const stored = await Promise.all(names.map((name) => storeDelivery(db, row(name))));
  expect(new Set(stored)).toEqual(new Set(['stored']));
  const kept = await db.webhookDelivery.findUniqueOrThrow({ where: { id: 'whd_each_77' } });
  const { body, headers, created_at } = row('each_77');
  expect(kept).toMatchObject({ headers, created_at, status: 'stored', event: { id: 'each_77' } });
  expect(Buffer.from(kept.body ?? [])).toEqual(body);
  const events = await eventsLike('each_');
  expect(events.map(({ subject }) => subject).toSorted()).toEqual(
    names.map((name) => `whd_${name}`).toSorted(),
  );
  expect(events.find(({ subject }) => subject === 'whd_each_77')?.payload).toBe(row('each_77').payload);
});

it('one event that comes fifty times at once is stored once, and the others are told so', async () => {
  await storeDelivery(db, row('known'));
  const reported = await Promise.all(
    Array.from({ length: 100 }, (_, index) => storeDelivery(db, row(index % 2 === 0 ? 'again' : 'known'))),
  );
  expect(reported.filter((one) => one === 'stored')).toHaveLength(1);
  expect(await eventsLike('again')).toHaveLength(1);
  expect(await eventsLike('known')).toHaveLength(1);
});

it('one that PostgreSQL refuses harms no other', async () => {
  const bad = row('refused', { event: { id: 'a text that jsonb cannot hold: \u0000' } });
  const reported = await Promise.allSettled(
    Array.from({ length: 30 }, (_, index) => storeDelivery(db, index === 20 ? bad : row(`beside_${index}`))),
  );
  expect(reported.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))).toEqual([20]);
  expect(await eventsLike('beside_')).toHaveLength(29);
  expect(await eventsLike('refused')).toEqual([]);
});

it('those of one payment keep the order of their coming on its key', async () => {
  await db.customer.create({ data: { id: 'cus_1' } });
  const data = { kind: 'manual', status: 'completed', currency: 'EUR', amount: 1000, announced: true };
  await db.payment.create({ data: { id: 'pay_1', customer_id: 'cus_1', ...data } });
  const names = Array.from({ length: 40 }, (_, index) => `order_${index}`);
  await Promise.all(names.slice(0, 20).map((name) => storeDelivery(db, row(name, { payment_id: 'pay_1' }))));
  await Promise.all(names.slice(20).map((name) => storeDelivery(db, row(name, { payment_id: 'pay_1' }))));
  const events = await eventsLike('order_');
  expect(new Set(events.map(({ key }) => key))).toEqual(new Set(['pay_1']));
  const halves = events.map(({ subject }) => names.indexOf(subject?.replace('whd_', '') ?? '') < 20);
  expect(halves).toEqual([...Array(20).fill(true), ...Array(20).fill(false)]);
});

it('who waits hears at once that PostgreSQL is away, and the next is stored', async () => {
  const admin = new Client({ connectionString: database.url });
  await admin.connect();
  await admin.query('BEGIN; LOCK TABLE webhook_deliveries IN ACCESS EXCLUSIVE MODE');
  const waiting = Promise.allSettled(
    Array.from({ length: 200 }, (_, index) => storeDelivery(db, row(`away_${index}`))),
  );
  const theirs = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await until('they wait', async () => (await admin.query(`SELECT ${theirs}`)).rows.length > 0);
  await admin.query(`SELECT pg_terminate_backend(pid) ${theirs}`);
  await admin.query('ROLLBACK');
  const outcomes = await waiting;
  await admin.end();
  const kept = await db.webhookDelivery.count({ where: { id: { startsWith: 'whd_away_' } } });
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(kept);
  expect(await storeDelivery(db, row('away_after'))).toBe('stored');
});
