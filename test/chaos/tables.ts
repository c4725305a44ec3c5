/** Every row of every table, as text that can be compared. */
import { rows, type Chaos } from './context';

/** By `database table`: its rows as text, in order. */
export type TableDump = Map<string, string[]>;

/** What a table holds is no effect of a record: how far the reconciliation, which goes on meanwhile, has looked. */
const ofTheWatch: ReadonlySet<string> = new Set(['reconciliation_passes', 'stuck_work']);

/** Of the product's database and of the sandbox provider's. */
export async function dumpTables(chaos: Chaos): Promise<TableDump> {
  const { environment } = chaos.its.system;
  const dump: TableDump = new Map();
  for (const name of ['DATABASE_URL', 'SANDBOX_DATABASE_URL']) {
    const ask = <R extends object>(sql: string) => rows<R>(chaos, sql, [], environment[name]);
    const tables = await ask<{ name: string }>(
      `SELECT quote_ident(table_name) AS name FROM information_schema.tables
       WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name`,
    );
    for (const { name: table } of tables) {
      if (ofTheWatch.has(table)) continue;
      const found = await ask<{ line: string }>(`SELECT t::text AS line FROM ${table} AS t ORDER BY t::text`);
      dump.set(
        `${name} ${table}`,
        found.map(({ line }) => line),
      );
    }
  }
  return dump;
}

/** Lines for people: what is in only one of the two. */
export function tableDifferences(before: TableDump, after: TableDump): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.flatMap((name) => {
    const [left, right] = [before.get(name) ?? [], after.get(name) ?? []];
    const [known, now] = [new Set(left), new Set(right)];
    return [
      ...left.filter((line) => !now.has(line)).map((line) => `${name} lost ${line}`),
      ...right.filter((line) => !known.has(line)).map((line) => `${name} gained ${line}`),
    ];
  });
}
