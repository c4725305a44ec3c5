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
const countLike = async (of: Database | Transaction, pattern: string) => {
  const [row] = await sql(of).query<
    [{ count: bigint }]
  >`SELECT count(*) FROM customers WHERE id LIKE ${pattern}`;
  return row.count;
};
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

  it('belongs to its transaction', async () => {
    const failing = inTransaction(db, async (tx) => {
      await sql(tx).execute(insert('cus_inside'));
      expect(await countLike(tx, 'cus_inside')).toBe(1n);
      expect(await exists('cus_inside')).toBe(false);
      throw new Error('changed its mind');
    });
    await expect(failing).rejects.toThrow('changed its mind');
    expect(await exists('cus_inside')).toBe(false);
  });

  it('is refused when its transaction has ended', async () => {
    let ended: Transaction | undefined;
    await inTransaction(db, async (tx) => {
      ended = tx;
      await databaseNow(tx);
    });
    const late = sql(ended ?? db);
    await expect(late.execute(insert('cus_late'))).rejects.toThrow('the transaction has ended');
    expect(() => late.enqueue(insert('cus_late'))).toThrow('the transaction has ended');
    expect(await exists('cus_late')).toBe(false);
  });

  it('is refused on anything but a database or a transaction', async () => {
    expect(() => sql({} as Database)).toThrow('neither a database nor a transaction');
    expect(() => sql(db).enqueue(insert('cus_sent'))).toThrow('outside of a transaction');
  });
});

describe('statements of a transaction that are asked for at once', () => {
  it('are carried out in their order, each seeing what those before it did', async () => {
    const counts = await inTransaction(db, async (tx) => {
      const none = countLike(tx, 'cus_order_%');
      sql(tx).enqueue(insert('cus_order_1'));
      const first = countLike(tx, 'cus_order_%');
      sql(tx).enqueue(insert('cus_order_2'));
      return Promise.all([none, first, countLike(tx, 'cus_order_%')]);
    });
    expect(counts).toEqual([0n, 1n, 2n]);
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
      await sql(tx).execute(insert('cus_behind'));
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

describe('a transaction in which a statement failed', () => {
  it('does not commit when its caller goes on regardless', async () => {
    const careless = inTransaction(db, async (tx) => {
      await sql(tx).execute(insert('cus_careless'));
      await sql(tx)
        .execute(insert('cus_careless'))
        .catch(() => undefined);
      return 'done';
    });
    await expect(careless).rejects.toMatchObject({ code: '23505' });
    expect(await exists('cus_careless')).toBe(false);
  });

  it('ends with what its caller made of the failure', async () => {
    const translated = inTransaction(db, async (tx) => {
      await sql(tx).execute(insert('cus_translated'));
      await sql(tx)
        .execute(insert('cus_translated'))
        .catch(() => {
          throw new Error('there is one already');
        });
    });
    await expect(translated).rejects.toThrow('there is one already');
  });
});

describe('a connection that is lost', () => {
  it('ends its transaction, and the next one has another', async () => {
    const narrow = createDatabase(database.url, 1);
    const lost = inTransaction(narrow, async (tx) => {
      await sql(tx).execute(insert('cus_lost'));
      const [backend] = await sql(tx).query<[{ id: number }]>`SELECT pg_backend_pid() AS id`;
      await sql(db).query`SELECT pg_terminate_backend(${backend.id})`;
      await sql(tx).execute(insert('cus_lost_2'));
    });
    await expect(lost).rejects.toThrow(/terminat|connection error/i);
    await inTransaction(narrow, (tx) => sql(tx).execute(insert('cus_next')));
    expect(await countLike(narrow, 'cus_lost%')).toBe(0n);
    expect(await exists('cus_next')).toBe(true);
    await closeDatabase(narrow);
  });

  it('ends its transaction also when it is lost before the commit', async () => {
    const narrow = createDatabase(database.url, 1);
    const lost = inTransaction(narrow, async (tx) => {
      const [backend] = await sql(tx).query<[{ id: number }]>`SELECT pg_backend_pid() AS id`;
      sql(tx).enqueue(insert('cus_unknown'));
      await databaseNow(tx);
      await sql(db).query`SELECT pg_terminate_backend(${backend.id})`;
    });
    await expect(lost).rejects.toThrow(/terminat|connection error/i);
    expect(await countLike(narrow, 'cus_unknown')).toBe(0n);
    await closeDatabase(narrow);
  });

  it('is not waited for longer than the pool allows', async () => {
    const narrow = createDatabase(database.url, 1);
    await inTransaction(narrow, async (tx) => {
      await databaseNow(tx);
      await expect(sql(narrow).query`SELECT 1`).rejects.toThrow('timeout exceeded when trying to connect');
    });
    await closeDatabase(narrow);
  });
});
