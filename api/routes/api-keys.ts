/**
 * Routes of API keys.
 *
 * Invariants: a secret is answered once and kept nowhere, also not for repeats under an Idempotency-Key; a key grants
 * no scope that it does not have itself; a revoked key stays in the list, as the audit log names it.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import {
  apiKey,
  createApiKey,
  createdApiKey,
  revokeApiKey,
  type ApiKey,
  type CreateApiKey,
  type CreatedApiKey,
} from '../../contracts/http/api-keys';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { scope } from '../../contracts/scopes';
import type { Prisma } from '../../prisma/generated/client';
import { pageArguments, pageOf } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { hashOfSecret, newSecret, prefixOfSecret } from '../../access/keys';
import { ProblemError, notFound, validationFailed } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const tag = 'API keys';
const list = 'api-keys';

function toApiKey(row: Prisma.ApiKeyGetPayload<object>): ApiKey {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes.flatMap((name) => scope.safeParse(name).data ?? []),
    prefix: row.prefix,
    expires_at: row.expires_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  };
}

async function create(
  call: Call<unknown, unknown, CreateApiKey>,
  { db, now }: ApiDependencies,
): Promise<Answer> {
  const { name, scopes, expires_at } = call.body;
  const missing = scopes.filter((wanted) => !call.caller.scopes.includes(wanted));
  if (missing.length > 0) {
    const detail = `A key cannot grant what it does not have: ${missing.join(', ')}.`;
    throw new ProblemError('forbidden', detail);
  }
  const expiresAt = expires_at === undefined ? null : new Date(expires_at);
  if (expiresAt !== null && expiresAt <= now()) {
    throw validationFailed([{ path: 'expires_at', message: 'must lie in the future' }]);
  }
  const keyId = call.idFor('api_key');
  const secret = newSecret();
  const { count } = await db.apiKey.createMany({
    data: [
      {
        id: keyId,
        name,
        scopes,
        prefix: prefixOfSecret(secret),
        secret_hash: hashOfSecret(secret),
        expires_at: expiresAt,
      },
    ],
    skipDuplicates: true,
  });
  const key = toApiKey(await db.apiKey.findUniqueOrThrow({ where: { id: keyId } }));
  const withoutSecret: CreatedApiKey = { ...key, secret: null };
  return {
    status: 201,
    // An earlier run made the row and was cut off: its secret is lost, for only the hash was kept.
    body: count === 1 ? { ...key, secret } : withoutSecret,
    bodyOfRepeats: withoutSecret,
    subjectId: keyId,
  };
}

export const apiKeyRoutes = [
  route({
    method: 'post',
    path: '/api-keys',
    operationId: 'createApiKey',
    tag,
    summary: 'Make an API key',
    description:
      'The secret is in this answer and nowhere else. Repeated under the same Idempotency-Key the answer has ' +
      '`secret: null`; when the first answer was lost, delete the key and make another.',
    scope: 'admin',
    body: createApiKey,
    answers: { 201: { description: 'The key, with its secret.', schema: createdApiKey } },
    handle: create,
  }),
  route({
    method: 'get',
    path: '/api-keys',
    operationId: 'listApiKeys',
    tag,
    summary: 'List API keys, newest first',
    scope: 'admin',
    query: pageQuery,
    answers: { 200: { description: 'A page.', schema: listOf(apiKey) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const { after, ...page } = pageArguments(list, query);
      const rows = await db.apiKey.findMany({ where: after, ...page });
      return { status: 200, body: pageOf(list, query, rows, toApiKey) };
    },
  }),
  route({
    method: 'delete',
    path: '/api-keys/{api_key_id}',
    operationId: 'revokeApiKey',
    tag,
    summary: 'Revoke an API key',
    description: 'Holds from the next request on. Again: the same answer.',
    scope: 'admin',
    params: z.object({ api_key_id: id }),
    query: revokeApiKey,
    answers: { 204: { description: 'It is revoked.' } },
    problems: ['not_found'],
    async handle({ params }, { db, now }) {
      const where = { id: params.api_key_id };
      await db.apiKey.updateMany({ where: { ...where, revoked_at: null }, data: { revoked_at: now() } });
      if ((await db.apiKey.count({ where })) === 0) throw notFound('API key');
      return { status: 204 };
    },
  }),
];
