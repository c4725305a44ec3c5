/**
 * Dead letters: records that a group can never handle, kept with their origin and the reason, and redriven when an
 * operator requests it.
 *
 * Invariants:
 * - A record is on the topic and in the table before it counts as handled; both may be repeated (the row is UNIQUE by
 *   its origin).
 * - A redrive is handled by this group alone, and leaves the row resolved, or open with the new reason.
 */
import type { Logger } from 'pino';
import type { UnreadableEvent } from '../../contracts/topics/envelope';
import { deadLetterTopic, type ConsumerGroup } from '../../contracts/topics/topics';
import { derivedId } from '../../domain/ids';
import { systemActor } from '../../contracts/fields';
import type { Database } from '../../prisma/client';
import { columnsOf } from '../../prisma/columns';
import { sql } from '../../prisma/sql';
import { Prisma } from '../../prisma/generated/client';
import type { RecordHeaders, ReceivedRecord, RecordProducer } from '../kafka/port';
import type { Unprocessable } from '../../billing/unprocessable';

export interface DeadLetterDependencies {
  group: ConsumerGroup;
  db: Database;
  producer: RecordProducer;
  log: Logger;
}

/** @throws when Kafka or PostgreSQL does not take it; the record is to be tried again */
export async function writeDeadLetter(
  { group, db, producer, log }: DeadLetterDependencies,
  record: ReceivedRecord,
  error: UnreadableEvent | Unprocessable,
): Promise<void> {
  const seenAt = new Date();
  const why = error.message.slice(0, 1_000);
  const [written] = await producer.send([
    {
      topic: deadLetterTopic(group),
      key: record.key,
      value: record.value,
      headers: {
        ...record.headers,
        'dlq-group': group,
        'dlq-topic': record.topic,
        'dlq-partition': String(record.partition),
        'dlq-offset': record.offset,
        'dlq-error-code': error.code,
        'dlq-error': why,
        'dlq-seen-at': seenAt.toISOString(),
      },
    },
  ]);
  const { topic, partition, offset } = record;
  await db.deadLetter.createMany({
    data: [
      {
        id: derivedId('dead_letter', [group, topic, partition, offset]),
        group,
        topic,
        partition,
        offset: BigInt(offset),
        key: textOf(record.key),
        value: record.value === null ? null : Uint8Array.from(record.value),
        headers: headerTexts(record.headers),
        event_id: eventIdOf(record),
        error_code: error.code,
        error: storable(why),
        created_at: seenAt,
      },
    ],
    skipDuplicates: true,
  });
  log.error({ topic, partition, offset, code: error.code, written }, 'record dead-lettered');
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
export async function noteRedrive(
  db: Database,
  letter: Letter,
  failed: UnreadableEvent | Unprocessable | null,
): Promise<void> {
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
