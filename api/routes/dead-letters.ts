/** Routes of the dead letters. */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import * as letters from '../../billing/operator/dead-letters';
import { id } from '../../contracts/fields';
import {
  deadLetter,
  listDeadLetters,
  resolveDeadLetter,
  wholeDeadLetter,
} from '../../contracts/http/dead-letters';
import { listOf } from '../../contracts/http/lists';
import { pageBody, readPage } from '../http/cursors';
import { route } from '../http/route';

const tag = 'Dead letters';
const list = 'dead-letters';
const params = z.object({ dead_letter_id: id });

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
      const page = await letters.listDeadLetters(db, query, readPage(list, query));
      return { status: 200, body: pageBody(list, page) };
    },
  }),
  route({
    method: 'get',
    path: '/dead-letters/{dead_letter_id}',
    operationId: 'getDeadLetter',
    tag,
    summary: 'Read a dead letter with its record',
    scope: 'operator',
    showsSecrets: true,
    params,
    answers: { 200: { description: 'The dead letter.', schema: wholeDeadLetter } },
    problems: ['not_found'],
    async handle(call, { db }) {
      return { status: 200, body: await letters.readDeadLetter(db, call.params.dead_letter_id) };
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
      202: { description: 'It is handled soon; read it to see how that ended.', schema: deadLetter },
    },
    problems: ['not_found', 'dead_letter_resolved'],
    async handle({ params }, { db, now }) {
      return { status: 202, body: await letters.requestRedrive(db, params.dead_letter_id, now()) };
    },
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
    async handle({ params, body, caller }, { db, now }) {
      const actor = actorOf(caller, body.reason);
      return {
        status: 200,
        body: await letters.discardDeadLetter(db, params.dead_letter_id, actor, now()),
      };
    },
  }),
];
