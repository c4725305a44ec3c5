import { startRetention } from '../../../bridge/retention';
import { closeDatabase, createDatabase, type Database } from '../../../prisma/client';
import { createTestDatabase, type TestDatabase } from '../../support/servers/database';
import { silentLog } from '../../support/kafka/fresh-kafka';
import { until } from '../../support/until';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, 4);
});
afterAll(async () => {
  await closeDatabase(db);
  await database.drop();
});

const days = { idempotencyKeys: 30, auditEntries: 400, deadLetterRecords: 90, renewalRuns: 90 };

/** A row of each kind, so old. */
async function write(name: string, ageDays: number, count = 1): Promise<void> {
  const at = new Date(Date.now() - ageDays * 86_400_000);
  await db.$executeRaw`
    INSERT INTO idempotency_keys (api_key_id, key, request_hash, lease_until, lease_holder, status, created_at)
    SELECT 'key_1', ${name} || n, 'hash', ${at}, 'holder', 201, ${at} FROM generate_series(1, ${count}::int) AS n`;
  await db.$executeRaw`
    INSERT INTO audit_log (at, actor, action, request_id, status)
    SELECT ${at}, '{}', 'POST /plans', ${name} || n, 201 FROM generate_series(1, ${count}::int) AS n`;
  for (const finished of [at, null]) {
    await db.$executeRaw`
      INSERT INTO renewal_runs (id, status, size, members, members_left, counts, exceptions, oldest_due_at, created_at,
        progress_at, finished_at)
      SELECT ${name} || ${finished === null ? 'running' : 'finished'} || n, 'running', 0, '{}', '{}', '{}', '[]', ${at},
        ${at}, ${at}, ${finished} FROM generate_series(1, ${count}::int) AS n`;
  }
  for (const status of ['open', 'discarded']) {
    await db.$executeRaw`
      INSERT INTO dead_letters (id, "group", topic, partition, "offset", value, headers, error_code, error, status,
        created_at)
      SELECT ${name} || ${status} || n, ${name} || ${status}, 'payments.failed', 0, n, 'value'::bytea, '{"a": "b"}',
        'unknown_payment', 'no payment', ${status}, ${at} FROM generate_series(1, ${count}::int) AS n`;
  }
}

async function kept() {
  const letters = await db.deadLetter.findMany({ where: { value: { not: null } }, orderBy: { id: 'asc' } });
  const keys = await db.idempotencyKey.findMany({ orderBy: { key: 'asc' } });
  const entries = await db.auditLog.findMany({ orderBy: { id: 'asc' } });
  const runs = await db.renewalRun.findMany({ orderBy: { id: 'asc' } });
  return {
    runs: runs.map(({ id }) => id),
    keys: keys.map(({ key }) => key),
    entries: entries.map(({ request_id: id }) => id),
    letters: letters.map(({ id }) => id),
  };
}

it('removes what is older than its setting says, in batches, by several processes at once', async () => {
  await write('ancient', 1_000, 2_500);
  await write('old', 91, 1);
  await write('month', 31, 1);
  await write('young', 29, 1);
  const running = [startRetention(db, days, silentLog), startRetention(db, days, silentLog)];
  const wanted = {
    keys: ['young1'],
    runs: expect.arrayContaining(['monthfinished1', 'oldrunning1', 'youngfinished1']) as string[],
    entries: ['old1', 'month1', 'young1'],
    letters: expect.arrayContaining(['monthdiscarded1', 'oldopen1', 'youngdiscarded1']) as string[],
  };
  await until('the old ones are gone', async () => {
    const { keys, entries, letters, runs } = await kept();
    const left = 2_500 + 3 + 2;
    return keys.length === 1 && entries.length === 3 && letters.length === left && runs.length === left;
  });
  await Promise.all(running.map((each) => each.close()));
  expect(await kept()).toMatchObject(wanted);
  expect(await db.deadLetter.findUniqueOrThrow({ where: { id: 'olddiscarded1' } })).toMatchObject({
    value: null,
    value_bytes: 5,
    headers: {},
    error_code: 'unknown_payment',
  });
});

it('keeps a key whose request holds its lease, and goes on with the other kinds when one fails', async () => {
  await write('held', 40);
  await db.$executeRaw`UPDATE idempotency_keys SET lease_until = now() WHERE key = 'held1'`;
  await db.$executeRaw`INSERT INTO audit_log (at, actor, action, request_id) VALUES (now() - interval '500 days', '{}', 'x', 'late')`;
  await write('latest', 100);
  await db.$executeRaw`ALTER FUNCTION audit_log_forget RENAME TO audit_log_forget_away`;
  const running = startRetention(db, days, silentLog);
  await until('the record is gone', async () => !(await kept()).letters.includes('latestdiscarded1'));
  await running.close();
  const { keys, entries } = await kept();
  expect(keys).toEqual(['held1', 'young1']);
  expect(entries).toContain('late');
});
