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
    .map(([name, value]) => {
      const isJson = value !== null && json.includes(name);
      return Prisma.sql`${Prisma.raw(quoted(name))} = ${isJson ? JSON.stringify(value) : value}`;
    });
  return Prisma.join(settings);
}

function quoted(name: string): string {
  return `"${name}"`;
}
