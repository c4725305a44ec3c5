import { backlogQuery, readBacklog } from '../../../bridge/backlog';
import { closeDatabase, createDatabase, inTransaction, type Database } from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import { createTestDatabase, type TestDatabase } from '../../support/servers/database';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, 2);
});
afterAll(async () => {
  await closeDatabase(db);
  await database.drop();
});

type State = 'published' | 'waiting' | 'parked';

const insert = (id: string, secondsAgo: number, state: State, shard = 0) => sql(db).execute`
  INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload, created_at, published_at, parked_at)
  VALUES (${id}, 'payments.failed', ${id}, ${shard}::int, ${id}, '{}', now() - ${secondsAgo} * interval '1 second',
    CASE WHEN ${state === 'published'} THEN now() END, CASE WHEN ${state === 'parked'} THEN now() END)`;

describe('the backlog', () => {
  it('is zero when everything is done', async () => {
    expect(await readBacklog(db)).toEqual({
      open_dead_letters: 0,
      unpublished: 0,
      oldest_unpublished_seconds: 0,
      parked: 0,
    });
  });

  it('has the age of the oldest unpublished event, and the open dead letters', async () => {
    await insert('evt_published', 900, 'published');
    await insert('evt_old', 600, 'waiting', 3);
    await insert('evt_new', 5, 'waiting');
    const deadLetter = (offset: bigint, status: string) => ({
      id: `dl_${offset}`,
      group: 'retry-service',
      topic: 'payments.failed',
      partition: 0,
      offset,
      headers: {},
      error_code: 'unknown_payment',
      error: 'there is no such payment',
      status,
    });
    await db.deadLetter.createMany({ data: [deadLetter(1n, 'open'), deadLetter(2n, 'discarded')] });
    const { oldest_unpublished_seconds: seconds, open_dead_letters: open } = await readBacklog(db);
    expect(open).toBe(1);
    expect(seconds).toBeGreaterThanOrEqual(600);
    expect(seconds).toBeLessThan(700);
  });
});

describe('I14: a parked event', () => {
  beforeEach(async () => {
    await db.outboxEvent.deleteMany();
  });
  const seen = async () => {
    const { oldest_unpublished_seconds: seconds, unpublished, parked } = await readBacklog(db);
    return { minutes: Math.floor(seconds / 60), unpublished, parked };
  };

  it('is not waiting and has no age', async () => {
    await insert('evt_parked', 3_600, 'parked');
    expect(await seen()).toEqual({ minutes: 0, unpublished: 0, parked: 1 });
  });

  it('leaves the age of what waits behind it in its shard, and in others', async () => {
    await insert('evt_parked', 3_600, 'parked', 1);
    await insert('evt_behind', 300, 'waiting', 1);
    await insert('evt_other', 120, 'waiting', 7);
    expect(await seen()).toEqual({ minutes: 5, unpublished: 2, parked: 1 });
  });

  it('waits again, with its age, when an operator has it published', async () => {
    await insert('evt_parked', 3_600, 'parked');
    await db.outboxEvent.updateMany({ data: { parked_at: null } });
    expect(await seen()).toEqual({ minutes: 60, unpublished: 1, parked: 0 });
  });

  it('is counted without a look at what was published, whatever the statistics say', async () => {
    await sql(db).execute`
      INSERT INTO outbox_events (event_id, topic, key, shard, subject, published_at)
      SELECT 'evt_' || n, 'payments.failed', 'key', n % 8, 'key', CASE WHEN n % 2 = 0 THEN now() END
      FROM generate_series(1, 4000) AS n`;
    await sql(db).execute`ANALYZE outbox_events`;
    await db.outboxEvent.updateMany({ data: { published_at: new Date() } });
    const plan = await inTransaction(db, async (tx) => {
      await sql(tx).execute`SELECT set_config('enable_seqscan', 'off', true)`;
      return sql(tx).query<{ 'QUERY PLAN': string }[]>`EXPLAIN ${backlogQuery}`;
    });
    const text = plan.map((line) => line['QUERY PLAN']).join('\n');
    expect(text).not.toMatch(/Seq Scan on (outbox_events|dead_letters)/);
    expect(text.match(/outbox_events_unpublished/g)).toHaveLength(2);
    expect(text).toMatch(/outbox_events_parked/);
    expect(text).toMatch(/dead_letters_open/);
  });
});
