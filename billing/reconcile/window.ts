/**
 * Goes through the rows that a predicate asks about, in windows: each a statement of its own, with its own time.
 *
 * Invariants: a window reads a bounded number of rows by one index and the others by key; the next one goes on behind
 * its last row, so that what is found again and again hides nothing.
 */
import type { Predicate } from '../../domain/stuck-work';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';
import type { BoundQuery, Column, Source, StuckItem } from './predicate';
import { predicates } from './predicates';

/** Behind which row it goes on, in the order of which source. */
export interface Position {
  source: number;
  /** Of the columns of its order; null: from the oldest. */
  after: readonly (string | number)[] | null;
}

export interface Window {
  items: StuckItem[];
  /** Null: that was the last one. */
  next: Position | null;
}

/** Rows of a window. Together with their customers, plans and events they are read within some 10 ms. */
const rowsOfWindow = 1_000;
const statementTimeoutMs = 4_000;

/** Goes on from `position` to the end; null: from the beginning. */
export async function* lookThrough(
  db: Database,
  predicate: Predicate,
  bound: BoundQuery,
  position: Position | null,
): AsyncGenerator<Window> {
  const sources = predicates[predicate].sources(bound);
  let at: Position | null = position ?? { source: 0, after: null };
  while (at !== null) {
    const { source, after }: Position = at;
    const present = sources[source];
    if (present === undefined) {
      yield { items: [], next: null };
      return;
    }
    // A position of another version's order is none.
    const isOfOrder = after === null || after.length === present.order.length;
    const { ids, last } = await look(db, present, isOfOrder ? after : null);
    const isLast = source + 1 >= sources.length;
    if (last !== null) at = { source, after: last };
    else at = isLast ? null : { source: source + 1, after: null };
    const { type } = predicates[predicate];
    yield { items: ids.map((id) => ({ predicate, subject: { type, id } })), next: at };
  }
}

interface Seen {
  ids: string[];
  /** Of the last row; null: there are no more rows. */
  last: (string | number)[] | null;
}

async function look(db: Database, source: Source, after: Position['after']): Promise<Seen> {
  return inTransaction(db, async (tx) => {
    readByIndex(tx);
    const [seen] = await sql(tx).query<[Seen & { rows: number }]>`${windowQuery(source, after)}`;
    return { ids: seen.ids, last: seen.rows < rowsOfWindow ? null : seen.last };
  });
}

/** Whatever the statistics say: what is stuck is far less than what is not. */
function readByIndex(tx: Transaction): void {
  sql(tx).enqueue`
    SELECT set_config('statement_timeout', ${String(statementTimeoutMs)}, true), set_config('enable_seqscan', 'off', true),
      set_config('enable_bitmapscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`;
}

function windowQuery(
  { over, among, order, joined, stuck, id }: Source,
  after: Position['after'],
): Prisma.Sql {
  const names = Prisma.join(order.map(({ name }) => name));
  const behind = after === null ? Prisma.empty : Prisma.sql`AND (${names}) > (${valuesOf(order, after)})`;
  const backwards = Prisma.join(order.map(({ name }) => Prisma.sql`${name} DESC`));
  return Prisma.sql`
    WITH looked_at AS MATERIALIZED (
      SELECT ${over.as}.* FROM ${over.table} ${over.as} WHERE ${among} ${behind}
      ORDER BY ${names} LIMIT ${rowsOfWindow})
    SELECT (SELECT count(*)::int FROM looked_at) AS rows,
      (SELECT json_build_array(${names}) FROM looked_at AS ${over.as} ORDER BY ${backwards} LIMIT 1) AS last,
      ARRAY(SELECT DISTINCT ${id} FROM looked_at AS ${over.as} ${joined} WHERE ${stuck}) AS ids`;
}

function valuesOf(order: readonly Column[], after: readonly (string | number)[]): Prisma.Sql {
  return Prisma.join(order.map(({ type }, at) => Prisma.sql`${String(after[at])}::${type}`));
}
