/** Files that commands read, with their mistakes in words. */
import { readFileSync } from 'node:fs';
import { ProblemError } from '../contracts/problem-error';
import { validated } from '../contracts/validation';
import { retryPolicyDocument } from '../contracts/retry-policy';
import type { RetryPolicyDocument } from '../domain/retry/policy';
import { Refused } from './command';
import { line } from './terminal-text';

/** What the API adds to a policy; a file may have it, so that what was shown can be put again. */
const added = new Set(['id', 'version', 'created_at', 'actor', 'warnings']);

/** @throws Refused when it cannot be read */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Refused(line`${path} cannot be read: ${(error as Error).message}`);
  }
}

/** A policy as a file has it, without what the API added. @throws Refused when it is not a JSON object */
export function readPolicyFile(path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readText(path));
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(line`${path} is not JSON: ${(error as Error).message}`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Refused(line`${path} must be a JSON object`);
  }
  return Object.fromEntries(Object.entries(value).filter(([name]) => !added.has(name)));
}

/** A policy that is acceptable. @throws Refused with every mistake */
export function readPolicy(path: string): RetryPolicyDocument {
  const document = readPolicyFile(path);
  try {
    return validated(retryPolicyDocument, document);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const lines = (error.extras.errors ?? []).map(({ path: field, message }) => line`  ${field} ${message}`);
    throw new Refused([line`${path} is not an acceptable policy:`, ...lines].join('\n'));
  }
}
