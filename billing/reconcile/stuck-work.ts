/**
 * Finds stuck work: work that should have continued by itself and did not, as named predicates over the rows.
 *
 * Owns what is asked of whom and how old it has to be, not the predicates (`predicates.ts`), nor the repairs (`repair.ts`).
 * Without tolerance any work in progress is found: a test clock and the fault tests wait until there is none.
 * Invariants: each predicate is bounded; work in progress is stuck only after `toleranceMs`.
 */
import { predicateNames, type Predicate } from '../../domain/stuck-work';
import { databaseNow, type Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { Prisma } from '../../prisma/generated/client';
import type { BoundQuery, StuckItem } from './predicate';
import { predicates } from './predicates';
import { lookThrough } from './window';

export interface StuckWorkQuery {
  /** How old a thing has to be; 0: ask whether all is quiet. */
  toleranceMs: number;
  /** Only customers of this test clock; null: everybody whose clock is not just being advanced. */
  testClockId: string | null;
  /** Findings of each predicate at most. */
  limit: number;
  /** When the first lookup of an attempt is due where none is planned yet, after its last call; default: a minute. */
  firstLookupAfterMs?: number;
}

const endOfTime = new Date('9999-12-31T00:00:00Z');

/** Finds stuck work, predicate by predicate, the oldest of each. */
export async function findStuckWork(db: Database, query: StuckWorkQuery): Promise<StuckItem[]> {
  const bound = await bindQuery(db, query);
  if (bound.strict) return findAtOneMoment(db, bound, query.limit);
  const found: StuckItem[] = [];
  for (const predicate of predicateNames) {
    const items: StuckItem[] = [];
    for await (const window of lookThrough(db, predicate, bound, null)) {
      items.push(...window.items);
      if (items.length >= query.limit) break;
    }
    found.push(...items.slice(0, query.limit));
  }
  return found;
}

/** Binds what the predicates ask to the present. */
export async function bindQuery(db: Database, query: Omit<StuckWorkQuery, 'limit'>): Promise<BoundQuery> {
  const { toleranceMs, testClockId } = query;
  const strict = toleranceMs === 0;
  return {
    ...query,
    strict,
    // Without tolerance everything counts, also what was written since this statement began.
    before: strict ? endOfTime : new Date((await databaseNow(db)).getTime() - toleranceMs),
    mine: (column) =>
      testClockId === null
        ? Prisma.sql`(${column} IS NULL OR ${column} IN (SELECT id FROM test_clocks WHERE status <> 'advancing'))`
        : Prisma.sql`${column} = ${testClockId}`,
  };
}

/** One statement sees one moment: nothing slips through by going from one predicate's rows to another's meanwhile. */
async function findAtOneMoment(db: Database, bound: BoundQuery, limit: number): Promise<StuckItem[]> {
  const queries = predicateNames.flatMap((predicate) => {
    const { type, sources } = predicates[predicate];
    const subjects = sources(bound).map(
      ({ over, among, joined, stuck, id }) => Prisma.sql`
        SELECT ${id} AS id FROM ${over.table} ${over.as} ${joined} WHERE ${among} AND ${stuck}`,
    );
    if (subjects.length === 0) return [];
    return Prisma.sql`
      SELECT ${predicate}::text AS predicate, ${type}::text AS type, found.id
      FROM (${Prisma.join(subjects, ' UNION ')} LIMIT ${limit}) AS found`;
  });
  const rows = await sql(db).query<
    { predicate: Predicate; type: StuckItem['subject']['type']; id: string }[]
  >`
    ${Prisma.join(queries, ' UNION ALL ')}`;
  return rows.map(({ predicate, type, id }) => ({ predicate, subject: { type, id } }));
}
