/** Renewal runs as operators see them. */
import { renewalRun, type RenewalRun } from '../../contracts/http/renewal-runs';
import { ProblemError } from '../../contracts/problem-error';
import type { Database } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';

export async function listRuns(
  db: Database,
  status: string | undefined,
  page: PageRequest,
): Promise<Page<RenewalRun>> {
  const { after, ...order } = newestFirst(page);
  const rows = await db.renewalRun.findMany({ where: { status, ...after }, ...order });
  return pageOf(rows, page.limit, toRun);
}

/** @throws ProblemError `not_found` */
export async function readRun(db: Database, id: string): Promise<RenewalRun> {
  const row = await db.renewalRun.findUnique({ where: { id } });
  if (row === null) throw new ProblemError('not_found', `There is no renewal run ${id}.`);
  return toRun(row);
}

function toRun(row: Prisma.RenewalRunGetPayload<object>): RenewalRun {
  return renewalRun.parse({
    ...row,
    left: row.members_left.length,
    oldest_due_at: row.oldest_due_at.toISOString(),
    created_at: row.created_at.toISOString(),
    progress_at: row.progress_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  });
}
