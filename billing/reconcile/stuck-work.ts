/**
 * Finds stuck work: work that should have continued by itself and did not, as named predicates over the rows.
 *
 * Owns what is asked of whom and how old it has to be, not the predicates (`predicates.ts`), nor the repairs (`repair.ts`).
 * Without tolerance any work in progress is found: a test clock and the fault tests wait until there is none.
 * Invariants: each predicate is bounded; work in progress is stuck only after `toleranceMs`.
 */
import { predicateNames, type Predicate } from '../../domain/stuck-work';
import type { Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { Prisma } from '../../prisma/generated/client';
import type { BoundQuery, SubjectType } from './predicate';
import { predicates } from './predicates';

export interface StuckItem {
  predicate: Predicate;
  subject: { type: SubjectType; id: string };
}

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

/** Finds stuck work, predicate by predicate. */
export async function findStuckWork(db: Database, query: StuckWorkQuery): Promise<StuckItem[]> {
  const { toleranceMs, testClockId, limit } = query;
  const bound: BoundQuery = {
    ...query,
    strict: toleranceMs === 0,
    // Without tolerance everything counts, also what was written since this statement began.
    before: toleranceMs === 0 ? endOfTime : await realTimeBefore(db, toleranceMs),
    mine: (column) =>
      testClockId === null
        ? Prisma.sql`(${column} IS NULL OR ${column} IN (SELECT id FROM test_clocks WHERE status <> 'advancing'))`
        : Prisma.sql`${column} = ${testClockId}`,
  };
  const queries = predicateNames.map((predicate) => {
    const { type, query } = predicates[predicate];
    return Prisma.sql`
      SELECT ${predicate}::text AS predicate, ${type}::text AS type, found.id
      FROM (${query(bound)} LIMIT ${limit}) AS found`;
  });
  // One statement sees one moment: nothing slips through by going from one predicate's rows to another's meanwhile.
  const rows = await sql(db).query<
    { predicate: Predicate; type: StuckItem['subject']['type']; id: string }[]
  >`
    ${Prisma.join(queries, ' UNION ALL ')}`;
  return rows.map(({ predicate, type, id }) => ({ predicate, subject: { type, id } }));
}

async function realTimeBefore(db: Database, toleranceMs: number): Promise<Date> {
  const [row] = await sql(db).query<[{ at: Date }]>`
    SELECT clock_timestamp() - ${toleranceMs} * interval '1 millisecond' AS at`;
  return row.at;
}
