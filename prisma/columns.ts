/**
 * A model's columns for statements that are written by hand.
 *
 * Invariant: what is read is named column by column, never `*`: a prepared statement that says `*` would fail once a
 * migration has added one.
 */
import { Prisma } from './generated/client';

/** All that the client reads of a model. @param fields a `…ScalarFieldEnum`; columns have the fields' names */
export function columnsOf(fields: Readonly<Record<string, string>>): Prisma.Sql {
  return Prisma.raw(Object.values(fields).map(quoted).join(', '));
}

/**
 * Columns and their new values, as an UPDATE sets them.
 * @param columns names are the code's own, values become parameters; what is undefined stays as it is
 * @param json names of the columns that hold JSON
 */
export function settingsOf(columns: Readonly<Record<string, unknown>>, json: readonly string[]): Prisma.Sql {
  const settings = Object.entries(columns)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => Prisma.sql`${Prisma.raw(quoted(name))} = ${asParameter(name, value, json)}`);
  return Prisma.join(settings);
}

/**
 * Columns and their values, as an INSERT lists them: the names, and the values in their order.
 * @param columns names are the code's own, values become parameters; what is undefined has its default
 * @param json names of the columns that hold JSON
 */
export function listOf(
  columns: Readonly<Record<string, unknown>>,
  json: readonly string[],
): { names: Prisma.Sql; values: Prisma.Sql } {
  const given = Object.entries(columns).filter(([, value]) => value !== undefined);
  const names = Prisma.raw(given.map(([name]) => quoted(name)).join(', '));
  const values = given.map(([name, value]) => asParameter(name, value, json));
  return { names, values: Prisma.join(values) };
}

function asParameter(name: string, value: unknown, json: readonly string[]): unknown {
  return value !== null && json.includes(name) ? JSON.stringify(value) : value;
}

function quoted(name: string): string {
  return `"${name}"`;
}
