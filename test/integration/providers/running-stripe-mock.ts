/**
 * Stripe's stand-in, and between it and the adapter a witness of what was asked and whether it was accepted.
 *
 * Owns: both processes' ends. Invariant: nothing of them is left after `stop`.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pickFreePort } from '../../../dev/platform/ports';
import { endProcess, spawnProcess } from '../../../dev/platform/spawn';
import { canConnect, untilItWorks } from '../../../dev/platform/waiting';

export interface Witnessed {
  request: string;
  status: number;
  /** Stripe's reason for a refusal. */
  message?: string;
}

export interface RunningStripeMock {
  apiUrl: string;
  seen: Witnessed[];
  stop(): Promise<void>;
}

export async function startStripeMock(): Promise<RunningStripeMock> {
  const program = process.env['TEST_STRIPE_MOCK'];
  if (program === undefined) throw new Error('TEST_STRIPE_MOCK must be the path of the program stripe-mock');
  const dir = mkdtempSync(join(tmpdir(), 'perennial-stripe-'));
  const port = await pickFreePort();
  const mock = await spawnProcess({
    command: program,
    // It speaks HTTPS besides, on a fixed port unless told another.
    args: ['-http-addr', `127.0.0.1:${port}`, '-https-addr', '127.0.0.1:0'],
    cwd: dir,
    env: process.env,
    logFile: join(dir, 'stripe-mock.log'),
    orphanSignal: 'SIGKILL',
  });
  const end = async () => {
    await endProcess(mock, 'SIGTERM', 10_000);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await untilItWorks(() => canConnect('127.0.0.1', port), { timeoutMs: 30_000 });
  } catch (error) {
    await end();
    throw error;
  }
  const { witness, seen } = await startWitness(port);
  return {
    apiUrl: `http://127.0.0.1:${(witness.address() as AddressInfo).port}`,
    seen,
    async stop() {
      witness.close();
      witness.closeAllConnections();
      await end();
    },
  };
}

async function startWitness(port: number) {
  const seen: Witnessed[] = [];
  const witness = createServer((req, res) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const { host: _host, connection: _connection, 'content-length': _length, ...headers } = req.headers;
      const answer = await fetch(`http://127.0.0.1:${port}${req.url}`, {
        method: req.method,
        headers: headers as Record<string, string>,
        body: req.method === 'POST' ? Buffer.concat(chunks) : undefined,
      });
      const text = await answer.text();
      const { error } = JSON.parse(text) as { error?: { message: string } };
      const path = new URL(req.url ?? '', 'http://stripe.example').pathname;
      seen.push({ request: `${req.method} ${path}`, status: answer.status, message: error?.message });
      res.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
    })().catch(() => res.destroy());
  }).listen(0, '127.0.0.1');
  await once(witness, 'listening');
  return { witness, seen };
}
