/**
 * Servers that the environment names: are they there, and which database does the sandbox get.
 *
 * Invariant: a password of a given server appears in no message, table or file.
 */
import { createDatabases, postgresVersion } from './postgres';
import { PlatformError, reasonOf } from './errors';
import type { Given } from './resolution';
import { canConnect, untilItWorks } from './waiting';

const timeoutMs = 10_000;

/** A URL as people may see it. */
export function withoutPassword(url: string): string {
  const parsed = new URL(url);
  if (parsed.password) parsed.password = '***';
  return parsed.href;
}

function unreachable(variable: string, address: string, error: unknown): PlatformError {
  return new PlatformError(
    'given_unreachable',
    `${variable} is set, but nothing answers at ${address}: ${reasonOf(error)}. Start that server, or unset ${variable} to have one started.`,
    { cause: error },
  );
}

/**
 * The version of the PostgreSQL that DATABASE_URL names.
 * @throws PlatformError `given_unreachable` when it does not answer within 10 s
 */
export async function requireGivenPostgres(url: string): Promise<string> {
  try {
    return await untilItWorks(() => postgresVersion(url), { timeoutMs, intervalMs: 500 });
  } catch (error) {
    throw unreachable('DATABASE_URL', withoutPassword(url), error);
  }
}

/**
 * Waits until a given address accepts connections; whether it speaks the right protocol its users find out.
 * @throws PlatformError `given_unreachable` after 10 s
 */
export async function requireGivenAddress(variable: string, address: string): Promise<void> {
  // Any of several brokers will do.
  const attempts = address.split(',').map((one) => {
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(one) ?? [];
    return () => canConnect(host, Number(port));
  });
  try {
    await untilItWorks(() => Promise.any(attempts.map((attempt) => attempt())), {
      timeoutMs,
      intervalMs: 500,
    });
  } catch (error) {
    throw unreachable(variable, address, error);
  }
}

/**
 * The sandbox's database on a given server: SANDBOX_DATABASE_URL, else `<database>_sandbox` beside Perennial's,
 * made when it is missing.
 * @throws PlatformError `given_unreachable` when it cannot be made
 */
export async function sandboxDatabase(given: Given & { readonly DATABASE_URL: string }): Promise<string> {
  if (given.SANDBOX_DATABASE_URL) return given.SANDBOX_DATABASE_URL;
  const url = new URL(given.DATABASE_URL);
  const name = `${decodeURIComponent(url.pathname.slice(1)) || 'postgres'}_sandbox`;
  url.pathname = `/${encodeURIComponent(name)}`;
  try {
    await createDatabases(given.DATABASE_URL, [name]);
  } catch (error) {
    throw new PlatformError(
      'given_unreachable',
      `The sandbox provider needs a database of its own, and ${name} could not be made on the server that DATABASE_URL names: ${reasonOf(error)}. Make it, or set SANDBOX_DATABASE_URL.`,
    );
  }
  return url.href;
}
