import { setTimeout as sleep } from 'node:timers/promises';
import {
  closeDatabase,
  createDatabase,
  databaseNow,
  inTransaction,
  isTransientConflict,
  isUniqueViolation,
  type Database,
  type Transaction,
} from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import { createTestDatabase, type TestDatabase } from '../../support/servers/database';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, 5);
  await db.customer.createMany({ data: [{ id: 'cus_1' }, { id: 'cus_2' }] });
  await db.$executeRawUnsafe(`
    CREATE FUNCTION raise_state(state text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = state; END $$`);
});
afterAll(async () => {
  await closeDatabase(db);
  await database.drop();
});

describe('instants', () => {
  const instant = new Date('2027-03-01T09:00:00.123Z');

  it('are what they are in a database that lives in another time zone', async () => {
    const { pathname } = new URL(database.url);
    await db.$executeRawUnsafe(`ALTER DATABASE ${pathname.slice(1)} SET timezone TO 'Asia/Tokyo'`);
    const abroad = createDatabase(`${database.url}?options=-c%20lock_timeout%3D1234`, 1);
    try {
      await abroad.customer.create({ data: { id: 'cus_tokyo', created_at: instant } });
      const [row] = await abroad.$queryRaw<
        [{ ms: number; read: Date; sent: boolean; zone: string; lock: string }]
      >`
        SELECT (extract(epoch FROM created_at) * 1000)::float AS ms, timestamptz '2027-03-01 18:00:00.123+09' AS read,
          created_at = ${instant} AS sent, current_setting('TimeZone') AS zone, current_setting('lock_timeout') AS lock
        FROM customers WHERE id = 'cus_tokyo'`;
      expect(row).toEqual({ ms: instant.getTime(), read: instant, sent: true, zone: 'UTC', lock: '1234ms' });
    } finally {
      await closeDatabase(abroad);
      await db.$executeRawUnsafe(`ALTER DATABASE ${pathname.slice(1)} RESET timezone`);
    }
  });
});

/**
 * Two transactions that lock the same two rows in opposite order; `lock` is how. The one that is repeated leaves the
 * rows to the other first.
 */
async function collide(lock: (tx: Transaction, id: string) => Promise<unknown>): Promise<number> {
  let inside = 0;
  let bothAreIn: () => void = () => undefined;
  const bothArrived = new Promise<void>((resolve) => {
    bothAreIn = resolve;
  });
  let runs = 0;
  let first: Promise<void> = Promise.resolve();
  const one = (ids: [string, string], other: () => Promise<void>) => {
    let ownRuns = 0;
    return inTransaction(db, async (tx) => {
      runs += 1;
      ownRuns += 1;
      if (ownRuns > 1) await other();
      await lock(tx, ids[0]);
      inside += 1;
      if (inside === 2) bothAreIn();
      await bothArrived;
      await lock(tx, ids[1]);
    });
  };
  let second: Promise<void> = Promise.resolve();
  first = one(['cus_1', 'cus_2'], () => second);
  second = one(['cus_2', 'cus_1'], () => first);
  await Promise.all([first, second]);
  return runs;
}

describe('a transaction', () => {
  it('that lost a deadlock over raw locks is repeated in place', async () => {
    const runs = await collide(
      (tx, id) => sql(tx).query`SELECT 1 FROM customers WHERE id = ${id} FOR UPDATE`,
    );
    expect(runs).toBe(3);
  });

  it('that lost a deadlock over updates is repeated in place', async () => {
    const runs = await collide(
      (tx, id) => sql(tx).execute`UPDATE customers SET name = 'someone' WHERE id = ${id}`,
    );
    expect(runs).toBe(3);
  });

  it('that lost a deadlock over an enqueued update is repeated in place', async () => {
    const runs = await collide(async (tx, id) => {
      sql(tx).enqueue`UPDATE customers SET name = 'someone' WHERE id = ${id}`;
      await databaseNow(tx);
    });
    expect(runs).toBe(3);
  });

  it.each([
    ['deadlock', '40P01'],
    ['serialization failure', '40001'],
  ])('that ends with a %s is repeated, and given up after five repeats', async (_name, state) => {
    let runs = 0;
    const conflicting = inTransaction(db, async (tx) => {
      runs += 1;
      await sql(tx).query`SELECT raise_state(${state})`;
    });
    await expect(conflicting).rejects.toMatchObject({ code: state });
    expect(runs).toBe(6);
  });

  it('that fails for another reason is not repeated', async () => {
    let runs = 0;
    const failing = inTransaction(db, async (tx) => {
      runs += 1;
      await sql(tx).execute`INSERT INTO customers (id) VALUES ('cus_1')`;
    });
    const error: unknown = await failing.catch((reason: unknown) => reason);
    expect({ runs, unique: isUniqueViolation(error), transient: isTransientConflict(error) }).toEqual({
      runs: 1,
      unique: true,
      transient: false,
    });
  });
});

describe('the errors of the models', () => {
  it('are told apart as those of statements are', async () => {
    const error: unknown = await db.customer
      .create({ data: { id: 'cus_1' } })
      .catch((reason: unknown) => reason);
    expect([isUniqueViolation(error), isTransientConflict(error)]).toEqual([true, false]);
  });
});

describe('the end of a database', () => {
  it.each([
    ['a statement', (open: Database) => sql(open).query`SELECT 1`],
    ['a transaction', (open: Database) => inTransaction(open, (tx) => sql(tx).query`SELECT 1`)],
    ['a model', (open: Database) => open.customer.count()],
  ])('closes its connections after %s', async (_name, use) => {
    const open = createDatabase(`${database.url}?application_name=ends`, 2);
    await use(open);
    expect(await connectionsOf('ends')).toBe(1);
    await closeDatabase(open);
    await expect(use(open)).rejects.toThrow('Cannot use a pool after calling end');
    // The server notices a moment later.
    while ((await connectionsOf('ends')) > 0) await sleep(10);
  });
});

async function connectionsOf(application: string): Promise<number> {
  const [row] = await sql(db).query<[{ count: number }]>`
    SELECT count(*)::int AS count FROM pg_stat_activity
    WHERE application_name = ${application} AND datname = current_database()`;
  return row.count;
}
