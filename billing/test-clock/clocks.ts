/**
 * Test clocks: creating, reading and deleting them. Advancing one is `advance.ts`.
 *
 * Invariant: a deleted clock stands still for ever; deleting it again finishes what an interrupted call left.
 */
import { recordCreated, type Lease } from '../../access/idempotency';
import { testClock, type TestClock } from '../../contracts/http/test-clocks';
import { notFound } from '../../contracts/problem-error';
import { finalStatuses } from '../../domain/subscription/subscription';
import { inTransaction, type Database } from '../../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import { sql } from '../../prisma/sql';
import { lockTestClock } from '../locks';
import { instantOrNull, testClockColumns, testClockRow, type TestClockRow } from '../rows';

function toTestClock(row: TestClockRow): TestClock {
  return testClock.parse({
    ...row,
    now: row.now.toISOString(),
    target: instantOrNull(row.target),
    created_at: row.created_at.toISOString(),
  });
}

/** Creates a test clock, once by its id. @param lease of the call's Idempotency-Key, if it has one */
export async function createTestClock(
  db: Database,
  clockId: string,
  now: Date,
  lease: Lease | null,
): Promise<TestClock> {
  const row = await inTransaction(db, async (tx) => {
    const count = await sql(tx).execute`
      INSERT INTO test_clocks (id, now) VALUES (${clockId}, ${now}) ON CONFLICT (id) DO NOTHING`;
    if (count === 1) await recordCreated(tx, lease, clockId);
    const [created] = await sql(tx).query<[TestClockRow]>`
      SELECT ${testClockColumns} FROM test_clocks WHERE id = ${clockId}`;
    return created;
  });
  return toTestClock(row);
}

/** Lists test clocks, newest first, without deleted ones. */
export async function listTestClocks(db: Database, page: PageRequest): Promise<Page<TestClock>> {
  const { after, ...order } = newestFirst(page);
  const rows = await db.testClock.findMany({ where: { deleted_at: null, ...after }, ...order });
  return pageOf(rows, page.limit, (row) => toTestClock(testClockRow(row)));
}

/** Reads a test clock. @throws ProblemError `not_found`, for a deleted one, too */
export async function readTestClock(db: Database, clockId: string): Promise<TestClock> {
  const row = await db.testClock.findUnique({ where: { id: clockId } });
  if (row === null || row.deleted_at !== null) throw notFound('test clock');
  return toTestClock(testClockRow(row));
}

/**
 * Deletes a test clock; deleted already, it changes nothing.
 * @returns the clock, and the subscriptions of its customers that are to be cancelled now, in the order of their ids
 * @throws ProblemError `not_found`
 */
export async function deleteTestClock(
  db: Database,
  clockId: string,
): Promise<{ clock: TestClock; runningSubscriptionIds: string[] }> {
  const row = await inTransaction(db, async (tx) => {
    const before = await lockTestClock(tx, clockId);
    if (before === null) throw notFound('test clock');
    if (before.deleted_at !== null) return before;
    const [deleted] = await sql(tx).query<[TestClockRow]>`
      UPDATE test_clocks SET deleted_at = clock_timestamp(), status = 'ready', target = NULL, detail = NULL
      WHERE id = ${clockId} RETURNING ${testClockColumns}`;
    return deleted;
  });
  const running = await db.subscription.findMany({
    where: { test_clock_id: clockId, status: { notIn: [...finalStatuses] } },
    orderBy: { id: 'asc' },
    select: { id: true },
  });
  return { clock: toTestClock(row), runningSubscriptionIds: running.map(({ id }) => id) };
}
