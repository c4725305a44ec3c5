/**
 * Sandbox providers for tests, in this process or in one that can be killed, on databases of their own.
 *
 * Owns: starting, stopping and asking them. Does not own what is expected of them.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import type { Charge } from '../../../providers/sandbox/charge';
import { forFile } from '../../support/for-file';
import { createSandbox, type SandboxDeps } from '../../../providers/sandbox/server';

const adminUrl =
  process.env['TEST_POSTGRES_URL'] ??
  (() => {
    throw new Error('TEST_POSTGRES_URL must be the URL of a PostgreSQL server that tests may use');
  })();

interface Answer<T = Charge> {
  httpStatus: number;
  headers: Headers;
  body: T;
}
export interface ErrorBody {
  error: { code: string; message: string; errors?: { path: string; message: string }[] };
}
export interface ChargeList {
  data: Charge[];
  has_more: boolean;
}

/** The URL of a database that does not exist yet: the sandbox makes it. */
export function freshDatabaseUrl(): string {
  const url = new URL(adminUrl);
  url.pathname = `/sandbox_test_${randomUUID().replaceAll('-', '')}`;
  return url.href;
}

export async function dropDatabase(databaseUrl: string): Promise<void> {
  const name = new URL(databaseUrl).pathname.slice(1);
  await withClient(adminUrl, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`),
  );
}

export async function withClient<T>(databaseUrl: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Talks to a sandbox as a shop would. */
class SandboxClient {
  constructor(readonly baseUrl: string) {}

  async ask<T>(method: string, path: string, body?: unknown, headers: object = {}): Promise<Answer<T>> {
    const response = await fetch(this.baseUrl + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { httpStatus: response.status, headers: response.headers, body: (await response.json()) as T };
  }

  charge<T = Charge>(key: string, token: string, fields: object = {}): Promise<Answer<T>> {
    const body = { amount: 1500, currency: 'EUR', token, off_session: true, ...fields };
    return this.ask('POST', '/v1/charges', body, { 'idempotency-key': key });
  }

  /** The error code, or undefined for a charge; `cut` when there was no answer. */
  chargeCode(key: string, token: string, fields: object = {}): Promise<string | undefined> {
    return this.charge<Partial<ErrorBody>>(key, token, fields).then(
      ({ body }) => body.error?.code,
      () => 'cut',
    );
  }

  async charges(query = ''): Promise<Charge[]> {
    return (await this.ask<ChargeList>('GET', `/v1/charges?limit=100&${query}`)).body.data;
  }

  control(patch: object): Promise<Answer<Record<string, unknown>>> {
    return this.ask('PATCH', '/v1/control', patch);
  }
}

export type RunningSandbox = SandboxClient & {
  databaseUrl: string;
  logged: unknown[];
  /** The provider's own end, while its HTTP server still listens. */
  close(): Promise<void>;
  stop(): Promise<void>;
};

/** A sandbox in this process. */
export async function startSandbox(
  databaseUrl: string,
  deps: Partial<SandboxDeps> = {},
): Promise<RunningSandbox> {
  const logged: unknown[] = [];
  const keep = (fields: object, message: string) => void logged.push({ ...fields, message });
  const sandbox = await createSandbox({
    databaseUrl,
    now: () => new Date('2027-03-01T09:00:00.000Z'),
    newId: randomUUID,
    log: { info: keep, warn: keep, error: keep },
    ...deps,
  });
  const server = sandbox.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    await sandbox.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const client = new SandboxClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return Object.assign(client, { databaseUrl, logged, close: sandbox.close, stop });
}

/** Registers a sandbox over a database of its own for the tests of this file. */
export function useSandbox(deps: Partial<SandboxDeps> = {}): RunningSandbox {
  const databaseUrl = freshDatabaseUrl();
  return forFile(
    () => startSandbox(databaseUrl, deps),
    async (sandbox) => {
      await sandbox.stop();
      await dropDatabase(databaseUrl);
    },
  );
}

export type SandboxProcess = SandboxClient & { kill(): Promise<void> };

/** A sandbox in a process of its own; `kill` is SIGKILL. */
export async function spawnSandbox(databaseUrl: string): Promise<SandboxProcess> {
  const child = spawn(process.execPath, [join(__dirname, 'sandbox-process.cjs'), databaseUrl], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    exited.then(() => {
      throw new Error('The sandbox did not start.');
    }),
  ])) as [string];
  const { port } = JSON.parse(line) as { port: number };
  return Object.assign(new SandboxClient(`http://127.0.0.1:${port}`), {
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  });
}

/** Asks until the answer is as wanted, for 10 s at most. */
export async function eventually<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`Not so within 10 s; last seen: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
