/** Reading the query string of a request. */
import { ProblemError } from '../../contracts/problem-error';

/**
 * The query string as text fields. A field given twice stays a list, which no schema accepts.
 * @throws ProblemError `malformed_request` when it does not decode
 */
export function readQuery(url: string): Record<string, string | string[]> {
  const mark = url.indexOf('?');
  if (mark === -1) return {};
  const text = url.slice(mark + 1);
  try {
    decodeURIComponent(text);
  } catch {
    throw new ProblemError('malformed_request', 'The query of the URL cannot be decoded.');
  }
  const fields = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(fields);
}
