/**
 * Versions in HTTP: `ETag: "3"` on what is read, `If-Match: "3"` on what changes it.
 *
 * Owns: both headers. Does not own the comparison, which belongs into the transaction that changes the thing.
 */
import { ProblemError, validationFailed } from '../../contracts/problem-error';

/** The header that says which version was answered. */
export function versionTag(version: number): { ETag: string } {
  return { ETag: `"${version}"` };
}

/**
 * The version that the caller wants to change; null: any, for `*` and without the header.
 * @throws ProblemError `validation_failed`
 */
export function readIfMatch(header: string | null): number | null {
  const value = header?.trim() ?? '*';
  if (value === '*') return null;
  const version = /^"(0|[1-9]\d{0,8})"$/.exec(value)?.[1];
  if (version !== undefined) return Number(version);
  throw validationFailed([{ path: 'If-Match', message: 'must be a version in quotes, such as "3"' }]);
}

/** The refusal of a change to another version than the one that is there; null: there is none. */
export function anotherVersion(version: number | null): ProblemError {
  if (version === null) return new ProblemError('version_mismatch', 'There is no version of it yet.');
  return new ProblemError('version_mismatch', `It is at version ${version} now.`, {
    reason: String(version),
  });
}
