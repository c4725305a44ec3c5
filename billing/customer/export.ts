/**
 * All that is kept about a customer, by the list that an erasure follows (`domain/personal-data.ts`).
 *
 * Invariants: what an erasure blanks, an export has, save columns that the list hides; a page holds about a megabyte, or
 * one batch.
 */
import { isUtf8 } from 'node:buffer';
import type { ExportedRow } from '../../contracts/http/customers';
import { notFound } from '../../contracts/problem-error';
import type { Database } from '../../prisma/client';
import { Prisma } from '../../prisma/generated/client';
import type { Page, PageRequest } from '../../prisma/pages';
import { readBatch, steps, type Position, type ReadRow, type Step } from './erasure-store';

/** The position at which an export continues. */
export interface ExportPlace {
  step: string;
  position: Position;
}

const maxPageBytes = 1024 * 1024;
/** Rows of tables that hold whole requests and records. */
const largeBatch = 5;

/** Reads a page of an export, in the order of the list. @throws ProblemError `not_found` */
export async function exportCustomer(
  db: Database,
  customerId: string,
  { after, limit }: PageRequest<ExportPlace>,
): Promise<Page<ExportedRow, ExportPlace>> {
  if ((await db.customer.count({ where: { id: customerId } })) === 0) throw notFound('customer');
  const items: ExportedRow[] = [];
  let bytes = 0;
  let at = Math.max(
    0,
    steps.findIndex(({ name }) => name === after?.step),
  );
  let position = steps[at]?.name === after?.step ? (after?.position ?? null) : null;
  for (let step = steps[at]; step !== undefined; step = steps[at]) {
    const left = limit - items.length;
    const { rows, next } = await readBatch(db, step, customerId, {
      after: position,
      since: null,
      limit: isLarge(step) ? Math.min(left, largeBatch) : left,
      columns: columnsOf(step),
      lock: false,
    });
    const read = rows.map((row) => exportedRow(step, row));
    items.push(...read);
    bytes += Buffer.byteLength(JSON.stringify(read));
    position = next;
    if (next === null) at += 1;
    const isFull = items.length >= limit || bytes >= maxPageBytes;
    const following = steps[at];
    if (isFull && following !== undefined) {
      return { items, next: { step: following.name, position: position ?? [] } };
    }
  }
  return { items, next: null };
}

const bytesOf = ({ list }: Step): string[] =>
  Object.entries(list.personal).flatMap(([column, { type }]) => (type === 'bytea' ? [column] : []));
const isLarge = (step: Step): boolean => bytesOf(step).length > 0;

/** The whole row, without what is hidden. */
function columnsOf({ list }: Step): Prisma.Sql {
  return Prisma.sql`to_jsonb(t) - ${[...(list.hidden ?? [])]}::text[] AS data`;
}

function exportedRow(step: Step, row: ReadRow): ExportedRow {
  const data = row['data'] as Record<string, unknown>;
  const bytes = bytesOf(step).map((column) => [column, textOf(data[column])]);
  return { table: step.table, data: { ...data, ...Object.fromEntries(bytes) } };
}

/** @param hex as PostgreSQL writes bytes */
function textOf(hex: unknown): string | null {
  if (typeof hex !== 'string') return null;
  const bytes = Buffer.from(hex.slice(2), 'hex');
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('base64');
}
