/** Statements over the rows of renewal runs. */
import type { RenewalRunProgress, RenewalRunStatus } from '../../domain/renewal/run';
import type { Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';

/** Writes a run that begins; one that was written before stays. @param members ids of subscriptions */
export async function insertRun(
  db: Database,
  run: { id: string; members: readonly string[]; oldestDueAt: string },
): Promise<void> {
  await sql(db).execute`
    INSERT INTO renewal_runs (id, status, size, members, counts, exceptions, oldest_due_at, started_at, progress_at)
    VALUES (${run.id}, 'running', ${run.members.length}, ${run.members}, '{}', '[]', ${new Date(run.oldestDueAt)},
      clock_timestamp(), clock_timestamp())
    ON CONFLICT DO NOTHING`;
}

/** Writes how far a run is; with any other status than `running` it has ended. */
export async function updateRun(
  db: Database,
  id: string,
  status: RenewalRunStatus,
  { counts, exceptions }: RenewalRunProgress,
): Promise<void> {
  await sql(db).execute`
    UPDATE renewal_runs SET status = ${status}, counts = ${JSON.stringify(counts)}::jsonb,
      exceptions = ${JSON.stringify(exceptions)}::jsonb, progress_at = clock_timestamp(),
      finished_at = CASE WHEN ${status} <> 'running' THEN clock_timestamp() END
    WHERE id = ${id} AND finished_at IS NULL`;
}
