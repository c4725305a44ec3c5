/** Reading the audit log; `audit.ts` writes it. */
import { auditedCall, type AuditedCall } from '../contracts/http/timeline';
import type { Database } from '../prisma/client';
import { columnsOf } from '../prisma/columns';
import { pageBy, type Page, type PageRequest } from '../prisma/pages';
import { sql } from '../prisma/sql';
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

/** Lists calls, newest first. */
export async function listAudit(
  db: Database,
  { subject, actor, action }: AuditFilter,
  { after, limit }: PageRequest<bigint>,
): Promise<Page<AuditedCall, bigint>> {
  const conditions = [
    ...(after === null ? [] : [Prisma.sql`id < ${after}`]),
    ...(subject === undefined ? [] : [Prisma.sql`subject_id = ${subject}`]),
    ...(actor === undefined ? [] : [Prisma.sql`actor ->> 'id' = ${actor}`]),
    ...(action === undefined ? [] : [Prisma.sql`action = ${action}`]),
  ];
  const where =
    conditions.length === 0 ? Prisma.empty : Prisma.sql`WHERE ${Prisma.join(conditions, ' AND ')}`;
  const rows = await sql(db).query<AuditRow[]>`
    SELECT ${columns} FROM audit_log ${where} ORDER BY id DESC LIMIT ${limit + 1}`;
  return pageBy(rows, limit, toAuditedCall, ({ id }) => id);
}

function toAuditedCall({ at, detail, ...row }: AuditRow): AuditedCall {
  const facts = { code: null, replayed: false, sign_in: null, ...(detail as object) };
  return auditedCall.parse({ ...facts, ...row, at: at.toISOString() });
}
