/** Statements over a test clock, and over what of its customers is due by it. */
import type { Database, Transaction } from '../../prisma/client';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';
import { plannedForAnotherMethod } from '../payment/card-store';
import { testClockColumns, type TestClockRow } from '../rows';

/** @throws Error when there is no such clock */
export async function findClock(on: Database | Transaction, clockId: string): Promise<TestClockRow> {
  const [row] = await sql(on).query<TestClockRow[]>`
    SELECT ${testClockColumns} FROM test_clocks WHERE id = ${clockId}`;
  if (row === undefined) throw new Error(`test clock ${clockId} does not exist`);
  return row;
}

/** Begins an advance. */
export function enqueueAdvance(tx: Transaction, clockId: string, target: Date): void {
  sql(tx).enqueue`
    UPDATE test_clocks SET status = 'advancing', target = ${target}, steps = 0, detail = NULL WHERE id = ${clockId}`;
}

/** Moves the clock. @param passed due instants that it passes by that */
export function enqueueMove(tx: Transaction, clockId: string, now: Date, passed: 0 | 1): void {
  sql(tx).enqueue`
    UPDATE test_clocks SET now = ${now}, detail = NULL, steps = steps + ${passed}::int WHERE id = ${clockId}`;
}

/** Ends an advance that has reached its target. */
export function enqueueArrival(tx: Transaction, clockId: string): void {
  sql(tx)
    .enqueue`UPDATE test_clocks SET status = 'ready', target = NULL, detail = NULL WHERE id = ${clockId}`;
}

/** Ends an advance that has failed, if the clock advances. @param detail null: what it waits for */
export async function markFailed(db: Database, clockId: string, detail: string | null): Promise<void> {
  await sql(db).execute`
    UPDATE test_clocks SET status = 'failed', detail = coalesce(${detail}, detail)
    WHERE id = ${clockId} AND status = 'advancing'`;
}

/** Writes what an advance waits for, if the clock advances. */
export async function writeDetail(db: Database, clockId: string, detail: string | null): Promise<void> {
  await sql(db).execute`
    UPDATE test_clocks SET detail = ${detail} WHERE id = ${clockId} AND status = 'advancing'`;
}

/** Whether a plan for a failed payment holds; `s` is its subscription, if it has one. A resumption wakes the retry. */
const isRetrying = Prisma.sql`(s.id IS NULL OR s.status NOT IN ('cancelled', 'expired', 'paused'))`;

/** When something of the clock's customers is due next: renewals, trial ends, lookups, retries, notifications. */
export async function nextDueAt(tx: Transaction, clockId: string): Promise<Date | null> {
  const [next] = await sql(tx).query<[{ at: Date | null }]>`
    SELECT min(at) AS at FROM (
      SELECT min(next_due_at) AS at FROM subscriptions WHERE test_clock_id = ${clockId}
      UNION ALL
      SELECT min(a.next_question_at) FROM payment_attempts a
        JOIN payments p ON p.id = a.payment_id JOIN customers c ON c.id = p.customer_id
        WHERE c.test_clock_id = ${clockId} AND a.settled_at IS NULL
      UNION ALL
      SELECT min(r.at) FROM retry_plans r
        JOIN payments p ON p.id = r.payment_id JOIN customers c ON c.id = p.customer_id
        JOIN test_clocks k ON k.id = c.test_clock_id LEFT JOIN subscriptions s ON s.id = p.subscription_id
        WHERE k.id = ${clockId} AND p.status = 'failed' AND r.at > k.now AND ${isRetrying}
          AND r.sequence = (SELECT max(l.sequence) FROM retry_plans l WHERE l.payment_id = r.payment_id)
      UNION ALL
      SELECT min(p.next_notice_at) FROM payments p JOIN customers c ON c.id = p.customer_id
        JOIN test_clocks k ON k.id = c.test_clock_id
        WHERE k.id = ${clockId} AND p.status = 'failed' AND p.next_notice_at > k.now
    ) AS instants`;
  return next.at;
}

/** Payments with a lookup that is due by the clock, and what the clock says. */
export function paymentsWithDueLookup(
  db: Database,
  clockId: string,
): Promise<{ payment_id: string; now: Date }[]> {
  return sql(db).query<{ payment_id: string; now: Date }[]>`
    SELECT DISTINCT a.payment_id, k.now FROM test_clocks k
      JOIN customers c ON c.test_clock_id = k.id JOIN payments p ON p.customer_id = c.id
      JOIN payment_attempts a ON a.payment_id = p.id
      WHERE k.id = ${clockId} AND a.settled_at IS NULL AND a.next_question_at <= k.now`;
}

/** Payments with a retry or a notification that is due by the clock, or with another payment method than planned with. */
export async function paymentsWithDueRetry(db: Database, clockId: string): Promise<string[]> {
  const rows = await sql(db).query<{ payment_id: string }[]>`
    SELECT r.payment_id FROM retry_plans r
      JOIN payments p ON p.id = r.payment_id JOIN customers c ON c.id = p.customer_id
      JOIN test_clocks k ON k.id = c.test_clock_id LEFT JOIN subscriptions s ON s.id = p.subscription_id
      WHERE k.id = ${clockId} AND p.status = 'failed' AND r.at <= k.now AND ${isRetrying}
        AND r.final_action IS DISTINCT FROM 'leave_past_due'
        AND r.sequence = (SELECT max(l.sequence) FROM retry_plans l WHERE l.payment_id = r.payment_id)
    UNION
    SELECT p.id FROM payments p JOIN customers c ON c.id = p.customer_id
      JOIN test_clocks k ON k.id = c.test_clock_id
      WHERE k.id = ${clockId} AND p.status = 'failed' AND p.next_notice_at <= k.now
    UNION
    SELECT p.id FROM ${plannedForAnotherMethod} AND c.test_clock_id = ${clockId}`;
  return rows.map(({ payment_id }) => payment_id);
}

/** When the last call of an attempt that the clock waits for ended, real time; null: it waits for none. */
export async function lastCallAt(db: Database, clockId: string): Promise<Date | null> {
  const [last] = await sql(db).query<[{ at: Date | null }]>`
    SELECT max(coalesce(a.last_call_ended_at, a.started_at)) AS at FROM payment_attempts a
      JOIN payments p ON p.id = a.payment_id JOIN customers c ON c.id = p.customer_id
      JOIN test_clocks k ON k.id = c.test_clock_id
      WHERE k.id = ${clockId} AND a.settled_at IS NULL
        AND (a.status = 'processing' OR a.next_question_at <= k.now)`;
  return last.at;
}
