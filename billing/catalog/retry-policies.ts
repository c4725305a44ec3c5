/** The retry policies as operators see them: pages of them and of their versions, and a preview of one. */
import type {
  PreviewRetryPolicy,
  RetryPolicyAnswer,
  RetryPreview,
} from '../../contracts/http/retry-policies';
import { notFound, validationFailed } from '../../contracts/problem-error';
import { policyWarnings } from '../../domain/retry/policy';
import { previewOf } from '../../domain/retry/preview';
import type { Database } from '../../prisma/client';
import { pageBy, type Page, type PageRequest } from '../../prisma/pages';
import {
  listRetryPolicies,
  listRetryPolicyVersions,
  readRetryPolicy,
  type StoredPolicy,
} from '../payment/retry-policies';

const aboveEveryVersion = 2 ** 31 - 1;

/** Returns the policy as the API shows it. */
export function toRetryPolicy({ document, created_at, ...policy }: StoredPolicy): RetryPolicyAnswer {
  return {
    ...policy,
    ...document,
    created_at: created_at?.toISOString() ?? null,
    warnings: policyWarnings(document),
  };
}

/** Reads a version of a retry policy; the current one by default. @throws ProblemError `not_found` */
export async function getRetryPolicy(
  db: Database,
  policyId: string,
  version?: number,
): Promise<RetryPolicyAnswer> {
  return toRetryPolicy(await findPolicy(db, policyId, version));
}

/** Lists the retry policies, each in its current version, by id. */
export async function pageOfPolicies(
  db: Database,
  { after, limit }: PageRequest<string>,
): Promise<Page<RetryPolicyAnswer, string>> {
  const policies = await listRetryPolicies(db, after ?? '', limit + 1);
  return pageBy(policies, limit, toRetryPolicy, ({ id }) => id);
}

/** Lists every version of a retry policy, newest first. @throws ProblemError `not_found` */
export async function pageOfVersions(
  db: Database,
  policyId: string,
  { after, limit }: PageRequest<number>,
): Promise<Page<RetryPolicyAnswer, number>> {
  const policies = await listRetryPolicyVersions(db, policyId, after ?? aboveEveryVersion, limit + 1);
  if (policies.length === 0 && after === null) throw notFound('retry policy');
  return pageBy(policies, limit, toRetryPolicy, ({ version }) => version);
}

/**
 * Computes every date of a failed payment under a policy. Changes nothing.
 * @param now when the payment failed, unless the request names an instant
 * @throws ProblemError `not_found`, `validation_failed`
 */
export async function previewPolicy(
  db: Database,
  policyId: string,
  request: PreviewRetryPolicy,
  now: Date,
): Promise<RetryPreview> {
  const policy = await findPolicy(db, policyId);
  const { category, time_zone = 'UTC', earlier_attempts = [] } = request;
  const failed_at = request.failed_at ?? now.toISOString();
  const mistakes = earlier_attempts.flatMap((at, index) =>
    Date.parse(at) <= Date.parse(failed_at)
      ? []
      : [{ path: `earlier_attempts.${index}`, message: 'must not be after failed_at' }],
  );
  if (mistakes.length > 0) throw validationFailed(mistakes);
  const failure = { category, failed_at, time_zone, network: request.network ?? null, earlier_attempts };
  return { policy_id: policy.id, version: policy.version, entries: previewOf(policy.document, failure) };
}

async function findPolicy(db: Database, policyId: string, version?: number): Promise<StoredPolicy> {
  const policy = await readRetryPolicy(db, policyId, version);
  if (policy === null) throw notFound('retry policy');
  return policy;
}
