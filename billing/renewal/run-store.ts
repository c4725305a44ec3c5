/** Statements over the rows of renewal runs. */
import type { RenewalRunProgress, RenewalRunStatus } from '../../domain/renewal/run';
import type { Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';

/**
 * Writes a run that begins; one that was written before stays.
 * @param members ids of subscriptions
 * @returns whether it is new
 */
export async function insertRun(
  db: Database,
  run: { id: string; members: readonly string[]; oldestDueAt: string },
): Promise<boolean> {
  const written = await sql(db).execute`
    INSERT INTO renewal_runs (id, status, size, members, members_left, counts, exceptions, oldest_due_at, created_at, progress_at)
    VALUES (${run.id}, 'running', ${run.members.length}, ${run.members}, ${run.members}, '{}', '[]', ${new Date(run.oldestDueAt)},
      clock_timestamp(), clock_timestamp())
    ON CONFLICT DO NOTHING`;
  return written > 0;
}

/** Ends the rows of runs of which nothing was seen for an hour: their namespace may be lost. */
export async function endLostRuns(db: Database): Promise<void> {
  await sql(db).execute`
    UPDATE renewal_runs SET status = 'lost', finished_at = clock_timestamp()
    WHERE finished_at IS NULL AND progress_at < clock_timestamp() - interval '1 hour'`;
}

/** Writes that a run goes on, though nothing of it is done: it waits for a worker. */
export async function touchRun(db: Database, id: string): Promise<void> {
  await sql(db).execute`
    UPDATE renewal_runs SET progress_at = clock_timestamp() WHERE id = ${id} AND finished_at IS NULL`;
}

/** Writes how far a run is, and whom it has left. One that was given up as lost is there again. */
export async function updateRun(
  db: Database,
  id: string,
  status: RenewalRunStatus,
  { counts, exceptions }: RenewalRunProgress,
  left: readonly string[],
): Promise<void> {
  await sql(db).execute`
    UPDATE renewal_runs SET status = ${status}, counts = ${JSON.stringify(counts)}::jsonb,
      exceptions = ${JSON.stringify(exceptions)}::jsonb, progress_at = clock_timestamp(),
      members_left = ${left}, finished_at = CASE WHEN ${status} = 'finished' THEN clock_timestamp() END
    WHERE id = ${id} AND status <> 'finished'`;
}
