/**
 * A bulk retry whose worker is killed again and again, and what has to hold when it is over: each payment tried once.
 *
 * Owns: the payments, which failed a moment ago and have no process yet. Invariant: what is killed, and after how many
 * payments, follows from the seed alone.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client as Postgres } from 'pg';
import { failedFor, writeFailedPayments } from '../../dev/bench/failed-payments';
import type { Charge } from '../../providers/sandbox/charge';
import { eventually } from '../support/eventually';
import { rows, untilAnswered, type Chaos } from './context';
import { listCharges } from './facts';
import { supervise } from './supervisor';

export interface BulkRetrySettings {
  payments: number;
  /** Of the worker, with `kill -9`. */
  kills: number;
  ratePerSecond: number;
  overWithinMs: number;
}

/** What the provider says to the retried payments, and how often each. */
const tokens = [
  ['tok_ok', 8],
  ['tok_insufficient_funds', 1],
  ['tok_lost_answer_ok', 1],
] as const;

/** @returns the violations, one line each */
export async function runBulkRetry(
  chaos: Chaos,
  settings: BulkRetrySettings,
  name: string,
): Promise<string[]> {
  const { payments, kills, ratePerSecond: rate_per_second, overWithinMs: timeoutMs } = settings;
  const random = chaos.random.fork(`${name}/bulk retry`);
  const tokenOf = Array.from({ length: payments }, (_, n) => `${random.weighted(tokens)}#${name}-${n}`);
  await writePayments(chaos, name, tokenOf);
  const filter = { provider: 'sandbox', categories: [failedFor] };
  const ask = (body: object) =>
    untilAnswered(chaos, 'POST', '/bulk-retries', { filter, reason: name, ...body }, randomUUID());
  const previewed = await ask({ preview: true });
  const supervisor = supervise(chaos);
  try {
    const beganMs = performance.now();
    const { body } = await ask({ preview: false, rate_per_second });
    const id = String(body['id']);
    const progress = () => progressOf(chaos, id);
    for (const after of killPoints(random, payments, kills)) {
      await eventually(`${after} payments to be tried`, async () => (await progress()).settled >= after, {
        timeoutMs,
        everyMs: 100,
      });
      await killWorker(chaos, random.int(0, 300));
      chaos.report(`  the worker is killed after ${(await progress()).settled} of ${payments} payments`);
    }
    await eventually(
      'the bulk retry to be completed',
      async () => (await progress()).status === 'completed',
      {
        timeoutMs,
        everyMs: 200,
      },
    );
    chaos.figures.note(`${payments} payments retried, ms`, performance.now() - beganMs);
    const wanted = { id, name, payments, previewed: previewed.body['preview'] };
    return await judge(chaos, wanted, timeoutMs);
  } finally {
    await supervisor.stop();
  }
}

async function writePayments({ its }: Chaos, name: string, tokenOf: readonly string[]): Promise<void> {
  const db = new Postgres({ connectionString: its.system.environment['DATABASE_URL'] });
  await db.connect();
  try {
    await writeFailedPayments(db, name, tokenOf);
  } finally {
    await db.end();
  }
}

/** Between the tenth and the nine tenths of the way. */
function killPoints(random: Chaos['random'], payments: number, kills: number): number[] {
  const points = Array.from({ length: kills }, () =>
    random.int(Math.ceil(payments * 0.1), Math.floor(payments * 0.9)),
  );
  return points.toSorted((a, b) => a - b);
}

async function progressOf(chaos: Chaos, id: string): Promise<{ status: string; settled: number }> {
  const [row] = await rows<{ status: string; settled: number }>(
    chaos,
    `SELECT status, (SELECT count(*)::int FROM retry_requests WHERE bulk_retry_id = $1 AND settled_at IS NOT NULL)
       AS settled
     FROM bulk_retries WHERE id = $1`,
    [id],
  );
  return row ?? { status: 'unknown', settled: 0 };
}

/** Runs again when it resolves: the supervisor has started it. */
async function killWorker({ its, figures }: Chaos, afterMs: number): Promise<void> {
  const worker = its.system.product('worker');
  await sleep(afterMs);
  const pid = worker.pid;
  await worker.kill();
  figures.add('kills of worker');
  await eventually('the worker to run again', async () => worker.pid !== undefined && worker.pid !== pid);
}

interface Judged {
  id: string;
  name: string;
  payments: number;
  previewed: unknown;
}

async function judge(chaos: Chaos, { id, name, payments, previewed }: Judged, timeoutMs: number) {
  await eventually('every attempt to have its outcome', async () => (await openAttempts(chaos, name)) === 0, {
    timeoutMs,
    everyMs: 500,
  });
  const retried = await rows<RetriedPayment>(
    chaos,
    `SELECT p.id, p.status, m.token,
       (SELECT count(*)::int FROM payment_attempts a WHERE a.payment_id = p.id AND a.trigger = 'manual_retry') AS attempts,
       (SELECT count(*)::int FROM payment_attempts a WHERE a.payment_id = p.id) AS all_attempts,
       (SELECT string_agg(q.status || coalesce(' ' || q.refusal, ''), ', ') FROM retry_requests q
        WHERE q.payment_id = p.id AND q.bulk_retry_id = $2) AS requests
     FROM payments p JOIN payment_methods m ON m.id = p.payment_method_id
     WHERE p.customer_id = 'cus_' || $1`,
    [name, id],
  );
  const charges = (await listCharges(chaos)).filter(
    ({ metadata }) => metadata['customer_id'] === `cus_${name}`,
  );
  chaos.figures.add('charges of the bulk retry at the provider', charges.length);
  const foreseen = (previewed as { count?: unknown } | undefined)?.count;
  return [
    ...(foreseen === payments ? [] : [`the preview said ${String(foreseen)} of ${payments} payments`]),
    ...(retried.length === payments ? [] : [`there are ${retried.length} of ${payments} payments`]),
    ...onceEach(retried, charges),
  ];
}

export interface RetriedPayment {
  id: string;
  status: string;
  token: string;
  /** By the bulk retry. */
  attempts: number;
  all_attempts: number;
  /** What became of its retry requests. */
  requests: string | null;
}

/** That each was tried once, by our rows and by the provider's, and ended as its token says. Pure. */
export function onceEach(retried: readonly RetriedPayment[], charges: readonly Charge[]): string[] {
  return retried.flatMap(({ id, status, token, attempts, all_attempts: all, requests }) => {
    const charged = charges.filter(({ metadata }) => metadata['payment_id'] === id);
    const wanted = token.startsWith('tok_insufficient_funds') ? 'failed' : 'completed';
    return [
      ...(attempts === 1 && all === 2 ? [] : [`${id} was tried ${attempts} times (${all} attempts in all)`]),
      ...(requests === 'attempted' ? [] : [`the retry request for ${id} ended as ${requests}`]),
      ...(charged.length === 1 && charged[0]?.idempotency_key === `${id}/2`
        ? []
        : [`the provider has ${charged.length} charges of ${id}`]),
      ...(status === wanted ? [] : [`${id} with ${token} is ${status}`]),
    ];
  });
}

async function openAttempts(chaos: Chaos, name: string): Promise<number> {
  const [row] = await rows<{ count: number }>(
    chaos,
    `SELECT count(*)::int AS count FROM payment_attempts a JOIN payments p ON p.id = a.payment_id
     WHERE p.customer_id = 'cus_' || $1 AND a.settled_at IS NULL`,
    [name],
  );
  return row?.count ?? 0;
}
