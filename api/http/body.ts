/**
 * Reading bodies.
 *
 * Owns: size, content type, encoding, nesting, and text that PostgreSQL cannot keep. Does not own the fields
 * (`validation.ts`). Invariant: nothing of the body is repeated in an answer or a log.
 */
import express, { type Request, type Response } from 'express';
import type { FieldMistake } from '../../contracts/problems';
import { ProblemError, validationFailed } from '../../contracts/problem-error';
import { isStorable } from '../../contracts/storable';
import { fieldPath } from '../../contracts/validation';

export const maxBodyBytes = 256 * 1024;
export const maxNesting = 64;

// Compressed bodies are refused: a small one may unfold to a huge one, and bodies of this size need none.
const readerOf = (limit: number) => express.raw({ type: () => true, limit, inflate: false });
type Reader = ReturnType<typeof readerOf>;
const readJsonBytes = readerOf(maxBodyBytes);

/** Any body, as it came. @throws ProblemError 400, 413, 415 */
export function readRawBody(request: Request, response: Response, maxBytes: number): Promise<Buffer> {
  return bytesOf(request, response, readerOf(maxBytes), maxBytes);
}

/** The parsed body; undefined when there is none. @throws ProblemError 400, 413, 415, 422 */
export async function readJsonBody(request: Request, response: Response): Promise<unknown> {
  const length = request.headers['content-length'];
  if (request.headers['transfer-encoding'] === undefined && (length === undefined || length === '0')) {
    return undefined;
  }
  requireJson(request.headers['content-type']);
  const bytes = await bytesOf(request, response, readJsonBytes, maxBodyBytes);
  if (bytes.length === 0) return undefined;
  const value = parse(decode(bytes));
  const mistakes = mistakesOfText(value);
  if (mistakes.length > 0) throw validationFailed(mistakes);
  return value;
}

function requireJson(contentType: string | undefined): void {
  const accepted = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
  if (contentType === undefined || !accepted.test(contentType)) {
    throw new ProblemError(
      'unsupported_media_type',
      'Send the body as application/json in UTF-8, with that Content-Type.',
    );
  }
}

async function bytesOf(
  request: Request,
  response: Response,
  readBytes: Reader,
  maxBytes: number,
): Promise<Buffer> {
  try {
    await new Promise<void>((resolve, reject) => {
      readBytes(request, response, (error?: unknown) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    throw problemOfReading(error, maxBytes);
  }
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

function problemOfReading(error: unknown, maxBytes: number): unknown {
  switch ((error as { type?: unknown }).type) {
    case 'entity.too.large':
      return new ProblemError('payload_too_large', `A body may have ${maxBytes} bytes at most.`);
    case 'encoding.unsupported':
      return new ProblemError('unsupported_media_type', 'Send the body without Content-Encoding.');
    case 'request.aborted':
    case 'request.size.invalid':
      return new ProblemError('malformed_request', 'The body ended before its Content-Length was reached.');
    default:
      return error;
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ProblemError('malformed_json', 'The body is not UTF-8.');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's message may quote the body; only the position is taken from it.
    const message = error instanceof Error ? error.message : '';
    const position = /end of JSON input/.test(message) ? text.length : /at position (\d+)/.exec(message)?.[1];
    throw new ProblemError(
      'malformed_json',
      position === undefined ? 'The body is not JSON.' : `The body stops being JSON at position ${position}.`,
    );
  }
}

/** Nesting beyond the bound, and text that the database refuses: NUL and halves of surrogate pairs. */
function mistakesOfText(body: unknown): FieldMistake[] {
  const mistakes: FieldMistake[] = [];
  const waiting: { value: unknown; path: readonly string[] }[] = [{ value: body, path: [] }];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    const { value, path } = part;
    if (path.length > maxNesting) {
      return [{ path: '', message: `must not be nested deeper than ${maxNesting} levels` }];
    }
    if (typeof value === 'string' && !isStorable(value)) {
      mistakes.push({ path: fieldPath(path), message: 'must be text without NUL and lone surrogates' });
    }
    if (value === null || typeof value !== 'object') continue;
    for (const [name, inner] of Object.entries(value)) {
      if (!isStorable(name) || name === '__proto__') {
        mistakes.push({ path: fieldPath(path), message: 'has a field whose name is not allowed' });
      }
      waiting.push({ value: inner, path: [...path, name] });
    }
  }
  return mistakes;
}
