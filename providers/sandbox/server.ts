/**
 * The sandbox provider's HTTP server: a payment provider to develop and test against.
 *
 * Owns: routes, HTTP statuses, how answers are held or lost. Does not own money (`ledger.ts`), what becomes of a
 * charge (`charging.ts`), nor sending webhooks (`webhook-sender.ts`). A declined charge is a charge: it is answered 201
 * with status `failed`.
 * Invariants: no token, key or customer's data in a log; a charge is committed before it is answered.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as timer } from 'node:timers/promises';
import { types } from 'node:util';
import express, { type ErrorRequestHandler, type Express, type Response } from 'express';
import helmet from 'helmet';
import { Pool } from 'pg';
import { balanceOf, balancesOf } from './balance';
import { turnRoutes } from './charge-turns';
import { chargeOnce, type ChargingDeps } from './charging';
import { Control } from './control';
import { prepareDatabase } from './database';
import { DisputeBook } from './dispute-book';
import { disputeRoutes, type DisputeDeps } from './dispute-routes';
import { KeyLocks } from './key-locks';
import { Ledger } from './ledger';
import { RefundBook } from './refund-book';
import { refundRoutes, type RefundDeps } from './refund-routes';
import {
  accepted,
  acceptedId,
  acceptedKey,
  balanceQuery,
  chargeRequest,
  controlPatch,
  jsonBody,
  listQuery,
  noSuch,
  Refusal,
  type RefusalCode,
} from './requests';
import { WebhookQueue } from './webhook-queue';
import { startWebhookSender, type WebhookTarget } from './webhook-sender';

/** A part of what pino's loggers can do. */
interface SandboxLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SandboxDeps {
  /** A database of the sandbox's own; it is created when it is missing and the user may. */
  databaseUrl: string;
  now(): Date;
  /** Another text of letters, digits, `_` and `-` each time, at most 90 characters. */
  newId(): string;
  log: SandboxLog;
  /** Where webhooks go; without it there are none. */
  webhooks?: WebhookTarget | undefined;
  /** Uniform in [0, 1), for `failure_rate` and webhooks; default `Math.random`. */
  random?(): number;
  /** Waits, and rejects as soon as `signal` is aborted; default a timer. */
  sleep?(durationMs: number, signal: AbortSignal): Promise<void>;
}

export interface Sandbox {
  app: Express;
  /**
   * Drops the connections whose answers wait, and lets go of the database. Whoever listens with `app` should
   * call it before, or together with, the HTTP server's `close`, which waits for those connections.
   */
  close(): Promise<void>;
}

/** Starts the sandbox provider; listening is up to the caller. */
export async function createSandbox(deps: SandboxDeps): Promise<Sandbox> {
  await prepareDatabase(deps.databaseUrl);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const pool = new Pool({
    connectionString: deps.databaseUrl,
    max: 10,
    connectionTimeoutMillis: 10_000,
    statement_timeout: 15_000,
  });
  // Without a listener an idle connection that is lost would end the process.
  pool.on('error', (error) => deps.log.warn({ error: withoutData(error) }, 'connection lost'));
  const { now, newId, log, webhooks: target, random = Math.random } = deps;
  const queue = target && new WebhookQueue(pool, newId);
  const ledger = new Ledger(pool, queue ?? null);
  const locks = new KeyLocks(deps.databaseUrl);
  const control = new Control({
    random,
    sleep: deps.sleep ?? ((durationMs, signal) => timer(durationMs, undefined, { signal })),
    closing: closing.signal,
  });
  const refunds = new RefundBook(pool, queue ?? null);
  const disputes = new DisputeBook(pool, queue ?? null);
  const settleDue = async () => {
    await ledger.settleDue(now());
    await refunds.failDue(now());
    await disputes.openDue(now(), newId);
  };
  const sender =
    queue && target && startWebhookSender({ target, queue, settleDue, control, now, random, log });
  const wake = () => sender?.wake();
  const parts = { pool, ledger, refunds, disputes, locks, control, now, newId, settleDue };
  const app = routes(parts, { log, wake }, closing.signal);
  let closed: Promise<void> | undefined;
  return {
    app,
    close: () => {
      closing.abort();
      closed ??= Promise.all([locks.close(), sender?.close()]).then(() => ledger.close());
      return closed;
    },
  };
}

type RoutesDeps = ChargingDeps & RefundDeps & DisputeDeps & { pool: Pool };

function routes(
  deps: RoutesDeps,
  { log, wake }: { log: SandboxLog; wake(): void },
  closing: AbortSignal,
): Express {
  const app = express();
  app.set('query parser', 'simple');
  app.set('etag', false);
  app.use(helmet());
  // Whatever was asked may have made a webhook.
  app.use((_req, res, next) => {
    res.once('close', wake);
    next();
  });
  app.use(express.json({ limit: '16kb' }));
  chargeRoutes(app, deps);
  turnRoutes(app, deps);
  refundRoutes(app, deps);
  disputeRoutes(app, deps);
  balanceRoutes(app, deps);
  operatingRoutes(app, deps);
  app.use(() => {
    throw new Refusal('not_found', 'There is no such path, or not with this method.');
  });
  app.use(answerError(log, closing));
  return app;
}

function chargeRoutes(app: Express, deps: ChargingDeps): void {
  const { ledger, control, now } = deps;

  app.post('/v1/charges', async (req, res) => {
    const idempotencyKey = acceptedKey(req.get('idempotency-key'));
    const request = accepted(chargeRequest, jsonBody(req));
    const callerGone = signalOfClose(res);
    const origin = `${req.protocol}://${req.host}`;
    const answer = await chargeOnce(deps, { idempotencyKey, request, origin });
    if (answer.kind === 'connection_cut') return void req.socket.destroy();
    await control.answersReleased(callerGone);
    if (answer.replayed) res.set('idempotent-replayed', 'true');
    res.status(201).json(answer.charge);
  });

  app.get('/v1/charges', async (req, res) => {
    const query = accepted(listQuery, req.query);
    await control.misbehave();
    const page = await ledger.list(query, now());
    if (!page) throw new Refusal('validation_failed', 'starting_after is not the id of a charge');
    res.json(page);
  });

  app.get('/v1/charges/:id', async (req, res) => {
    const id = acceptedId(req.params.id, 'charge');
    await control.misbehave();
    const charge = await ledger.find(id, now());
    if (!charge) throw noSuch('charge');
    res.json(charge);
  });
}

/** The provider's own sums, for whoever compares. */
function balanceRoutes(app: Express, { pool, settleDue }: Pick<RoutesDeps, 'pool' | 'settleDue'>): void {
  app.get('/v1/balance', async (_req, res) => {
    await settleDue();
    res.json({ data: await balanceOf(pool) });
  });

  app.get('/v1/balances', async (req, res) => {
    const query = accepted(balanceQuery, req.query);
    await settleDue();
    res.json(await balancesOf(pool, query));
  });
}

function operatingRoutes(app: Express, { control, ledger }: ChargingDeps): void {
  app.get('/v1/control', (_req, res) => void res.json(control.settings));
  app.patch(
    '/v1/control',
    (req, res) => void res.json(control.update(accepted(controlPatch, jsonBody(req)))),
  );

  app.get('/healthz', async (_req, res) => {
    await ledger.ping().catch(() => {
      throw new Refusal('unavailable', 'The database does not answer.');
    });
    res.json({ status: 'ok' });
  });
}

function signalOfClose(res: Response): AbortSignal {
  const controller = new AbortController();
  res.once('close', () => controller.abort());
  return controller.signal;
}

function answerError(log: SandboxLog, closing: AbortSignal): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, req, res, _next) => {
    if (closing.aborted || isAbort(error) || res.headersSent) return void req.socket.destroy();
    const refusal = error instanceof Refusal ? error : refusalOfBodyParser(error);
    if (!refusal) log.error({ error: withoutData(error), method: req.method }, 'request failed');
    const { code, message, extras, httpStatus } =
      refusal ?? new Refusal('internal', 'Something unexpected happened.');
    if (code === 'rate_limited') res.set('retry-after', '1');
    res.status(httpStatus).json({ error: { code, message, ...extras } });
  };
}

function isAbort(error: unknown): boolean {
  return types.isNativeError(error) && error.name === 'AbortError';
}

const bodyRefusals: Partial<Record<number, [RefusalCode, string]>> = {
  400: ['malformed_request', 'The request cannot be read; the body must be JSON.'],
  413: ['body_too_large', 'The body must be at most 16 KiB.'],
  415: ['unsupported_media_type', 'The body must be application/json in UTF-8.'],
};

/** Express and its body parser throw errors with the HTTP status that they mean. */
function refusalOfBodyParser(error: unknown): Refusal | undefined {
  if (!types.isNativeError(error) || !('status' in error)) return undefined;
  const known = bodyRefusals[Number(error.status)];
  return known && new Refusal(...known);
}

/** Messages of the database may hold values of rows, so only class, code and call stack are logged. */
function withoutData(error: unknown): object {
  if (!types.isNativeError(error)) return { type: typeof error };
  const code = 'code' in error ? error.code : undefined;
  const stack = error.stack?.split('\n').filter((line) => /^ {4}at /.test(line));
  return { type: error.name, code, stack };
}
