/** The renewal scheduler as operators see it. Invariant: a pause is a row, so that it outlasts every process. */
import { actor as actorShape, type Actor } from '../../contracts/fields';
import type { RenewalScheduler } from '../../contracts/http/scheduler';
import type { Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';

/** Reads what is due, and whether the scheduler is paused. */
export async function readScheduler(db: Database): Promise<RenewalScheduler> {
  const pause = await db.renewalPause.findFirst();
  const [row] = await sql(db).query<[{ due: bigint; oldest: Date | null; next: Date | null }]>`
    SELECT count(*) FILTER (WHERE next_due_at <= clock_timestamp()) AS due,
      min(next_due_at) FILTER (WHERE next_due_at <= clock_timestamp()) AS oldest,
      min(next_due_at) FILTER (WHERE next_due_at > clock_timestamp()) AS next
    FROM subscriptions
    WHERE next_due_at IS NOT NULL AND announced_version IS DISTINCT FROM version AND test_clock_id IS NULL`;
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
