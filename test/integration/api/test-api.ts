/** A running API over a database of its own, with a process of subscriptions that the test writes the lines of. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { pino } from 'pino';
import { Limits, noLimits } from '../../../access/limits';
import { v7 as uuidv7 } from 'uuid';
import { createApp, type ApiDependencies, type ReadinessCheck } from '../../../api/http/app';
import { ensureBootstrapKey, hashOfSecret } from '../../../access/keys';
import { FailedSignIns } from '../../../access/sign-ins';
import { listen, type RunningServer } from '../../../api/http/server';
import type { WorkflowMessage } from '../../../contracts/workflows/messages';
import type { Scope } from '../../../contracts/scopes';
import { providersFrom, webhookSourcesFrom } from '../../../bin/providers';
import { loadConfig } from '../../../config';
import { closeDatabase, createDatabase, type Database } from '../../../prisma/client';
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import { forFile } from '../../support/for-file';
import {
  Histories,
  ScriptedBulkRetries,
  ScriptedClocks,
  ScriptedPayments,
  ScriptedSubscriptions,
} from './scripted-processes';
import { createTestDatabase } from '../../support/servers/database';

export const adminSecret = 'pk_test-bootstrap-0123456789abcdefghijklmn';
/** Newest first: the second is on its way out. */
export const webhookSecrets = [1, 2].map((n) => `whsec_${Buffer.alloc(24, n).toString('base64')}`);
export const stripeSecret = 'whsec_test_0123456789abcdef';
export const fixedNow = new Date('2027-01-15T12:00:00.000Z');

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are judged by what the test expects of them
  body: any;
}

export interface Ask {
  secret?: string | null;
  key?: string;
  body?: unknown;
  /** Sent as it is instead of `body`. */
  raw?: string | Buffer;
  /** A list is sent as a header for each. */
  headers?: Record<string, string | string[]>;
}

export interface TestApi {
  db: Database;
  url: string;
  process: ScriptedSubscriptions;
  payments: ScriptedPayments;
  clocks: ScriptedClocks;
  bulkRetries: ScriptedBulkRetries;
  /** Every command as a history would hold it. */
  held: object[];
  /** What was to be sent after commits. */
  sent: WorkflowMessage[];
  signIns: FailedSignIns;
  /** Every line that was logged. */
  logged: string[];
  clock: { now: Date };
  readiness: ReadinessCheck[];
  /** `provider reason` of every webhook that was not believed. */
  refused: string[];
  ask(method: string, path: string, ask?: Ask): Promise<Reply>;
  keyWith(...scopes: Scope[]): Promise<string>;
  end(): Promise<void>;
}

/** Opens one for all tests of this file. @param more what is another than usual */
export const useApi = (more?: Partial<ApiDependencies>): TestApi =>
  forFile(
    () => openApi(more),
    (api) => api.end(),
  );

export async function openApi(more: Partial<ApiDependencies> = {}): Promise<TestApi> {
  const database = await createTestDatabase();
  const db = createDatabase(database.url, 10);
  await ensureBootstrapKey(db, adminSecret);
  const histories = new Histories(db);
  const played = new ScriptedSubscriptions(histories);
  const payments = new ScriptedPayments(histories);
  const clocks = new ScriptedClocks();
  const bulkRetries = new ScriptedBulkRetries(histories);
  const sent: WorkflowMessage[] = [];
  const logged: string[] = [];
  const clock = { now: fixedNow };
  const readiness: ReadinessCheck[] = [];
  const refused: string[] = [];
  const config = loadConfig({
    SANDBOX_WEBHOOK_SECRETS: webhookSecrets.join(','),
    STRIPE_SECRET_KEY: 'sk_test_nobody',
    STRIPE_WEBHOOK_SECRETS: stripeSecret,
  });
  const adapters = new Map([['sandbox', sandboxProvider({ baseUrl: 'http://127.0.0.1:1' })]]);
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
  const signIns = new FailedSignIns(db, log);
  const app = createApp({
    db,
    process: played,
    reconcileNow: () => {
      played.rounds += 1;
      return Promise.resolve();
    },
    send: async (messages) => void sent.push(...messages),
    payments,
    clocks,
    bulkRetries,
    readiness,
    allowTestClocks: true,
    providers: adapters,
    webhooks: {
      sources: webhookSourcesFrom(config, new Map([...providersFrom(config), ...adapters])),
      count(provider, result) {
        if (result !== 'stored' && result !== 'duplicate') refused.push(`${provider} ${result}`);
      },
    },
    signIns,
    log,
    now: () => clock.now,
    limits: new Limits(noLimits),
    deadlines: { leaseSeconds: 30, acceptWithinMs: 30_000, answerWithinMs: 10_000 },
    stuckAfter: { toleranceMs: 60_000 },
    newUuid: () => uuidv7(),
    ...more,
  });
  const server: RunningServer = await listen(app, { host: '127.0.0.1', port: 0 });
  let keys = 0;
  return {
    db,
    url: server.url,
    process: played,
    payments,
    clocks,
    bulkRetries,
    held: histories.held,
    sent,
    signIns,
    logged,
    clock,
    readiness,
    refused,
    ask: (method, path, ask = {}) => send(server.url, method, path, ask),
    async keyWith(...scopes) {
      keys += 1;
      const secret = `pk_fixed-secret-of-test-key-${String(keys).padStart(8, '0')}`;
      const id = `key_test_${keys}`;
      await db.apiKey.create({
        data: { id, name: id, prefix: 'pk_fixed', secret_hash: hashOfSecret(secret), scopes },
      });
      return secret;
    },
    async end() {
      await server.close(5_000);
      await signIns.flush();
      await closeDatabase(db);
      await database.drop();
    },
  };
}

/** Node's own client: `fetch` would mend some of the URLs and headers that are tried. */
function send(url: string, method: string, path: string, ask: Ask): Promise<Reply> {
  const { secret = adminSecret, key, body, raw } = ask;
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const headers = {
    ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
    ...(key === undefined ? {} : { 'idempotency-key': key }),
    ...(sent === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(sent)) }),
    ...ask.headers,
  };
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        const json = /json/.test(response.headers['content-type'] ?? '') && text !== '';
        const parsed: unknown = json ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parsed });
      });
    });
    request.on('error', reject);
    request.end(sent);
  });
}

export const planOf = (id: string, more: object = {}) => ({
  id,
  name: 'Gold',
  currency: 'EUR',
  amount: 1000,
  interval: { unit: 'month', count: 1 },
  ...more,
});
