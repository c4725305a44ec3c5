/** Every row of every table, as text that can be compared. */
import type { Database } from '../../prisma/client';

/** Reads all of a database. @returns by table its rows, in an order of their own */
export async function dumpDatabase(db: Database): Promise<Record<string, string[]>> {
  const tables = await db.$queryRawUnsafe<{ name: string }[]>(
    `SELECT quote_ident(table_name) AS name FROM information_schema.tables
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name`,
  );
  const dump: Record<string, string[]> = {};
  for (const { name } of tables) {
    const rows = await db.$queryRawUnsafe<{ line: string }[]>(`SELECT t::text AS line FROM ${name} AS t`);
    dump[name] = rows.map(({ line }) => line).toSorted();
  }
  return dump;
}

/** Every row of every table as text, bytes also as what they say. */
export async function textOfDatabase(db: Database): Promise<string> {
  const text = Object.values(await dumpDatabase(db))
    .flat()
    .join('\n');
  return text.replaceAll(/\\x((?:[0-9a-f]{2})+)/g, (_, hex: string) =>
    Buffer.from(hex, 'hex').toString('utf8'),
  );
}
