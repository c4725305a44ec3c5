/**
 * A whole system for a test file alone: servers and processes in a folder of its own, and what a test does with them:
 * calls over HTTP, the provider's ledger, the topics as an outside service reads them.
 *
 * Invariants: free ports only; every wait has a deadline and says what it waited for; `close` leaves nothing behind.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client as PostgresClient } from 'pg';
import { defaultComposeFile } from '../../dev/platform/options';
import { pickFreePort } from '../../dev/platform/ports';
import { cleanPlatform } from '../../dev/platform/recovery';
import { startSystem, type System } from '../../dev/platform/system';
import { readTopics, type Topics } from './kafka/outside-topics';
import { eventually } from './eventually';

export type Json = Record<string, unknown>;

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
}

export interface Charge {
  id: string;
  status: string;
  amount: number;
  currency: string;
  metadata: { payment_id: string; subscription_id: string; customer_id: string };
}

export interface Buyer {
  customer: string;
  order: Json;
}

/** The first row of a query, over a connection of its own. */
export async function row<R extends Json>(databaseUrl: string, sql: string, values: unknown[] = []) {
  const client = new PostgresClient({ connectionString: databaseUrl });
  // A server that goes away meanwhile is the query's failure, not this process's end.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<R>(sql, values)).rows[0];
  } finally {
    await client.end();
  }
}

export class TestSystem {
  private buyers = 0;

  private constructor(
    readonly system: System,
    readonly topics: Topics,
    /** Processes that ended though nobody asked them to, each with the last lines that it printed. */
    readonly crashed: readonly string[],
    readonly plan: string,
    readonly processes: readonly string[],
  ) {}

  /**
   * @param processes files of `dist/bin`; with `sandbox` among them, `all` uses that one
   * @param environment of the processes, on top of what follows from the servers
   */
  static async start(
    processes: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<TestSystem> {
    const dir = mkdtempSync(join(tmpdir(), 'perennial-e2e-'));
    const crashed: string[] = [];
    try {
      const ports = { api: await pickFreePort(), sandbox: await pickFreePort() };
      const system = await startSystem({
        dir,
        ports: 'free',
        productPorts: ports,
        processes,
        productEnvironment: {
          // As an operator would run it, not as jest does.
          NODE_ENV: undefined,
          ...environment,
          ...(processes.includes('sandbox') && { SANDBOX_PROVIDER_URL: `http://127.0.0.1:${ports.sandbox}` }),
        },
        onProductExit: (process) => {
          const at = crashed.push(process.name) - 1;
          void process.lastOutput().then((lines) => (crashed[at] = `${process.name}: ${lines}`));
        },
      });
      try {
        const topics = await readTopics(system.environment['KAFKA_BROKERS'] ?? '');
        const started = new TestSystem(system, topics, crashed, `plan-${randomUUID()}`, processes);
        await started.makePlan();
        return started;
      } catch (error) {
        await system.stop();
        throw error;
      }
    } catch (error) {
      await remove(dir);
      throw error;
    }
  }

  /** Whatever a test has stopped or killed: everything ends and the folder goes. */
  async close(): Promise<void> {
    try {
      await this.topics.close();
    } finally {
      await this.system.stop();
      await remove(this.system.platform.dir);
    }
  }

  /** One call. @throws when the connection is refused or lost */
  async call(method: string, path: string, body?: unknown, key?: string, trace?: string): Promise<Answer> {
    const response = await fetch(`${this.system.apiUrl}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.system.apiKey}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(key !== undefined && { 'Idempotency-Key': key }),
        ...(trace !== undefined && { traceparent: trace }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const { status, headers } = response;
    return { status, headers, body: (status === 204 ? {} : await response.json()) as Json };
  }

  /** As a client does that wants an answer: again, with the same key, after "still running" and "away". */
  callUntilAnswered(body: unknown, key: string, timeoutMs = 60_000): Promise<Answer & { refused: string[] }> {
    const refused: string[] = [];
    return eventually(
      `an answer under the key ${key}`,
      async () => {
        const answer = await this.call('POST', '/subscriptions', body, key);
        const wait = answer.body['code'] === 'idempotency_key_in_flight' || answer.status === 503;
        if (!wait) return { ...answer, refused };
        refused.push(String(answer.body['code']));
        return undefined;
      },
      { timeoutMs, everyMs: 250 },
    );
  }

  async get(path: string): Promise<Json> {
    const { status, body } = await this.call('GET', path);
    if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  /** A customer whose payment method is `token`, and an order for them. @param clock the test clock they live by */
  async buyer(token: string, clock?: string): Promise<Buyer> {
    const ada = { name: 'Ada', time_zone: 'Europe/Berlin', test_clock_id: clock };
    const customer = await this.made('/customers', ada);
    // What follows the # tells tokens apart.
    const method = { provider: 'sandbox', token: `${token}#${(this.buyers += 1)}`, default: true };
    await this.made(`/customers/${customer}/payment-methods`, method);
    return { customer, order: { customer_id: customer, plan_id: this.plan } };
  }

  /** What the provider's ledger says of a customer. */
  async charges(customer: string): Promise<Charge[]> {
    const response = await fetch(`${this.system.sandboxUrl}/v1/charges?limit=100`);
    const { data } = (await response.json()) as { data: Charge[] };
    return data.filter(({ metadata }) => metadata.customer_id === customer);
  }

  /** What the provider gave back to a customer. */
  async refunds(customer: string): Promise<{ amount: number; status: string }[]> {
    const charges = await this.charges(customer);
    const lists = charges.map(async ({ id }) => {
      const response = await fetch(`${this.system.sandboxUrl}/v1/refunds?charge_id=${id}`);
      return ((await response.json()) as { data: { amount: number; status: string }[] }).data;
    });
    return (await Promise.all(lists)).flat();
  }

  /** How the provider misbehaves from now on. */
  async control(settings: Readonly<Record<string, number | boolean>>): Promise<void> {
    const response = await fetch(`${this.system.sandboxUrl}/v1/control`, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(settings),
    });
    if (response.status !== 200) throw new Error(`the sandbox answered ${response.status}`);
  }

  /** Places an order, kills these processes when the provider has charged and not yet answered, and starts them again. */
  async killBetweenChargeAndAnswer(names: readonly string[]): Promise<Buyer & { key: string }> {
    const buyer = await this.buyer('tok_ok');
    const key = randomUUID();
    await this.control({ hold_answers: true });
    const outcome = this.call('POST', '/subscriptions', buyer.order, key).then(
      ({ status }) => `was answered ${status}`,
      () => 'was cut off',
    );
    await eventually('the charge', async () => (await this.charges(buyer.customer)).length > 0);
    await Promise.all(names.map((name) => this.system.product(name).kill()));
    const reported = await outcome;
    if (reported !== 'was cut off') throw new Error(`the call ${reported} before anything was killed`);
    await this.control({ hold_answers: false });
    await Promise.all(names.map((name) => this.startAgain(name)));
    return { ...buyer, key };
  }

  /** Advances a test clock and waits until it stands still again. @returns the clock */
  async advance(clock: string, to: string, timeoutMs = 120_000): Promise<Json> {
    const { status, body } = await this.call('POST', `/test-clocks/${clock}/advance`, { to });
    if (status !== 202) throw new Error(`the advance to ${to} was ${status}: ${JSON.stringify(body)}`);
    return this.standing(clock, timeoutMs);
  }

  /** The test clock, once it stands still. */
  standing(clock: string, timeoutMs = 120_000): Promise<Json> {
    return eventually(
      `test clock ${clock} to stand still`,
      async () => {
        const now = await this.get(`/test-clocks/${clock}`);
        return now['status'] === 'advancing' ? undefined : now;
      },
      { timeoutMs },
    );
  }

  row<R extends Json>(sql: string, ...values: unknown[]): Promise<R | undefined> {
    return row<R>(this.system.environment['DATABASE_URL'] ?? '', sql, values);
  }

  /** Whether everything committed has been published, and read from the topics here. */
  async topicsAreIdle(): Promise<void> {
    await eventually('every event to be published', async () => {
      const waiting = await this.row('SELECT 1 AS one FROM outbox_events WHERE published_at IS NULL');
      return waiting === undefined;
    });
    await this.topics.readToTheEnd();
  }

  async untilReady(): Promise<void> {
    await eventually('/readyz to answer 200', async () => (await this.call('GET', '/readyz')).status === 200);
  }

  /** Waits until /readyz says that of PostgreSQL, Kafka and Temporal just these are down. */
  async untilDown(...wanted: string[]): Promise<void> {
    let answered: unknown;
    const look = async () => {
      const { status, body } = await this.call('GET', '/readyz');
      answered = body;
      const parts = body['parts'] as { name: string; state: string }[];
      const down = parts.filter(({ name, state }) => state === 'down' && name !== 'topics');
      return status === 503 && down.map(({ name }) => name).join() === wanted.join();
    };
    await eventually(`/readyz to name ${wanted.join()}`, look).catch((error: unknown) => {
      throw new Error(`/readyz answers ${JSON.stringify(answered)}`, { cause: error });
    });
  }

  /** After a test, failed or not: every server and process runs, and the provider behaves. */
  async heal(): Promise<void> {
    const { postgres, kafka, temporal } = this.system.platform;
    await Promise.all([postgres.start(), kafka.start(), temporal.start()]);
    await Promise.all(this.processes.map((name) => this.startAgain(name)));
    await this.control({
      hold_answers: false,
      hold_webhooks: false,
      latency_ms: 0,
      duplicate_webhooks: 0,
      shuffle_webhooks: false,
    });
  }

  /** Starts one of the processes again and waits until it is at work. */
  async startAgain(name: string): Promise<void> {
    const again = this.system.product(name);
    if (again.pid !== undefined) return;
    await again.start();
    await eventually(`${name} to be at work`, async () =>
      (await again.lastOutput()).includes('"msg":"started"'),
    );
  }

  async made(path: string, body: Json): Promise<string> {
    const { status, body: answer } = await this.call('POST', path, body);
    if (status === 201) return String(answer['id']);
    throw new Error(`POST ${path} answered ${status}: ${JSON.stringify(answer)}`);
  }

  private async makePlan(): Promise<void> {
    const price = { currency: 'EUR', amount: 1000, interval: { unit: 'month', count: 1 } };
    await this.made('/plans', { id: this.plan, name: 'Gold', ...price });
  }
}

function remove(dir: string): Promise<void> {
  return cleanPlatform(dir, defaultComposeFile(), () => undefined);
}
