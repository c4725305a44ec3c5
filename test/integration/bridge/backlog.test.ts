import { readBacklog } from '../../../bridge/backlog';
import { closeDatabase, createDatabase, type Database } from '../../../prisma/client';
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

describe('the backlog', () => {
  it('is zero when everything is done', async () => {
    expect(await readBacklog(db)).toEqual({ open_dead_letters: 0, oldest_unpublished_seconds: 0 });
  });

  it('has the age of the oldest unpublished event, and the open dead letters', async () => {
    const insert = (id: string, secondsAgo: number, isPublished: boolean) => sql(db).execute`
      INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload, created_at, published_at)
      VALUES (${id}, 'payments.failed', ${id}, 0, ${id}, '{}', now() - ${secondsAgo} * interval '1 second',
        CASE WHEN ${isPublished} THEN now() END)`;
    await insert('evt_published', 900, true);
    await insert('evt_old', 600, false);
    await insert('evt_new', 5, false);
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
