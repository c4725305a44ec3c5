/** The renewal scheduler as operators see it. Invariant: a pause is a row, so that it outlasts every process. */
import { actor as actorShape, type Actor } from '../../contracts/fields';
import type { RenewalScheduler } from '../../contracts/http/scheduler';
import type { Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { unpublished } from './store';

/** Reads what is due, and whether the scheduler is paused. */
export async function readScheduler(db: Database): Promise<RenewalScheduler> {
  const pause = await db.renewalPause.findFirst();
  const [row] = await sql(db).query<[{ due: bigint; oldest: Date | null; next: Date | null }]>`
    WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS now)
    SELECT (SELECT count(*) FROM subscriptions WHERE next_due_at <= (SELECT now FROM moment) AND ${unpublished}) AS due,
      (SELECT min(next_due_at) FROM subscriptions
        WHERE next_due_at <= (SELECT now FROM moment) AND ${unpublished}) AS oldest,
      (SELECT min(next_due_at) FROM subscriptions
        WHERE next_due_at > (SELECT now FROM moment) AND ${unpublished}) AS next`;
  return {
    paused: pause && { at: pause.at.toISOString(), actor: actorShape.parse(pause.actor) },
    due: Number(row.due),
    oldest_due_at: row.oldest?.toISOString() ?? null,
    next_due_at: row.next?.toISOString() ?? null,
  };
}

/** Pauses the scheduler; paused already, the first decision stands. */
export async function pauseScheduler(db: Database, actor: Actor): Promise<RenewalScheduler> {
  await db.renewalPause.createMany({ data: [{ actor }], skipDuplicates: true });
  return readScheduler(db);
}

/** Resumes the scheduler. */
export async function resumeScheduler(db: Database): Promise<RenewalScheduler> {
  await db.renewalPause.deleteMany();
  return readScheduler(db);
}

/** Whether an operator has paused renewals. */
export async function areRenewalsPaused(db: Database): Promise<boolean> {
  return (await db.renewalPause.count()) > 0;
}
