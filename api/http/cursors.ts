/**
 * Cursors of lists.
 *
 * Owns the opaque cursor: the name of its list and the place of the last row that was given. Does not own filters, which
 * the caller repeats, nor reading a page (`prisma/pages.ts`).
 */
import type { ExportPlace } from '../../billing/customer/export';
import { rankOf, sourceAt, type TimelinePlace } from '../../domain/timeline/timeline';
import { ProblemError } from '../../contracts/problem-error';

/** The end of the year 9999, milliseconds: PostgreSQL and RFC 3339 both know it. */
const maxInstantMs = 253_402_300_799_999;

export interface Place {
  created_at: Date;
  id: string;
}

/** A cursor that only the same list takes back. */
export function encodeCursor(list: string, place: Place): string {
  return Buffer.from(JSON.stringify([list, place.created_at.getTime(), place.id])).toString('base64url');
}

/** @throws ProblemError `malformed_cursor` for anything that this list did not give out */
export function decodeCursor(list: string, cursor: string): Place {
  const parts = readCursor(cursor);
  const [from, ms, id] = parts;
  if (parts.length !== 3 || from !== list || !isInstant(ms) || !isId(id)) throw malformedCursor();
  return { created_at: new Date(ms), id };
}

/** A cursor of a list that is in the order of a number. */
export function encodePosition(list: string, position: number): string {
  return Buffer.from(JSON.stringify([list, position])).toString('base64url');
}

/** @throws ProblemError `malformed_cursor` */
export function decodePosition(list: string, cursor: string): number {
  const parts = readCursor(cursor);
  const position = parts[1];
  // The column is a 32-bit integer.
  if (parts.length !== 2 || parts[0] !== list || !isIndex(position)) throw malformedCursor();
  return position;
}

/** A cursor of a list that is in the order of ids. */
export function encodeId(list: string, id: string): string {
  return Buffer.from(JSON.stringify([list, id])).toString('base64url');
}

/** @throws ProblemError `malformed_cursor` */
export function decodeId(list: string, cursor: string): string {
  const parts = readCursor(cursor);
  const id = parts[1];
  if (parts.length !== 2 || parts[0] !== list || !isId(id)) throw malformedCursor();
  return id;
}

/** A cursor of a list that is in the order of a 64-bit serial number. */
export function encodeSerial(list: string, serial: bigint): string {
  return encodeId(list, serial.toString());
}

/** @throws ProblemError `malformed_cursor` */
export function decodeSerial(list: string, cursor: string): bigint {
  const serial = decodeId(list, cursor);
  if (!isSerial(serial)) throw malformedCursor();
  return BigInt(serial);
}

/** A cursor of a timeline. */
export function encodeTimelinePlace(list: string, place: TimelinePlace): string {
  const { atMs, recordedMs, source, id, number } = place;
  const parts = [list, atMs, recordedMs, rankOf(source), id, number.toString()];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** @throws ProblemError `malformed_cursor` */
export function decodeTimelinePlace(list: string, cursor: string): TimelinePlace {
  const parts = readCursor(cursor);
  const [from, atMs, recordedMs, rank, id, number] = parts;
  const source = isIndex(rank) ? sourceAt(rank) : undefined;
  if (parts.length !== 6 || from !== list || source === undefined) throw malformedCursor();
  if (!isInstant(atMs) || !isInstant(recordedMs) || !isId(id) || !isSerial(number)) throw malformedCursor();
  return { atMs, recordedMs, source, id, number: BigInt(number) };
}

/** A cursor of an export. */
export function encodeExportPlace(list: string, { step, position }: ExportPlace): string {
  return Buffer.from(JSON.stringify([list, step, ...position])).toString('base64url');
}

/** @throws ProblemError `malformed_cursor` */
export function decodeExportPlace(list: string, cursor: string): ExportPlace {
  const [from, step, ...position] = readCursor(cursor, maxExportCursor);
  if (from !== list || typeof step !== 'string' || !position.every(isKeyPart)) throw malformedCursor();
  return { step, position };
}

const isKeyPart = (value: unknown): value is string => typeof value === 'string';
/** Keys of callers are part of it. */
const maxExportCursor = 2_000;

function isInstant(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= maxInstantMs;
}

/** Decimal text that fits into 63 bits, whatever its digits. */
function isSerial(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,18}$/.test(value);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_.-]{1,100}$/.test(value);
}

function isIndex(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}

function malformedCursor(): ProblemError {
  return new ProblemError('malformed_cursor', 'Leave cursor out to begin with the first page.');
}

function readCursor(cursor: string, maxLength = 500): unknown[] {
  if (cursor.length > maxLength || !/^[A-Za-z0-9_-]+$/.test(cursor)) return [];
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

interface PageQuery {
  limit: number;
  cursor?: string | undefined;
}

/** Reads which page of a newest-first list is asked for. @throws ProblemError `malformed_cursor` */
export function readPage(list: string, query: PageQuery): { after: Place | null; limit: number } {
  return readPageBy(list, query, decodeCursor);
}

/** Reads which page is asked for in another order. @throws ProblemError `malformed_cursor` */
export function readPageBy<After>(
  list: string,
  { cursor, limit }: PageQuery,
  decode: (list: string, cursor: string) => After,
): { after: After | null; limit: number } {
  return { after: cursor === undefined ? null : decode(list, cursor), limit };
}

interface PageBody<Item> {
  data: Item[];
  next_cursor: string | null;
}

/** Renders a page of a newest-first list. */
export function pageBody<Item>(list: string, page: { items: Item[]; next: Place | null }): PageBody<Item> {
  return pageBodyBy(list, page, encodeCursor);
}

/** Renders a page in another order. */
export function pageBodyBy<Item, After>(
  list: string,
  { items, next }: { items: Item[]; next: After | null },
  encode: (list: string, next: After) => string,
): PageBody<Item> {
  return { data: items, next_cursor: next === null ? null : encode(list, next) };
}
