/** `deploy/postgres/roles.sql`: the services work under a role that owns nothing, and cannot take the audit log apart. */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { Client } from 'pg';
import { beginAudit, completeAudit } from '../../../access/audit';
import { calls } from '../../../dev/bench/size/calls';
import { writeRows } from '../../../dev/bench/size/write';
import { closeDatabase, createDatabase, inTransaction, type Database } from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import { forFile } from '../../support/for-file';
import { openBilling } from '../../support/billing';
import { moneyMoves } from '../../support/money-moves';
import { createTestDatabase } from '../../support/servers/database';

const roles = readFileSync('deploy/postgres/roles.sql', 'utf8');

/** Gives the database its two roles. @returns its URL for the services */
async function withRoles(url: string): Promise<string> {
  const administrator = new Client({ connectionString: url });
  await administrator.connect();
  // Twice, as it may be run again.
  for (const statements of [roles, roles]) await administrator.query(statements);
  await administrator.query(`ALTER ROLE perennial_service PASSWORD 'service'`);
  await administrator.end();
  const services = new URL(url);
  services.username = 'perennial_service';
  services.password = 'service';
  return services.href;
}

const given = forFile(
  () => openBilling(withRoles),
  (billing) => billing.end(),
);
const log = pino({ level: 'silent' });
const intent = {
  actor: { kind: 'api_key' as const, id: 'key_1', reason: 'because' },
  action: 'POST /customers',
  subjectId: null,
  requestId: 'r-1',
  detail: {},
};

it('is not the owner, nor an administrator', async () => {
  const [who] = await sql(given.db).query<object[]>`
    SELECT current_user AS name, rolsuper AS super, pg_get_userbyid(relowner) AS owner
    FROM pg_roles, pg_class WHERE rolname = current_user AND pg_class.oid = 'audit_log'::regclass`;
  expect(who).toEqual({ name: 'perennial_service', super: false, owner: 'perennial_owner' });
});

describe('the role of the services', () => {
  beforeAll(async () => {
    const monthly = { currency: 'EUR', interval_unit: 'month', interval_count: 1 };
    const yearly = { ...monthly, interval_unit: 'year', amount: 12_000 };
    await given.db.plan.createMany({
      data: [
        { id: 'platinum', name: 'Platinum', amount: 3000, ...monthly },
        { id: 'yearly', name: 'Yearly', ...yearly },
      ],
    });
  });

  it.each(Object.entries(moneyMoves))('moves money: %s', async (_, prepare) => {
    const move = await prepare(given);
    await move();
  });

  it('writes the audit log, and blanks and forgets in it what triggers allow', async () => {
    const id = await beginAudit(given.db, log, intent);
    await completeAudit(given.db, log, id, { status: 201, subjectId: 'cus_2', detail: { code: 'x' } });
    expect(await given.db.auditLog.findUnique({ where: { id } })).toMatchObject({
      status: 201,
      subject_id: 'cus_2',
    });
    await inTransaction(given.db, async (tx) => {
      sql(tx).enqueue`SELECT set_config('perennial.erasure', 'on', true)`;
      await sql(tx).execute`
        UPDATE audit_log SET actor = jsonb_set(actor, '{reason}', '"erased"') WHERE id = ${id}`;
    });
    await given.db.$executeRaw`
      INSERT INTO audit_log (at, actor, action, request_id, status)
      VALUES (now() - interval '31 days', '{}', 'old', 'r-2', 200)`;
    const [forgotten] = await sql(given.db).query<{ n: bigint }[]>`
      SELECT audit_log_forget(now() - interval '30 days', 1000) AS n`;
    expect(forgotten?.n).toBe(1n);
  });

  it.each([
    ['ALTER TABLE audit_log DISABLE TRIGGER ALL', /must be owner/],
    ['ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only', /must be owner/],
    ['DROP TRIGGER audit_log_append_only ON audit_log', /must be owner/],
    ['DROP TABLE audit_log', /must be owner/],
    ['TRUNCATE audit_log', /permission denied/],
    [`UPDATE audit_log SET action = 'x'`, /permission denied/],
    [`UPDATE audit_log SET at = now() - interval '1 year'`, /permission denied/],
    [`UPDATE audit_log SET actor = '{}'`, /append-only/],
    ['UPDATE audit_log SET status = 500', /append-only/],
    ['DELETE FROM audit_log', /append-only/],
    [`SET perennial.audit_retention = 'on'; DELETE FROM audit_log`, /append-only/],
    [`SET perennial.erasure = 'on'; UPDATE audit_log SET actor = actor || '{"id":"x"}'`, /append-only/],
    ['SET session_replication_role = replica', /permission denied/],
    ['SET ROLE perennial_owner', /permission denied/],
    [
      `CREATE OR REPLACE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
      /permission denied|must be owner/,
    ],
    ['CREATE TABLE mine (id int)', /permission denied/],
    ['ALTER SYSTEM SET fsync = off', /permission denied/],
    ['DELETE FROM ledger_entries', /permission denied/],
    ['UPDATE ledger_transactions SET customer_id = $$x$$', /permission denied/],
  ])('is refused: %s', async (statement, why) => {
    await beginAudit(given.db, log, intent);
    const client = new Client({ connectionString: given.url });
    await client.connect();
    await expect(client.query(statement)).rejects.toThrow(why);
    await client.end();
  });
});

describe('on a database with many rows', () => {
  let db: Database | undefined;
  let services = '';

  beforeAll(async () => {
    const database = await createTestDatabase();
    await writeRows(database.url, { subscriptions: 400, periods: 2, payments: 2 });
    services = await withRoles(database.url);
    db = createDatabase(services, 4);
  }, 120_000);
  afterAll(async () => db && closeDatabase(db));

  it.each(calls)('the role of the services may do: $name', async ({ run }) => {
    if (db === undefined) throw new Error('there is no database');
    await run(db, services);
  });
});
