/**
 * Dead letters: records that a group can never handle, kept with their origin and the reason, and redriven when an
 * operator requests it.
 *
 * Invariants:
 * - A record is on the topic and in the table before it counts as handled; both may be repeated (the row is UNIQUE by
 *   its origin).
 * - A record that is too large for the topic is there without its value; then the row has none either, and says where the
 *   original is.
 * - A redrive is handled by this group alone, and leaves the row resolved, or open with the new reason.
 */
import type { Logger } from 'pino';
import { deadLetterTopic, type ConsumerGroup } from '../../contracts/topics/topics';
import { derivedId } from '../../domain/ids';
import { systemActor } from '../../contracts/fields';
import type { Database } from '../../prisma/client';
import { columnsOf } from '../../prisma/columns';
import { sql } from '../../prisma/sql';
import { Prisma } from '../../prisma/generated/client';
import {
  RecordRefused,
  type ReceivedRecord,
  type RecordHeaders,
  type RecordProducer,
  type WrittenAt,
} from '../kafka/port';
import type { Refusal } from './failure';

export interface DeadLetterDependencies {
  group: ConsumerGroup;
  db: Database;
  producer: RecordProducer;
  log: Logger;
}

/** @throws when Kafka or PostgreSQL does not take it; the record is to be tried again */
export async function writeDeadLetter(
  deps: DeadLetterDependencies,
  record: ReceivedRecord,
  refusal: Refusal,
): Promise<void> {
  const { group, db, log } = deps;
  const seenAt = new Date();
  const code = refusal.code;
  const why = refusal.message.slice(0, 1_000);
  const { written, isWhole } = await publish(deps, record, { code, why, seenAt });
  const { topic, partition, offset } = record;
  const first = firstOffsetOf(record);
  const row = {
    id: derivedId('dead_letter', [group, topic, partition, first]),
    group,
    topic,
    partition,
    offset: BigInt(first),
    last_offset: record.undecodable === undefined ? null : BigInt(offset),
    event_id: eventIdOf(record),
    error_code: code,
    error: storable(why),
    created_at: seenAt,
  };
  await db.deadLetter.createMany({
    data: [{ ...row, ...(isWhole ? contentOf(record) : outlineOf(record)) }],
    skipDuplicates: true,
  });
  log.error({ topic, partition, offset: first, code, written, whole: isWhole }, 'record dead-lettered');
}

/** Of a batch that cannot be decoded: its first one. */
function firstOffsetOf({ offset, undecodable }: ReceivedRecord): string {
  return undecodable?.firstOffset ?? offset;
}

interface Reason {
  code: string;
  why: string;
  seenAt: Date;
}

/**
 * Writes the record to the group's topic: whole, else, when Kafka refuses that for its size, without its value, and
 * without key and headers if it has to be.
 */
async function publish(
  { group, producer }: DeadLetterDependencies,
  record: ReceivedRecord,
  { code, why, seenAt }: Reason,
): Promise<{ written: WrittenAt | undefined; isWhole: boolean }> {
  const origin = {
    'dlq-group': group,
    'dlq-topic': record.topic,
    'dlq-partition': String(record.partition),
    'dlq-offset': firstOffsetOf(record),
    ...(record.undecodable === undefined ? {} : { 'dlq-last-offset': record.offset }),
    'dlq-error-code': code,
    'dlq-error': why,
    'dlq-seen-at': seenAt.toISOString(),
  };
  const { key, value, headers } = record;
  const cut = { ...origin, 'dlq-omitted': 'value', 'dlq-value-bytes': String(value?.length ?? 0) };
  const forms = [
    { key, value, headers: { ...headers, ...origin } },
    { key, value: null, headers: { ...headers, ...cut } },
    { key: null, value: null, headers: { ...cut, 'dlq-omitted': 'value, key, headers' } },
  ];
  for (const [at, form] of forms.entries()) {
    try {
      const [written] = await producer.send([{ topic: deadLetterTopic(group), ...form }]);
      return { written, isWhole: at === 0 };
    } catch (error) {
      if (!(error instanceof RecordRefused) || at === forms.length - 1) throw error;
    }
  }
  return { written: undefined, isWhole: false };
}

/** What the row has of a record. */
function contentOf({ key, value, headers }: ReceivedRecord) {
  return {
    key: textOf(key),
    value: value === null ? null : Uint8Array.from(value),
    value_bytes: value?.length ?? null,
    headers: headerTexts(headers),
  };
}

/** Characters of the headers, and of the key, that the row has of a record that is too large. */
const outlineLength = 64 * 1024;
const maxKeptKey = 1_000;

/** What the row has of a record that is too large for the group's topic: no value, and as much of the rest as there is room. */
function outlineOf(record: ReceivedRecord) {
  const { key, headers, ...rest } = contentOf(record);
  const kept: Record<string, string> = {};
  const keptKey = key?.slice(0, maxKeptKey) ?? null;
  let leftLength = outlineLength;
  for (const [name, text] of Object.entries(headers)) {
    leftLength -= name.length + text.length;
    if (leftLength >= 0) kept[name] = text;
  }
  return { ...rest, key: keptKey, value: null, headers: kept };
}

/** The dead letters of a group that an operator wants handled again, oldest first. */
export function lettersToRedrive(db: Database, group: ConsumerGroup): Promise<Letter[]> {
  return sql(db).query`
    SELECT ${letterColumns} FROM dead_letters
    WHERE "group" = ${group} AND status = 'open' AND redrive_requested_at IS NOT NULL
    ORDER BY redrive_requested_at, id LIMIT 50`;
}

const letterColumns = columnsOf(Prisma.DeadLetterScalarFieldEnum);

export type Letter = Prisma.DeadLetterGetPayload<object>;

/** Whether the row does not have what the record held. */
export function isWithoutContent({ value, value_bytes: bytes, last_offset: lastOffset }: Letter): boolean {
  return value === null && ((bytes ?? 0) > 0 || lastOffset !== null);
}

/** The record as it was. */
export function recordOf(letter: Letter): ReceivedRecord {
  return {
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset.toString(),
    key: letter.key === null ? null : Buffer.from(letter.key),
    value: letter.value === null ? null : Buffer.from(letter.value),
    headers: letter.headers as RecordHeaders,
  };
}

/** How a redrive ended: handled, or open again with the reason of now. */
export async function noteRedrive(db: Database, letter: Letter, failed: Refusal | null): Promise<void> {
  const where = { id: letter.id, status: 'open' };
  // A redrive that was requested meanwhile, after another fix, stays requested.
  const { redrive_requested_at } = letter;
  if (failed !== null) {
    const data = {
      redrive_requested_at: null,
      error_code: failed.code,
      error: storable(failed.message.slice(0, 1_000)),
    };
    await db.deadLetter.updateMany({ where: { ...where, redrive_requested_at }, data });
    return;
  }
  const resolved = { at: new Date().toISOString(), actor: systemActor(letter.group), reason: null };
  await db.deadLetter.updateMany({
    where,
    data: { status: 'redriven', redrive_requested_at: null, resolved },
  });
}

/** PostgreSQL's text has no NUL. */
const storable = (text: string): string => text.replaceAll('\u0000', '\uFFFD');

function textOf(bytes: Buffer | null): string | null {
  return bytes === null ? null : storable(bytes.toString('utf8'));
}

/** A header given several times counts by its last value. */
export function headerTexts(headers: RecordHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const last = Array.isArray(value) ? value.at(-1) : value;
      return [storable(name), last === undefined ? '' : storable(last.toString())];
    }),
  );
}

function eventIdOf(record: ReceivedRecord): string | null {
  try {
    const { id } = JSON.parse(record.value?.toString('utf8') ?? 'null') as { id?: unknown };
    return typeof id === 'string' ? storable(id.slice(0, 500)) : null;
  } catch {
    return null;
  }
}
