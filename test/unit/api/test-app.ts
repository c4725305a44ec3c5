/** The application without a database: its address leads nowhere, as when PostgreSQL is away. */
import { pino } from 'pino';
import { Limits, noLimits } from '../../../access/limits';
import { createApp, type ApiDependencies } from '../../../api/http/app';
import { listen, type RunningServer } from '../../../api/http/server';
import { closeDatabase, createDatabase } from '../../../prisma/client';
import { sandboxProvider } from '../../../providers/sandbox/adapter';

export interface TestApp {
  server: RunningServer;
  logged: string[];
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  end(): Promise<void>;
}

export const apiDependencies = (logged: string[] = []): ApiDependencies => ({
  // Port 1 is nobody's: every connection is refused at once.
  db: createDatabase('postgresql://somebody:hidden-password@127.0.0.1:1/none', 2),
  process: {
    create: () => Promise.reject(new Error('not asked')),
    command: () => Promise.reject(new Error('not asked')),
    wake: () => Promise.reject(new Error('not asked')),
  },
  clocks: { advance: () => Promise.reject(new Error('not asked')) },
  bulkRetries: {
    start: () => Promise.reject(new Error('not asked')),
    command: () => Promise.reject(new Error('not asked')),
  },
  reconcileNow: () => Promise.reject(new Error('not asked')),
  send: () => Promise.reject(new Error('not asked')),
  payments: {
    refund: () => Promise.reject(new Error('not asked')),
    cancel: () => Promise.reject(new Error('not asked')),
    refreshPayment: () => Promise.reject(new Error('not asked')),
  },
  readiness: [],
  allowTestClocks: true,
  providers: new Map([['sandbox', sandboxProvider({ baseUrl: 'http://127.0.0.1:1' })]]),
  webhooks: { sources: new Map(), count: () => undefined },
  log: pino({ level: 'info' }, { write: (line: string) => void logged.push(line) }),
  now: () => new Date('2027-01-15T12:00:00.000Z'),
  limits: new Limits(noLimits),
  signIns: { record: () => undefined },
  deadlines: { leaseSeconds: 30, acceptWithinMs: 30_000, answerWithinMs: 10_000 },
  stuckAfter: { toleranceMs: 60_000 },
  newUuid: () => '01946a30-5c00-7000-8000-000000000001',
});

export async function testApp(more: Partial<ApiDependencies> = {}): Promise<TestApp> {
  const logged: string[] = [];
  const deps = { ...apiDependencies(logged), ...more };
  const server = await listen(createApp(deps), { host: '127.0.0.1', port: 0 });
  return {
    server,
    logged,
    get: (path, headers = {}) =>
      fetch(`${server.url}${path}`, { headers: { connection: 'close', ...headers }, redirect: 'manual' }),
    async end() {
      await server.close(1_000);
      await closeDatabase(deps.db);
    },
  };
}
