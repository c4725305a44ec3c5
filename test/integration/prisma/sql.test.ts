import {
  closeDatabase,
  createDatabase,
  databaseNow,
  inTransaction,
  type Database,
  type Transaction,
} from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import { Prisma } from '../../../prisma/generated/client';
import { createTestDatabase, type TestDatabase } from '../../support/servers/database';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, 3);
});
afterAll(async () => {
  await closeDatabase(db);
  await database.drop();
});

const insert = (id: string) => Prisma.sql`INSERT INTO customers (id) VALUES (${id})`;
const exists = async (id: string) => (await db.customer.count({ where: { id } })) === 1;

describe('a statement past Prisma', () => {
  it('is answered with values as Prisma has them', async () => {
    const at = new Date('2027-03-01T09:00:00.123Z');
    const rows = await sql(db).query`
      SELECT ${9_007_199_254_740_993n}::bigint AS big, ${7}::int AS small, ${at}::timestamptz AS at, ${true}::boolean AS yes,
        ${JSON.stringify({ a: [1, null] })}::jsonb AS json, ${['x', 'y,"z']}::text[] AS texts, ${null}::text AS nothing`;
    expect(rows).toEqual([
      {
        big: 9_007_199_254_740_993n,
        small: 7,
        at,
        yes: true,
        json: { a: [1, null] },
        texts: ['x', 'y,"z'],
        nothing: null,
      },
    ]);
  });

  it('tells how many rows it changed', async () => {
    await sql(db).execute(insert('cus_count'));
    const rename = (name: string) =>
      sql(db)
        .execute`UPDATE customers SET name = ${name} WHERE id = 'cus_count' AND name IS DISTINCT FROM ${name}`;
    expect([await rename('a'), await rename('a')]).toEqual([1, 0]);
  });

  it('belongs to its transaction, as the statements of Prisma do', async () => {
    const failing = inTransaction(db, async (tx) => {
      await sql(tx).execute(insert('cus_direct'));
      await tx.customer.create({ data: { id: 'cus_prisma' } });
      expect(await tx.customer.count({ where: { id: { in: ['cus_direct', 'cus_prisma'] } } })).toBe(2);
      expect(await exists('cus_direct')).toBe(false);
      throw new Error('changed its mind');
    });
    await expect(failing).rejects.toThrow('changed its mind');
    expect([await exists('cus_direct'), await exists('cus_prisma')]).toEqual([false, false]);
  });

  it('is refused when its transaction has ended', async () => {
    let ended: Transaction | undefined;
    await inTransaction(db, async (tx) => {
      ended = tx;
      await databaseNow(tx);
    });
    await expect(sql(ended ?? {}).execute(insert('cus_late'))).rejects.toThrow('the transaction has ended');
    expect(await exists('cus_late')).toBe(false);
  });

  it('is refused on anything but a database or a transaction', async () => {
    expect(() => sql({})).toThrow('neither a database nor a transaction');
    expect(() => sql(db).enqueue(insert('cus_sent'))).toThrow('outside of a transaction');
  });
});

describe('statements of a transaction that are asked for at once', () => {
  it('are carried out in their order, each seeing what those before it did', async () => {
    const counts = await inTransaction(db, async (tx) => {
      const count = () =>
        sql(tx).query<[{ count: bigint }]>`SELECT count(*) FROM customers WHERE id LIKE 'cus_order_%'`;
      sql(tx).enqueue(insert('cus_order_1'));
      const first = count();
      sql(tx).enqueue(insert('cus_order_2'));
      const both = tx.customer.count({ where: { id: { startsWith: 'cus_order_' } } });
      return [(await first)[0].count, await both];
    });
    expect(counts).toEqual([1n, 2]);
    expect([await exists('cus_order_1'), await exists('cus_order_2')]).toEqual([true, true]);
  });
});

describe('a statement that is sent without waiting', () => {
  const twice = async (tx: Transaction) => {
    sql(tx).enqueue(insert('cus_twice'));
    sql(tx).enqueue(insert('cus_twice'));
  };

  it('ends the transaction with its failure when it is the last one', async () => {
    await expect(inTransaction(db, twice)).rejects.toMatchObject({ code: '23505' });
    expect(await exists('cus_twice')).toBe(false);
  });

  it('ends the transaction with its failure, not with what came of it', async () => {
    const failing = inTransaction(db, async (tx) => {
      await twice(tx);
      await databaseNow(tx);
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    const alsoFailing = inTransaction(db, async (tx) => {
      await twice(tx);
      await tx.customer.create({ data: { id: 'cus_behind' } });
    });
    await expect(alsoFailing).rejects.toMatchObject({ code: '23505' });
    expect([await exists('cus_twice'), await exists('cus_behind')]).toEqual([false, false]);
  });

  it('leaves a connection behind that others can use', async () => {
    const work = Array.from({ length: 12 }, (_, index) =>
      inTransaction(db, async (tx) => {
        sql(tx).enqueue(insert(`cus_many_${index}`));
        if (index % 2 === 1) await twice(tx);
      }).then(
        () => 'committed',
        () => 'failed',
      ),
    );
    const ended = await Promise.all(work);
    expect(ended).toEqual(ended.map((_, index) => (index % 2 === 1 ? 'failed' : 'committed')));
    expect(await db.customer.count({ where: { id: { startsWith: 'cus_many_' } } })).toBe(6);
  });
});
