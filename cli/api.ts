/** The REST API as commands ask it. */
import { loadConfig } from '../config';
import { Refused, UsageError, type Context } from './command';
import type { Row } from './output';

const timeoutMs = 30_000;

/** Asks the API that the settings name. What is wrong with them is found at the first call. */
export function apiCaller(env: NodeJS.ProcessEnv): Context['call'] {
  return async (method, path, body, headers = {}) => {
    const { base, key } = target(env);
    const response = await fetch(new URL(path, base), {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body ? { 'Content-Type': 'application/json' } : {}),
        ...headers,
      },
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const answer = (await response.json()) as Row;
    if (!response.ok) throw new Refused(refusalOf(answer));
    return answer;
  };
}

function target(env: NodeJS.ProcessEnv): { base: string; key: string } {
  const config = loadConfig(env);
  const key = config.API_KEY ?? config.BOOTSTRAP_API_KEY;
  if (key === undefined) throw new UsageError('API_KEY is not set');
  return { base: config.API_URL ?? `http://127.0.0.1:${config.API_PORT}`, key };
}

/** The problem in words, a mistake a line. */
function refusalOf(problem: Row): string {
  const errors = (problem['errors'] ?? []) as { path: string; message: string }[];
  const lines = errors.map(({ path, message }) => `  ${path === '' ? 'the body' : path} ${message}`);
  return [`${String(problem['code'])}: ${String(problem['detail'])}`, ...lines].join('\n');
}
