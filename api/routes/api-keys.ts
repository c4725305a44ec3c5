/**
 * Routes of API keys.
 *
 * Invariant: a secret is answered once and kept nowhere, for repeats under an Idempotency-Key neither.
 */
import { z } from 'zod';
import { createApiKey, listApiKeys, revokeApiKey } from '../../access/api-keys';
import { id } from '../../contracts/fields';
import {
  apiKey,
  createApiKey as newApiKey,
  createdApiKey,
  listApiKeys as keysQuery,
  revokeApiKey as revocation,
} from '../../contracts/http/api-keys';
import { listOf } from '../../contracts/http/lists';
import { pageBody, readPage } from '../http/cursors';
import { route } from '../http/route';

const tag = 'API keys';
const list = 'api-keys';

export const apiKeyRoutes = [
  route({
    method: 'post',
    path: '/api-keys',
    operationId: 'createApiKey',
    tag,
    summary: 'Create an API key',
    description:
      'The secret is in this answer and nowhere else. Repeated under the same Idempotency-Key the answer has ' +
      '`secret: null`; when the first answer was lost, delete the key and create another. A key grants no scope that ' +
      'its maker lacks, and ends no later.',
    scope: 'admin',
    body: newApiKey,
    answers: { 201: { description: 'The key, with its secret.', schema: createdApiKey } },
    async handle({ body, caller, idFor }, { db, now }) {
      const key = await createApiKey(db, idFor('api_key'), body, caller, now());
      return { status: 201, body: key, bodyOfRepeats: { ...key, secret: null }, subjectId: key.id };
    },
  }),
  route({
    method: 'get',
    path: '/api-keys',
    operationId: 'listApiKeys',
    tag,
    summary: 'List API keys, newest first',
    scope: 'admin',
    query: keysQuery,
    answers: { 200: { description: 'A page.', schema: listOf(apiKey) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      return { status: 200, body: pageBody(list, await listApiKeys(db, query, readPage(list, query))) };
    },
  }),
  route({
    method: 'delete',
    path: '/api-keys/{api_key_id}',
    operationId: 'revokeApiKey',
    tag,
    summary: 'Revoke an API key',
    description:
      'Holds from the next request on. Again: the same answer. Keys that it made stay good: list them with ' +
      '`created_by`, and revoke those that should end, too. Any key may be revoked, also one with scopes that the ' +
      'caller’s lacks: it gives nothing, and a leaked key has to end at once.',
    scope: 'admin',
    params: z.object({ api_key_id: id }),
    query: revocation,
    answers: { 204: { description: 'It is revoked.' } },
    problems: ['not_found'],
    async handle({ params }, { db, now }) {
      await revokeApiKey(db, params.api_key_id, now());
      return { status: 204 };
    },
  }),
];
