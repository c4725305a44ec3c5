/**
 * Failed payments: what it costs that they are planned and wait, and how many manual retries a second are made of those
 * that were requested at once, as a ratio to a bare Temporal floor in the same run.
 *
 * Payments of their own, with a policy that retries them: what their subscriptions would do is measured by itself
 * (`renewals`, `sleeping`). Not measured: a provider's real latency (the sandbox answers at once) and its webhooks.
 */
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { Client as Postgres } from 'pg';
import { messages, retryStart } from '../../contracts/workflows/workflows';
import type { System } from '../platform/system';
import { cpuMeter, rssMib, type ProcessIds } from './cpu';
import { writeFailedPayments } from './failed-payments';
import { measureFloor, middle, rounds } from './floor/sleepers';
import { runMany, shown } from './load';
import { untilTrue } from './waiting';

type Report = (line: string) => void;

/** Processes that are started side by side. */
const startedAtOnce = 50;
/** Operators. */
const askedAtOnce = 20;
/** Parts of all after which the memory is looked at. */
const looks = [0, 0.1, 0.25, 0.5, 0.75, 1];

const idOf = (name: string, index: number): string => `pay_${name}_${index + 1}`;

/** Failed payments with their process, each planned and waiting for its next attempt. */
interface WaitingPayments {
  /** Plans so many more of them. */
  plan(from: number, count: number): Promise<void>;
  db: Postgres;
  close(): Promise<void>;
}

async function waitingPayments(system: System, name: string, payments: number): Promise<WaitingPayments> {
  const db = new Postgres({ connectionString: system.environment['DATABASE_URL'] });
  await db.connect();
  const connection = await NativeConnection.connect({
    address: system.environment['TEMPORAL_ADDRESS'] ?? '',
  });
  const client = new Client({ connection });
  await retryPaymentsOfTheirOwn(system);
  const tokens = Array.from({ length: payments }, (_, n) => `tok_ok#${name}-${n}`);
  await writeFailedPayments(db, name, tokens);
  return {
    db,
    async plan(from, count) {
      await runMany(count, startedAtOnce, async (index) => {
        const { workflowType, ...options } = retryStart(idOf(name, from + index));
        await client.workflow.signalWithStart(workflowType, {
          ...options,
          signal: messages.failed,
          signalArgs: [],
        });
      });
      const wanted = from + count;
      const isPlanned = async (): Promise<boolean> => {
        const { rows } = await db.query<{ planned: number }>(
          'SELECT count(*)::int AS planned FROM payments WHERE customer_id = $1 AND next_attempt_at > now()',
          [`cus_${name}`],
        );
        return rows[0]?.planned === wanted;
      };
      await untilTrue(`${wanted} are planned`, isPlanned, 120_000 + count * 500);
    },
    async close() {
      await connection.close();
      await db.end();
    },
  };
}

/** What the API adds to a policy. */
const addedToPolicies = new Set(['id', 'version', 'created_at', 'actor', 'warnings']);

/** The policy that is there, with one thing changed. */
async function retryPaymentsOfTheirOwn({ apiUrl, apiKey }: System): Promise<void> {
  const path = `${apiUrl}/retry-policies/default`;
  const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' };
  const policy = (await (await fetch(path, { headers })).json()) as Record<string, unknown>;
  const document = Object.entries(policy).filter(([name]) => !addedToPolicies.has(name));
  const body = JSON.stringify({ ...Object.fromEntries(document), retry_manual_payments: true });
  const { status } = await fetch(path, { method: 'PUT', headers, body });
  if (status !== 200) throw new Error(`the policy was answered ${status}`);
}

export async function benchPlanned(
  system: System,
  processes: ProcessIds,
  planned: number,
  report: Report,
): Promise<void> {
  const payments = await waitingPayments(system, 'planned', planned);
  await planAll(payments, processes, planned, report).finally(() => payments.close());
}

async function planAll(
  payments: WaitingPayments,
  processes: ProcessIds,
  planned: number,
  report: Report,
): Promise<void> {
  const beganMs = performance.now();
  let waiting = 0;
  for (const part of looks) {
    const wanted = Math.round(planned * part);
    await payments.plan(waiting, wanted - waiting);
    waiting = wanted;
    const memory = Object.entries(processes).map(([name, pid]) => `${name} ${rssMib(pid).toFixed(0)}`);
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
    report(`  ${String(waiting).padStart(6)} waiting after ${seconds} s, MiB: ${memory.join(', ')}`);
  }
}

export async function benchManualRetries(
  system: System,
  processes: ProcessIds,
  retries: number,
  report: Report,
): Promise<void> {
  const floor = await measureFloor(system.environment['TEMPORAL_ADDRESS'] ?? '', processes, retries, report);
  const rates: number[] = [];
  while (rates.length < rounds) {
    const name = `manual${rates.length + 1}`;
    const payments = await waitingPayments(system, name, retries);
    const round = { system, processes, payments, name, retries, report };
    rates.push(await drain(round).finally(() => payments.close()));
  }
  report(`  ratio ${(middle(rates) / middle(floor)).toFixed(2)} (medians of ${rounds} rounds)`);
}

interface Round {
  system: System;
  processes: ProcessIds;
  payments: WaitingPayments;
  name: string;
  retries: number;
  report: Report;
}

/** @returns manual retries per second, from the first request until the last is attempted */
async function drain({ system, processes, payments, name, retries, report }: Round): Promise<number> {
  const { db, plan } = payments;
  await plan(0, retries);
  const cpu = cpuMeter(processes);
  const beganMs = performance.now();
  const requests = await runMany(retries, askedAtOnce, (index) => request(system, idOf(name, index)));
  const isDrained = async (): Promise<boolean> => {
    const { rows } = await db.query<{ attempted: number }>(
      `SELECT count(*)::int AS attempted FROM retry_requests q JOIN payments p ON p.id = q.payment_id
       WHERE p.customer_id = $1 AND q.status = 'attempted'`,
      [`cus_${name}`],
    );
    return rows[0]?.attempted === retries;
  };
  await untilTrue('all are attempted', isDrained, 120_000 + retries * 500);
  const perSecond = retries / ((performance.now() - beganMs) / 1000);
  report(`  ${retries} manual retries, requested and attempted: ${perSecond.toFixed(1)}/s`);
  report(`    requests over HTTP: ${shown(requests)}`);
  report(`    CPU each: ${cpu.each(retries)}`);
  return perSecond;
}

async function request({ apiUrl, apiKey }: System, paymentId: string): Promise<void> {
  const { status } = await fetch(`${apiUrl}/payments/${paymentId}/retry`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ reason: 'bench' }),
  });
  if (status !== 202) throw new Error(`the retry of ${paymentId} was answered ${status}`);
}
