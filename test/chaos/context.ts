/**
 * What every part of a fault test is given.
 *
 * Owns: the connections of the test's own, and what callers were told. Does not own the system.
 */
import { Client, Connection } from '@temporalio/client';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { Client as PostgresClient } from 'pg';
import { closeDatabase, createDatabase, type Database } from '../../prisma/client';
import { eventually } from '../support/eventually';
import type { Answer, TestSystem } from '../support/system';
import { Figures } from './figures';
import type { Random } from './random';
import { workflowBehind } from './unanswered';

/** What one order was answered; a customer places one, or some. */
export interface ReportedOrder {
  customer: string;
  token: string;
  status: number;
  subscriptionId: string | null;
}

export interface ReportedCancellation {
  subscriptionId: string;
  status: number;
  mode: string;
}

/** What a payment outside of periods was answered; its customer asks for one alone. */
export interface ReportedPayment {
  customer: string;
  paymentId: string;
  status: number;
}

export interface ReportedRetry {
  paymentId: string;
  status: number;
  /** Null: it was refused at once. */
  requestId: string | null;
}

/** What callers know, and may hold against the system. */
export interface Reported {
  orders: ReportedOrder[];
  cancellations: ReportedCancellation[];
  payments: ReportedPayment[];
  retries: ReportedRetry[];
  /** Ids of subscriptions, once for each paid period of theirs that was made to be over. */
  ended: string[];
  /** Ids of subscriptions that were paused or resumed: time passed between their periods. */
  paused: Set<string>;
  /** Calls that were answered with a fault of the product's. */
  faults: string[];
}

export interface Chaos {
  its: TestSystem;
  random: Random;
  figures: Figures;
  reported: Reported;
  /** Tokens of the sandbox provider and how often each is used. */
  tokens: readonly (readonly [token: string, weight: number])[];
  /** What kills have broken off, each by its step and id, so that none is counted twice. */
  crashPoints: Set<string>;
  /** Ids of subscriptions that a fault has for itself. */
  reserved: Set<string>;
  /** Ids of subscriptions that somebody has asked to end: each is asked for once. */
  ending: Set<string>;
  /** Workflows that a fault has ended. */
  terminatedRuns: Set<string>;
  /** Webhooks that were kept from the system for ever: event type and subject. */
  lostWebhooks: Set<string>;
  /** Processes that a fault wants to stay dead for now; all others are started again when they end. */
  heldDown: Set<string>;
  /** Connections of the test's own. */
  db: Database;
  kafka: Kafka;
  admin: Admin;
  temporal: Client;
  report(line: string): void;
  close(): Promise<void>;
}

/** A whole system, each part a process, and bridges enough to go on without one. */
export const processes = ['sandbox', 'api', 'worker', 'bridge', 'bridge#2', 'bridge#3'];

/** Those of the processes that relay and consume. */
export const bridgesOf = ({ its }: Pick<Chaos, 'its'>): string[] =>
  its.processes.filter((name) => /^(bridge|all)(#|$)/.test(name));

/** The customer of the events that are written in batches. */
export const writtenCustomer = 'cus_played';

/** Statuses in which a subscription goes on; its process must be running. */
export const isLiving = (status: string): boolean => status !== 'cancelled' && status !== 'expired';

export async function openChaos(
  its: TestSystem,
  random: Random,
  tokens: Chaos['tokens'],
  report: (line: string) => void,
): Promise<Chaos> {
  const { environment } = its.system;
  const kafka = new Kafka({
    brokers: (environment['KAFKA_BROKERS'] ?? '').split(','),
    clientId: 'chaos',
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 10 },
  });
  const admin = kafka.admin();
  const db = createDatabase(environment['DATABASE_URL'] ?? '', 8);
  const connection = await Connection.connect({ address: environment['TEMPORAL_ADDRESS'] });
  await admin.connect();
  await db.customer.create({ data: { id: writtenCustomer } });
  return {
    its,
    random,
    tokens,
    report,
    kafka,
    admin,
    db,
    figures: new Figures(),
    reported: {
      orders: [],
      cancellations: [],
      payments: [],
      retries: [],
      ended: [],
      paused: new Set(),
      faults: [],
    },
    crashPoints: new Set(),
    reserved: new Set(),
    ending: new Set(),
    terminatedRuns: new Set(),
    lostWebhooks: new Set(),
    heldDown: new Set(),
    temporal: new Client({ connection }),
    async close() {
      await Promise.allSettled([admin.disconnect(), connection.close(), closeDatabase(db)]);
    },
  };
}

/** All rows of a query, over a connection of its own, to the product's database or to `url`. */
export async function rows<R extends object>(
  { its }: Pick<Chaos, 'its'>,
  sql: string,
  values: unknown[] = [],
  url = its.system.environment['DATABASE_URL'],
): Promise<R[]> {
  const client = new PostgresClient({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<R>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** As a client does that wants an answer: again, under the same key, while the system is away or busy with it. */
export function untilAnswered(
  chaos: Chaos,
  method: string,
  path: string,
  body: object | undefined,
  key: string,
): Promise<Answer> {
  const { its, figures } = chaos;
  let last = 'nothing';
  return eventually(
    `an answer to ${method} ${path}`,
    async () => {
      const answer = await its.call(method, path, body, key).catch(() => undefined);
      const code = answer?.body['code'];
      const wait =
        answer === undefined ||
        answer.status === 503 ||
        answer.status === 429 ||
        code === 'idempotency_key_in_flight';
      if (!wait) return answer;
      figures.add('calls repeated by callers');
      last = answer === undefined ? 'nothing' : JSON.stringify(answer.body);
      return undefined;
    },
    { timeoutMs: 240_000, everyMs: 500 },
  ).catch(async (error: unknown) => {
    const behind = await workflowBehind(chaos.temporal, path);
    throw new Error(`${(error as Error).message}: the last one was ${last}\n${behind}`, { cause: error });
  });
}
