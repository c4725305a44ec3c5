import {
  closeDatabase,
  createDatabase,
  inTransaction,
  isTransientConflict,
  isUniqueViolation,
  type Database,
} from '../../../prisma/client';
import { createTestDatabase, type TestDatabase } from '../../support/servers/database';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, 5);
  await db.customer.createMany({ data: [{ id: 'cus_1' }, { id: 'cus_2' }] });
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

/** Two transactions that lock the same two rows in opposite order; `lock` is how. */
function collide(
  lock: (tx: Parameters<Parameters<typeof inTransaction>[1]>[0], id: string) => Promise<unknown>,
) {
  let inside = 0;
  let bothAreIn: () => void = () => undefined;
  const bothArrived = new Promise<void>((resolve) => {
    bothAreIn = resolve;
  });
  let runs = 0;
  const one = (first: string, second: string) =>
    inTransaction(db, async (tx) => {
      runs += 1;
      await lock(tx, first);
      inside += 1;
      if (inside === 2) bothAreIn();
      await bothArrived;
      await lock(tx, second);
    });
  return Promise.all([one('cus_1', 'cus_2'), one('cus_2', 'cus_1')]).then(() => runs);
}

describe('a transaction', () => {
  it('that lost a deadlock over raw locks is repeated in place', async () => {
    const runs = await collide((tx, id) => tx.$queryRaw`SELECT 1 FROM customers WHERE id = ${id} FOR UPDATE`);
    expect(runs).toBe(3);
  });

  it('that lost a deadlock over updates is repeated in place', async () => {
    const runs = await collide((tx, id) => tx.customer.update({ where: { id }, data: { name: 'someone' } }));
    expect(runs).toBe(3);
  });

  it('that fails for another reason is not repeated', async () => {
    let runs = 0;
    const failing = inTransaction(db, async (tx) => {
      runs += 1;
      await tx.customer.create({ data: { id: 'cus_1' } });
    });
    const error: unknown = await failing.catch((reason: unknown) => reason);
    expect({ runs, unique: isUniqueViolation(error), transient: isTransientConflict(error) }).toEqual({
      runs: 1,
      unique: true,
      transient: false,
    });
  });
});
