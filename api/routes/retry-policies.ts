/** Routes of the retry policies. Invariant: no call changes a version that exists. */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import * as policies from '../../billing/catalog/retry-policies';
import { writeRetryPolicy } from '../../billing/payment/retry-policies';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import {
  previewRetryPolicy,
  putRetryPolicy,
  readRetryPolicy,
  retryPolicy,
  retryPreview,
  type RetryPolicyAnswer,
} from '../../contracts/http/retry-policies';
import { retryPolicyDocument } from '../../contracts/retry-policy';
import { decodeId, decodePosition, encodeId, encodePosition, pageBodyBy, readPageBy } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { anotherVersion, readIfMatch, versionTag } from '../http/preconditions';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Retry policies';
const list = 'retry-policies';
const versionList = 'retry-policy-versions';
const params = z.object({ retry_policy_id: id });

const whole = (policy: RetryPolicyAnswer): Answer => ({
  status: 200,
  body: policy,
  headers: versionTag(policy.version),
});

async function put(
  call: Call<z.output<typeof params>, unknown, z.output<typeof retryPolicyDocument>>,
  { db, now }: ApiDependencies,
): Promise<Answer> {
  const result = await writeRetryPolicy(db, {
    id: call.params.retry_policy_id,
    document: call.body,
    actor: actorOf(call.caller, call.reason),
    at: now(),
    expected: readIfMatch(call.ifMatch),
  });
  if ('instead' in result) throw anotherVersion(result.instead);
  return whole(policies.toRetryPolicy(result.written));
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
    async handle({ query }, { db }) {
      const page = await policies.pageOfPolicies(db, readPageBy(list, query, decodeId));
      return { status: 200, body: pageBodyBy(list, page, encodeId) };
    },
  }),
  route({
    method: 'get',
    path,
    operationId: 'getRetryPolicy',
    tag,
    summary: 'Read a retry policy',
    scope: 'operator',
    params,
    query: readRetryPolicy,
    answers: { 200: { description: 'The policy; the header ETag has its version.', schema: retryPolicy } },
    problems: ['not_found'],
    async handle({ params, query }, { db }) {
      return whole(await policies.getRetryPolicy(db, params.retry_policy_id, query.version));
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
    async handle({ params, query }, { db }) {
      const asked = readPageBy(versionList, query, decodePosition);
      const page = await policies.pageOfVersions(db, params.retry_policy_id, asked);
      return { status: 200, body: pageBodyBy(versionList, page, encodePosition) };
    },
  }),
  route({
    method: 'put',
    path,
    operationId: 'putRetryPolicy',
    tag,
    summary: 'Write a new version of a retry policy, or its first',
    description:
      'The whole document, without id and version. One that equals the current version writes none. ' +
      'Payments that are in dunning keep the version that they began with.',
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
    async handle({ params, body }, { db, now }) {
      const preview = await policies.previewPolicy(db, params.retry_policy_id, body, now());
      return { status: 200, body: preview };
    },
  }),
];
