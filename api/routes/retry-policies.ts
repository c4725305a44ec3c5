/**
 * Routes of the retry policies.
 *
 * Owns: showing them, writing new versions, playing one forward. Does not own what a policy means (`domain`), nor
 * following it. Invariant: no call changes a version that exists.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import {
  previewRetryPolicy,
  putRetryPolicy,
  readRetryPolicy as readQuery,
  retryPolicy,
  retryPreview,
  type PreviewRetryPolicy,
  type RetryPolicyAnswer,
  type RetryPreview,
} from '../../contracts/http/retry-policies';
import { retryPolicyDocument } from '../../contracts/retry-policy';
import { previewOf } from '../../domain/retry/preview';
import { policyWarnings } from '../../domain/retry/policy';
import {
  listRetryPolicies,
  listRetryPolicyVersions,
  readRetryPolicy,
  writeRetryPolicy,
  type StoredPolicy,
} from '../../billing/payment/retry-policies';
import { decodeId, decodePosition, encodeId, encodePosition } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { anotherVersion, readIfMatch, versionTag } from '../http/preconditions';
import { notFound, validationFailed } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Retry policies';
const list = 'retry-policies';
const versionList = 'retry-policy-versions';
const aboveEveryVersion = 2 ** 31 - 1;
const params = z.object({ retry_policy_id: id });
type Params = z.output<typeof params>;
type PageQuery = z.output<typeof pageQuery>;

function toAnswer({ document, created_at, ...policy }: StoredPolicy): RetryPolicyAnswer {
  return {
    ...policy,
    ...document,
    created_at: created_at?.toISOString() ?? null,
    warnings: policyWarnings(document),
  };
}

const whole = (policy: StoredPolicy): Answer => ({
  status: 200,
  body: toAnswer(policy),
  headers: versionTag(policy.version),
});

async function put(
  call: Call<Params, unknown, z.output<typeof retryPolicyDocument>>,
  { db, now }: ApiDependencies,
): Promise<Answer> {
  const result = await writeRetryPolicy(db, {
    id: call.params.retry_policy_id,
    document: call.body,
    actor: { kind: 'api_key', id: call.caller.id, reason: call.reason },
    at: now(),
    expected: readIfMatch(call.ifMatch),
  });
  if ('instead' in result) throw anotherVersion(result.instead);
  return whole(result.written);
}

async function all({ query }: Call<unknown, PageQuery, unknown>, { db }: ApiDependencies): Promise<Answer> {
  const after = query.cursor === undefined ? '' : decodeId(list, query.cursor);
  const policies = await listRetryPolicies(db, after, query.limit + 1);
  const given = policies.slice(0, query.limit);
  const last = policies.length > query.limit ? given.at(-1) : undefined;
  const next_cursor = last === undefined ? null : encodeId(list, last.id);
  return { status: 200, body: { data: given.map(toAnswer), next_cursor } };
}

async function versions(
  { params, query }: Call<Params, PageQuery, unknown>,
  { db }: ApiDependencies,
): Promise<Answer> {
  const below = query.cursor === undefined ? aboveEveryVersion : decodePosition(versionList, query.cursor);
  const policies = await listRetryPolicyVersions(db, params.retry_policy_id, below, query.limit + 1);
  if (policies.length === 0 && query.cursor === undefined) throw notFound('retry policy');
  const given = policies.slice(0, query.limit);
  const last = policies.length > query.limit ? given.at(-1) : undefined;
  const next_cursor = last === undefined ? null : encodePosition(versionList, last.version);
  return { status: 200, body: { data: given.map(toAnswer), next_cursor } };
}

async function preview(
  { params, body }: Call<Params, unknown, PreviewRetryPolicy>,
  { db, now }: ApiDependencies,
): Promise<Answer> {
  const policy = await readRetryPolicy(db, params.retry_policy_id);
  if (policy === null) throw notFound('retry policy');
  const failed_at = body.failed_at ?? now().toISOString();
  const earlier_attempts = body.earlier_attempts ?? [];
  const mistakes = earlier_attempts.flatMap((at, index) =>
    Date.parse(at) <= Date.parse(failed_at)
      ? []
      : [{ path: `earlier_attempts.${index}`, message: 'must not be after failed_at' }],
  );
  if (mistakes.length > 0) throw validationFailed(mistakes);
  const { category, time_zone = 'UTC', network = null } = body;
  const failure = { category, failed_at, time_zone, network, earlier_attempts };
  const entries = previewOf(policy.document, failure);
  const answer: RetryPreview = { policy_id: policy.id, version: policy.version, entries };
  return { status: 200, body: answer };
}

const path = '/retry-policies/{retry_policy_id}';

export const retryPolicyRoutes = [
  route({
    method: 'get',
    path: '/retry-policies',
    operationId: 'listRetryPolicies',
    tag,
    summary: 'List retry policies, each in its current version, by id',
    scope: 'operator',
    query: pageQuery,
    answers: { 200: { description: 'A page.', schema: listOf(retryPolicy) } },
    problems: ['malformed_cursor'],
    handle: all,
  }),
  route({
    method: 'get',
    path,
    operationId: 'getRetryPolicy',
    tag,
    summary: 'Read a retry policy',
    scope: 'operator',
    params,
    query: readQuery,
    answers: { 200: { description: 'The policy; the header ETag has its version.', schema: retryPolicy } },
    problems: ['not_found'],
    async handle({ params, query }, { db }) {
      const policy = await readRetryPolicy(db, params.retry_policy_id, query.version);
      if (policy === null) throw notFound('retry policy');
      return whole(policy);
    },
  }),
  route({
    method: 'get',
    path: `${path}/versions`,
    operationId: 'listRetryPolicyVersions',
    tag,
    summary: 'List every version of a retry policy, newest first',
    scope: 'operator',
    params,
    query: pageQuery,
    answers: { 200: { description: 'A page.', schema: listOf(retryPolicy) } },
    problems: ['not_found', 'malformed_cursor'],
    handle: versions,
  }),
  route({
    method: 'put',
    path,
    operationId: 'putRetryPolicy',
    tag,
    summary: 'Make a new version of a retry policy, or its first',
    description:
      'The whole document, without id and version. One that says the same as the current version makes none. ' +
      'Payments that are being collected keep the version that they began with.',
    scope: 'operator',
    params,
    query: putRetryPolicy,
    body: retryPolicyDocument,
    honoursIfMatch: true,
    answers: {
      200: {
        description: 'The current version; `warnings` say what is allowed and perhaps not meant.',
        schema: retryPolicy,
      },
    },
    problems: ['version_mismatch'],
    handle: put,
  }),
  route({
    method: 'post',
    path: `${path}/preview`,
    operationId: 'previewRetryPolicy',
    tag,
    summary: 'Show every date of a failed payment under a retry policy',
    description: 'If nothing is paid and each attempt fails for the same reason. Nothing is changed.',
    scope: 'operator',
    params,
    body: previewRetryPolicy,
    answers: { 200: { description: 'The dates, in order.', schema: retryPreview } },
    problems: ['not_found'],
    handle: preview,
  }),
];
