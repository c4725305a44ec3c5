/**
 * Checking what callers send against the contracts: the one place where that happens.
 *
 * Owns: field paths and the words of mistakes. Invariants: an unknown field is a mistake; no answer repeats a value.
 */
import type { z } from 'zod';
import { holdsCardNumber } from './card-numbers';
import { validationFailed } from './problem-error';
import type { FieldMistake } from './problems';

const maxPathLength = 200;

/** `interval.count`; names that callers made up are shortened, and hidden when they hold a card number. */
export function fieldPath(path: readonly PropertyKey[]): string {
  const text = path.map(String).join('.');
  if (holdsCardNumber(text)) return '(hidden)';
  return text.length > maxPathLength ? `${text.slice(0, maxPathLength)}…` : text;
}

/** The value as the schema puts it. @throws ProblemError `validation_failed` with every mistake */
export function validated<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw validationFailed(result.error.issues.flatMap((issue) => mistakesOf(issue, value)));
}

function mistakesOf(issue: z.core.$ZodIssue, value: unknown): FieldMistake[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, 50).map((key) => ({
      path: fieldPath([...issue.path, key]),
      message: 'is not a known field',
    }));
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues[0]?.message ?? 'is not an allowed name';
    return [{ path: fieldPath(issue.path), message: inOurWords(message) }];
  }
  if (issue.code === 'invalid_union') {
    // The kind of value that was meant: the one whose mistakes lie within it, not in what it is.
    const meant = issue.errors.find((mistakes) =>
      mistakes.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'),
    );
    if (meant !== undefined) {
      return meant.flatMap((inner) => mistakesOf({ ...inner, path: [...issue.path, ...inner.path] }, value));
    }
  }
  const missing = issue.path.length > 0 && valueAt(value, issue.path) === undefined;
  return [{ path: fieldPath(issue.path), message: missing ? 'is required' : inOurWords(issue.message) }];
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let part: unknown = value;
  for (const name of path) {
    if (part === null || typeof part !== 'object' || !Object.hasOwn(part, name)) return undefined;
    part = (part as Record<PropertyKey, unknown>)[name];
  }
  return part;
}

/** Messages that the contracts do not word themselves, as "must …". */
function inOurWords(message: string): string {
  return message
    .replace(/^Invalid input: expected (\w+).*$/, 'must be of type $1')
    .replace(/^Too (?:small|big): expected \w+ to (be|have) (.*)$/, 'must $1 $2');
}
