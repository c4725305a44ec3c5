/** The REST API as commands ask it. */
import { readSettings } from '../config';
import { Refused, UsageError, type Context } from './command';
import type { Row } from './output';
import { line } from './terminal-text';

const timeoutMs = 30_000;
const noContent = 204;

/** Asks the API that the settings name. What is wrong with them is found at the first call. */
export function apiCaller(env: NodeJS.ProcessEnv): Context['call'] {
  return async (method, path, body, headers = {}) => {
    const { base, key } = target(env);
    const response = await answered(
      fetch(new URL(`${base.replace(/\/+$/, '')}${path}`), {
        method,
        headers: {
          Authorization: `Bearer ${key}`,
          ...(body ? { 'Content-Type': 'application/json' } : {}),
          ...headers,
        },
        body: body ? JSON.stringify(body) : undefined,
        signal: AbortSignal.timeout(timeoutMs),
      }),
    );
    if (response.status === noContent) return {};
    const answer = await answered(response.json() as Promise<Row>, ` (HTTP ${response.status})`);
    if (!response.ok) throw new Refused(refusalOf(answer));
    return answer;
  };
}

/** Reads only the settings that are needed: the shell may have variables of other programs. */
function target(env: NodeJS.ProcessEnv): { base: string; key: string } {
  const { API_URL, API_KEY } = readSettings(env, ['API_URL', 'API_KEY']);
  const key = API_KEY ?? readSettings(env, ['BOOTSTRAP_API_KEY']).BOOTSTRAP_API_KEY;
  if (key === undefined) throw new UsageError('API_KEY is not set');
  return { base: API_URL ?? `http://127.0.0.1:${readSettings(env, ['API_PORT']).API_PORT}`, key };
}

/** @param what is known of the answer @throws Refused when it does not come, or is not JSON */
async function answered<T>(work: Promise<T>, what = ''): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error && cause.message !== '' ? `${message}: ${cause.message}` : message;
    throw new Refused(line`The API does not answer${what}: ${why}`);
  }
}

/** The problem in words, a mistake a line. */
function refusalOf(problem: Row): string {
  if (typeof problem['code'] !== 'string') return 'What answers under API_URL is not the API of Perennial';
  const errors = (problem['errors'] ?? []) as { path: string; message: string }[];
  const lines = errors.map(({ path, message }) => line`  ${path === '' ? 'the body' : path} ${message}`);
  return [line`${problem['code']}: ${problem['detail']}`, ...lines].join('\n');
}
