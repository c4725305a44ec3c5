/**
 * Routes of the dead letters.
 *
 * Owns: showing them, and noting an operator's decision. Does not own handling a record again: the bridge of its group
 * takes up what is marked here. Invariant: a dead letter is resolved once, with the actor and the reason, and not discarded
 * while its group may be handling it.
 */
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { id } from '../../contracts/fields';
import {
  deadLetter,
  listDeadLetters,
  resolveDeadLetter,
  wholeDeadLetter,
  type DeadLetter,
  type WholeDeadLetter,
} from '../../contracts/http/dead-letters';
import { listOf } from '../../contracts/http/lists';
import type { Database } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { pageArguments, pageOf } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { notFound, ProblemError } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Dead letters';
const list = 'dead-letters';
const params = z.object({ dead_letter_id: id });
type Decision = Call<{ dead_letter_id: string }, unknown, { reason: string }>;
type Row = Omit<Prisma.DeadLetterGetPayload<object>, 'value' | 'headers'>;

function toDeadLetter(row: Row): DeadLetter {
  return {
    id: row.id,
    group: row.group,
    topic: row.topic,
    partition: row.partition,
    offset: row.offset.toString(),
    key: row.key,
    event_id: row.event_id,
    error_code: row.error_code,
    error: row.error,
    status: row.status as DeadLetter['status'],
    redrive_requested_at: row.redrive_requested_at?.toISOString() ?? null,
    seen_at: row.created_at.toISOString(),
    resolved: row.resolved as DeadLetter['resolved'],
  };
}

function toWhole(row: Prisma.DeadLetterGetPayload<object>): WholeDeadLetter {
  const bytes = row.value === null ? null : Buffer.from(row.value);
  const encoding = bytes !== null && isUtf8(bytes) ? 'text' : 'base64';
  const data = bytes?.toString(encoding === 'text' ? 'utf8' : 'base64');
  return {
    ...toDeadLetter(row),
    value: data === undefined ? null : { encoding, data },
    headers: row.headers as Record<string, string>,
  };
}

/** @throws ProblemError `not_found`, or `dead_letter_resolved` when there is nothing to decide any more */
async function openLetter(db: Database, letterId: string) {
  const row = await db.deadLetter.findUnique({ where: { id: letterId } });
  if (row === null) throw notFound('dead letter');
  if (row.status !== 'open') throw new ProblemError('dead_letter_resolved', `It is ${row.status}.`);
  return row;
}

async function redrive(
  { params: { dead_letter_id } }: Decision,
  { db, now }: ApiDependencies,
): Promise<Answer> {
  await openLetter(db, dead_letter_id);
  await db.deadLetter.updateMany({
    where: { id: dead_letter_id, status: 'open' },
    data: { redrive_requested_at: now() },
  });
  const row = await db.deadLetter.findUniqueOrThrow({ where: { id: dead_letter_id } });
  return { status: 202, body: toDeadLetter(row) };
}

async function discard(
  { params: { dead_letter_id }, body, caller }: Decision,
  { db, now }: ApiDependencies,
): Promise<Answer> {
  await openLetter(db, dead_letter_id);
  const { reason } = body;
  const actor = { kind: 'api_key', id: caller.id, reason };
  const { count } = await db.deadLetter.updateMany({
    // Its group may be handling it just now: then it is not for the operator to say that it never is.
    where: { id: dead_letter_id, status: 'open', redrive_requested_at: null },
    data: {
      status: 'discarded',
      redrive_requested_at: null,
      resolved: { at: now().toISOString(), actor, reason },
    },
  });
  const row = await db.deadLetter.findUniqueOrThrow({ where: { id: dead_letter_id } });
  if (count === 0 && row.status === 'open')
    throw new ProblemError('dead_letter_redriving', 'A redrive is under way.');
  if (count === 0) throw new ProblemError('dead_letter_resolved', `It is ${row.status}.`);
  return { status: 200, body: toDeadLetter(row) };
}

export const deadLetterRoutes = [
  route({
    method: 'get',
    path: '/dead-letters',
    operationId: 'listDeadLetters',
    tag,
    summary: 'List dead letters, newest first',
    scope: 'operator',
    query: listDeadLetters,
    answers: { 200: { description: 'A page.', schema: listOf(deadLetter) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const { after, ...page } = pageArguments(list, query);
      const { group, status } = query;
      const rows = await db.deadLetter.findMany({
        where: { group, status, ...after },
        omit: { value: true, headers: true },
        ...page,
      });
      return { status: 200, body: pageOf(list, query, rows, toDeadLetter) };
    },
  }),
  route({
    method: 'get',
    path: '/dead-letters/{dead_letter_id}',
    operationId: 'getDeadLetter',
    tag,
    summary: 'Read a dead letter with its record',
    scope: 'operator',
    params,
    answers: { 200: { description: 'The dead letter.', schema: wholeDeadLetter } },
    problems: ['not_found'],
    async handle(call, { db }) {
      const row = await db.deadLetter.findUnique({ where: { id: call.params.dead_letter_id } });
      if (row === null) throw notFound('dead letter');
      return { status: 200, body: toWhole(row) };
    },
  }),
  route({
    method: 'post',
    path: '/dead-letters/{dead_letter_id}/redrive',
    operationId: 'redriveDeadLetter',
    tag,
    summary: 'Have the group handle the record again',
    description: 'After what was wrong was put right. No other group sees the record a second time.',
    scope: 'operator',
    params,
    body: resolveDeadLetter,
    answers: {
      202: { description: 'It is taken up soon; read it to see how that ended.', schema: deadLetter },
    },
    problems: ['not_found', 'dead_letter_resolved'],
    handle: redrive,
  }),
  route({
    method: 'post',
    path: '/dead-letters/{dead_letter_id}/discard',
    operationId: 'discardDeadLetter',
    tag,
    summary: 'Decide that the record is never handled',
    description: 'Not while a redrive is under way: the record may be being handled just now.',
    scope: 'operator',
    params,
    body: resolveDeadLetter,
    answers: { 200: { description: 'The discarded dead letter.', schema: deadLetter } },
    problems: ['not_found', 'dead_letter_resolved', 'dead_letter_redriving'],
    handle: discard,
  }),
];
