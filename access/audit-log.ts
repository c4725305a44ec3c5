/** Reading the audit log; its rows are written by the API (`api/audit.ts`). */
import type { Database } from '../prisma/client';
import { sql } from '../prisma/sql';
import { columnsOf } from '../prisma/columns';
import { Prisma } from '../prisma/generated/client';

type AuditRow = Prisma.AuditLogGetPayload<object>;

/** What is left out does not matter. */
export interface AuditFilter {
  subject?: string | undefined;
  /** The API key's id. */
  actor?: string | undefined;
  action?: string | undefined;
}

const columns = columnsOf(Prisma.AuditLogScalarFieldEnum);

/** At most `limit` calls, newest first. @param below null: from the newest one on */
export function readAudit(
  db: Database,
  { subject, actor, action }: AuditFilter,
  below: bigint | null,
  limit: number,
): Promise<AuditRow[]> {
  const conditions = [
    ...(below === null ? [] : [Prisma.sql`id < ${below}`]),
    ...(subject === undefined ? [] : [Prisma.sql`subject_id = ${subject}`]),
    ...(actor === undefined ? [] : [Prisma.sql`actor ->> 'id' = ${actor}`]),
    ...(action === undefined ? [] : [Prisma.sql`action = ${action}`]),
  ];
  const where =
    conditions.length === 0 ? Prisma.empty : Prisma.sql`WHERE ${Prisma.join(conditions, ' AND ')}`;
  return sql(db).query<AuditRow[]>`SELECT ${columns} FROM audit_log ${where} ORDER BY id DESC LIMIT ${limit}`;
}
