/**
 * Daily series of the analytics projection, from the facts of `subscription_revenue`.
 *
 * Does not own the rule that names a movement (`domain/subscription/recurring-revenue`); SQL only adds up what is
 * alike. Invariant: the series follow from the order of versions, not from the order in which records arrived.
 */
import type { ActiveSeries, RecoverySeries, RevenueSeries } from '../../contracts/http/analytics';
import { isRecurring, revenueMovement } from '../../domain/subscription/recurring-revenue';
import { subscriptionStatuses } from '../../domain/subscription/subscription';
import type { Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';

/** Days, UTC. */
export interface DayRange {
  from: string;
  to: string;
  /** Each day of it, in order. */
  days: readonly string[];
}

interface Moved {
  day: string;
  was: number;
  is: number;
  ever: boolean;
  delta: bigint;
}

/** Sums movements up to the end of `to`; those before `from` count on the day before it. */
function movements(db: Database, currency: string, { from, to }: DayRange): Promise<Moved[]> {
  return sql(db).query<Moved[]>`
    WITH versions AS (
      SELECT at, monthly_amount AS after, coalesce(lag(monthly_amount) OVER w, 0) AS before,
             coalesce(max(monthly_amount) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) > 0 AS ever
      FROM subscription_revenue WHERE currency = ${currency} AND at < ${to}::date + 1
      WINDOW w AS (PARTITION BY subscription_id ORDER BY version)
    )
    SELECT greatest((at AT TIME ZONE 'UTC')::date, ${from}::date - 1)::text AS day,
           CASE WHEN before = 0 THEN 0 WHEN before < after THEN 1 ELSE 2 END AS was,
           CASE WHEN after = 0 THEN 0 WHEN before < after THEN 2 ELSE 1 END AS "is",
           ever, sum(after - before)::bigint AS delta
    FROM versions WHERE after <> before GROUP BY 1, 2, 3, 4`;
}

/** Computes the monthly recurring revenue of each day and what moved it. */
export async function revenueByDay(db: Database, currency: string, range: DayRange): Promise<RevenueSeries> {
  const moved = await movements(db, currency, range);
  const first = range.days[0] ?? range.from;
  let mrr = moved.filter(({ day }) => day < first).reduce((sum, { delta }) => sum + Number(delta), 0);
  const data = range.days.map((date) => {
    const entry = { date, mrr, new: 0, expansion: 0, contraction: 0, churn: 0, recovery: 0 };
    for (const { was, is, ever, delta } of moved.filter(({ day }) => day === date)) {
      const movement = revenueMovement(was, is, ever);
      if (movement !== null) entry[movement] += Number(delta);
      mrr += Number(delta);
    }
    return { ...entry, mrr };
  });
  return { currency, data };
}

/** Counts the recurring subscriptions at the end of each day, by plan. @param planId null: of every plan */
export async function activeByDay(
  db: Database,
  planId: string | null,
  { from, to }: DayRange,
): Promise<ActiveSeries> {
  const counted = subscriptionStatuses.filter(isRecurring);
  const rows = await sql(db).query<{ date: string; plan_id: string; active: bigint }[]>`
    WITH versions AS (
      SELECT plan_id, status, at, lead(at) OVER (PARTITION BY subscription_id ORDER BY version) AS until
      FROM subscription_revenue
    )
    SELECT day::date::text AS date, plan_id, count(*) AS active
    FROM generate_series(${from}::date, ${to}::date, '1 day') AS day
    JOIN versions ON at < day + interval '1 day' AND (until IS NULL OR until >= day + interval '1 day')
    WHERE status = ANY(${counted}) AND (${planId}::text IS NULL OR plan_id = ${planId})
    GROUP BY 1, 2 ORDER BY 1, 2`;
  return { data: rows.map((row) => ({ ...row, active: Number(row.active) })) };
}

interface Passed {
  day: string;
  what: 'past_due' | 'recovered' | 'lost';
  count: bigint;
  mrr: bigint;
}

/** Counts the subscriptions that became past due, recovered and were lost, by day. */
export async function recoveryByDay(
  db: Database,
  currency: string,
  { from, to, days }: DayRange,
): Promise<RecoverySeries> {
  const passed = await sql(db).query<Passed[]>`
    WITH versions AS (
      SELECT at, status, monthly_amount AS mrr, lag(status) OVER w AS before, lag(monthly_amount) OVER w AS mrr_before
      FROM subscription_revenue WHERE currency = ${currency} AND at < ${to}::date + 1
      WINDOW w AS (PARTITION BY subscription_id ORDER BY version)
    )
    SELECT (at AT TIME ZONE 'UTC')::date::text AS day,
           CASE WHEN status = 'past_due' THEN 'past_due' WHEN status = 'active' THEN 'recovered' ELSE 'lost' END AS what,
           count(*) AS count, sum(CASE WHEN status IN ('past_due', 'active') THEN mrr ELSE mrr_before END)::bigint AS mrr
    FROM versions
    WHERE at >= ${from}::date AND (status = 'past_due') <> coalesce(before = 'past_due', false)
    GROUP BY 1, 2`;
  const data = days.map((date) => {
    const of = (what: Passed['what']) => passed.find((entry) => entry.day === date && entry.what === what);
    const counted = (what: Passed['what']) => Number(of(what)?.count ?? 0);
    const worth = (what: Passed['what']) => Number(of(what)?.mrr ?? 0);
    return {
      date,
      past_due: counted('past_due'),
      recovered: counted('recovered'),
      lost: counted('lost'),
      past_due_mrr: worth('past_due'),
      recovered_mrr: worth('recovered'),
      lost_mrr: worth('lost'),
    };
  });
  return { currency, data };
}
