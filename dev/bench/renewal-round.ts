/** One round of renewals: waits for its end, and says what it took. */
import type { Client } from 'pg';
import { untilTrue } from './waiting';

/** Subscriptions that are due between two instants. */
export interface Round {
  subscriptions: number;
  due: Date;
  lastDue: Date;
}

export interface RoundFigures {
  perSecond: number;
  completed: number;
  failed: number;
  /** Seconds between the instant at which a period is due and its payment. */
  p50LateSeconds: number;
  p99LateSeconds: number;
}

/** Ends when the payment of each period has succeeded or failed and every event is on its topic. */
export async function awaitRound(db: Client, round: Round): Promise<RoundFigures> {
  const isDone = async (): Promise<boolean> =>
    (await countSettled(db, round)) === round.subscriptions && (await isIdle(db));
  await untilTrue('all renewals are settled and published', isDone, 180_000 + round.subscriptions * 500);
  const { rows } = await db.query<RoundFigures & { seconds: number }>(
    `SELECT (SELECT extract(epoch FROM max(published_at) - $1)::float8 FROM outbox_events) AS seconds,
       count(*) FILTER (WHERE status = 'completed')::int AS completed,
       count(*) FILTER (WHERE status = 'failed')::int AS failed,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY late) AS "p50LateSeconds",
       percentile_disc(0.99) WITHIN GROUP (ORDER BY late) AS "p99LateSeconds"
     FROM (SELECT pay.status, extract(epoch FROM p.paid_at - p.start)::float8 AS late ${periodsOfRound}) AS one`,
    [round.due, round.lastDue],
  );
  const [figures] = rows;
  if (figures === undefined) throw new Error('nothing was renewed');
  return { ...figures, perSecond: round.subscriptions / figures.seconds };
}

const periodsOfRound = `FROM subscription_periods p
  JOIN payments pay ON pay.subscription_id = p.subscription_id AND pay.period_index = p.index
  WHERE p.start >= $1 AND p.start <= $2`;

async function countSettled(db: Client, { due, lastDue }: Round): Promise<number> {
  const { rows } = await db.query<{ settled: number }>(
    `SELECT count(*)::int AS settled ${periodsOfRound} AND pay.status IN ('completed', 'failed')`,
    [due, lastDue],
  );
  return rows[0]?.settled ?? 0;
}

/** Everything that was committed is on its topic. */
export async function isIdle(db: Client): Promise<boolean> {
  const { rowCount } = await db.query('SELECT 1 FROM outbox_events WHERE published_at IS NULL LIMIT 1');
  return rowCount === 0;
}

/** For people. */
export function shownRound(round: Round, figures: RoundFigures): string {
  const { perSecond, completed, failed, p50LateSeconds, p99LateSeconds } = figures;
  return (
    `${round.subscriptions} renewals, settled and published: ${perSecond.toFixed(1)}/s ` +
    `(${completed} paid, ${failed} declined; lateness p50 ${p50LateSeconds.toFixed(1)} s, p99 ${p99LateSeconds.toFixed(1)} s)`
  );
}
