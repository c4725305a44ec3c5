import { Client } from 'pg';
import { startOutboxRetention } from '../../../bridge/relay/outbox-retention';
import type { Rounds } from '../../../bridge/rounds';
import { closeDatabase, createDatabase, type Database } from '../../../prisma/client';
import { createTestDatabase, type TestDatabase } from '../../support/servers/database';
import { silentLog } from '../../support/kafka/fresh-kafka';
import { until } from '../../support/until';

let database: TestDatabase;
let client: Client;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
  db = createDatabase(database.url, 4);
});
afterAll(async () => {
  await Promise.all([client.end(), closeDatabase(db)]);
  await database.drop();
});

/** @param published days ago; null: never */
async function write(eventId: string, published: number | null, count = 1): Promise<void> {
  await client.query(
    `INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload, published_at, partition, "offset")
     SELECT $1 || '/' || n, 'subscriptions.updated', 'sub_a', 0, 'sub_a', '{}', now() - $2::int * interval '1 day', 3, n
     FROM generate_series(1, $3::int) AS n`,
    [eventId, published, count],
  );
}
const retention = (retentionDays: number): Rounds =>
  startOutboxRetention({ db, retentionDays, log: silentLog });
async function count(where: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM outbox_events WHERE ${where}`,
  );
  return rows[0]?.count ?? -1;
}

describe('the retention of the outbox', () => {
  it('takes the payload from what was published long ago, by several processes at once, and keeps the rest', async () => {
    await write('old', 401, 3_500);
    await write('young', 399, 5);
    await write('waiting', null, 5);
    const running = [retention(400), retention(400), retention(400)];
    await until('the old payloads are gone', async () => (await count(`payload IS NULL`)) >= 3_500);
    await Promise.all(running.map((each) => each.close()));
    expect(await count('payload IS NULL')).toBe(3_500);
    expect(await count(`payload IS NULL AND event_id LIKE 'old/%' AND partition = 3 AND "offset" > 0`)).toBe(
      3_500,
    );
  });

  it('leaves it to another process that is at it', async () => {
    await write('older', 1_000, 1);
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock(7351902, 1001)');
    await retention(400).close();
    expect(await count(`event_id LIKE 'older/%' AND payload IS NOT NULL`)).toBe(1);
    await client.query('COMMIT');
  });

  it('finds the rows by an index that holds only those with a payload', async () => {
    const { rows } = await client.query<{ indexdef: string }>(
      `SELECT indexdef FROM pg_indexes WHERE indexname = 'outbox_events_kept_payload'`,
    );
    expect(rows[0]?.indexdef).toMatch(/\(published_at\) WHERE .*payload IS NOT NULL/);
  });
});
