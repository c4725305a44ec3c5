/**
 * Dead letters as operators see them, and their decisions.
 *
 * Does not own handling a record again: the consumer of its group reads what is marked here. Invariant: a dead letter
 * is resolved once, with actor and reason, and not discarded while its group may be handling it.
 */
import { isUtf8 } from 'node:buffer';
import type { Actor } from '../../contracts/fields';
import {
  deadLetter,
  wholeDeadLetter,
  type DeadLetter,
  type WholeDeadLetter,
} from '../../contracts/http/dead-letters';
import { notFound, ProblemError } from '../../contracts/problem-error';
import type { Database } from '../../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import type { Prisma } from '../../prisma/generated/client';
import { instantOrNull } from '../rows';

type WholeRow = Prisma.DeadLetterGetPayload<object>;
type Row = Omit<WholeRow, 'value' | 'headers'>;

function fieldsOf(row: Row) {
  return {
    ...row,
    offset: row.offset.toString(),
    last_offset: row.last_offset?.toString() ?? null,
    redrive_requested_at: instantOrNull(row.redrive_requested_at),
    seen_at: row.created_at.toISOString(),
  };
}

const toDeadLetter = (row: Row): DeadLetter => deadLetter.parse(fieldsOf(row));

function toWhole(row: WholeRow): WholeDeadLetter {
  return wholeDeadLetter.parse({ ...fieldsOf(row), value: encodedValue(row.value) });
}

function encodedValue(value: Uint8Array | null): WholeDeadLetter['value'] {
  if (value === null) return null;
  const bytes = Buffer.from(value);
  return isUtf8(bytes)
    ? { encoding: 'text', data: bytes.toString('utf8') }
    : { encoding: 'base64', data: bytes.toString('base64') };
}

export interface DeadLetterFilter {
  group?: string | undefined;
  status?: string | undefined;
}

/** Lists dead letters without their records, newest first. */
export async function listDeadLetters(
  db: Database,
  { group, status }: DeadLetterFilter,
  page: PageRequest,
): Promise<Page<DeadLetter>> {
  const { after, ...order } = newestFirst(page);
  const rows = await db.deadLetter.findMany({
    where: { group, status, ...after },
    omit: { value: true, headers: true },
    ...order,
  });
  return pageOf(rows, page.limit, toDeadLetter);
}

/** Reads a dead letter with its record. @throws ProblemError `not_found` */
export async function readDeadLetter(db: Database, letterId: string): Promise<WholeDeadLetter> {
  const row = await db.deadLetter.findUnique({ where: { id: letterId } });
  if (row === null) throw notFound('dead letter');
  return toWhole(row);
}

/** Has its group handle the record again. @throws ProblemError `not_found`, `dead_letter_resolved` */
export async function requestRedrive(db: Database, letterId: string, now: Date): Promise<DeadLetter> {
  await requireOpen(db, letterId);
  await db.deadLetter.updateMany({
    where: { id: letterId, status: 'open' },
    data: { redrive_requested_at: now },
  });
  return toDeadLetter(await db.deadLetter.findUniqueOrThrow({ where: { id: letterId } }));
}

/**
 * Decides that a record is never handled.
 * @throws ProblemError `not_found`, `dead_letter_resolved`, `dead_letter_redriving`
 */
export async function discardDeadLetter(
  db: Database,
  letterId: string,
  actor: Actor,
  now: Date,
): Promise<DeadLetter> {
  await requireOpen(db, letterId);
  const resolved = { at: now.toISOString(), actor, reason: actor.reason };
  const { count } = await db.deadLetter.updateMany({
    // While its group may be handling the record, an operator cannot decide that it is never handled.
    where: { id: letterId, status: 'open', redrive_requested_at: null },
    data: { status: 'discarded', redrive_requested_at: null, resolved },
  });
  const row = await db.deadLetter.findUniqueOrThrow({ where: { id: letterId } });
  if (count === 0 && row.status === 'open')
    throw new ProblemError('dead_letter_redriving', 'A redrive is under way.');
  if (count === 0) throw new ProblemError('dead_letter_resolved', `It is ${row.status}.`);
  return toDeadLetter(row);
}

/** @throws ProblemError `not_found`, or `dead_letter_resolved` when nothing is left to decide */
async function requireOpen(db: Database, letterId: string): Promise<void> {
  const row = await db.deadLetter.findUnique({ where: { id: letterId }, select: { status: true } });
  if (row === null) throw notFound('dead letter');
  if (row.status !== 'open') throw new ProblemError('dead_letter_resolved', `It is ${row.status}.`);
}
