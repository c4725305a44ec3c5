/**
 * Renewals as in life: a provider that takes half a second, cards of which a tenth is declined and a fiftieth pending,
 * webhooks, and callers beside them: how many POST /subscriptions are refused, how long they and webhooks wait.
 *
 * Callers and webhooks come at fixed instants, whether those before them are answered or not. Not measured: several
 * workers or machines, TLS.
 */
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client as Postgres } from 'pg';
import type { System } from '../platform/system';
import { newSubscriber, subscriptionSender } from './api';
import { beside, shownBeside } from './beside';
import { cpuMeter, type ProcessIds } from './cpu';
import { makeDue } from './due';
import { rounds } from './floor/sleepers';
import { runMany } from './load';
import { awaitRound, isIdle, shownRound } from './renewal-round';
import { givenPayments, signedWebhooks, statusOf } from './signed-webhooks';
import { untilTrue } from './waiting';

const concurrency = 20;
const dueAfterSeconds = 8;
const idleMs = 15_000;
const providerMs = 500;
const subscriptionsEveryMs = 500;
const webhooksEveryMs = 200;
/** Of a hundred cards. */
const declined = 10;
const pending = 2;

export async function benchRenewalsMixed(
  system: System,
  processes: ProcessIds,
  subscriptions: number,
  report: (line: string) => void,
): Promise<void> {
  const db = new Postgres({ connectionString: system.environment['DATABASE_URL'] });
  await db.connect();
  try {
    await runMany(subscriptions, concurrency, await newSubscriber(system));
    await untilTrue('all creations are published', () => isIdle(db), 120_000);
    await slowDown(system);
    const send = await senders(system);
    const idle = callBeside(send);
    await sleep(idleMs);
    report(`  nothing else happens: ${await idle.end()}`);
    for (let round = 0; round < rounds; round += 1) await renewAll(db, processes, send, report);
  } finally {
    await db.end();
  }
}

interface Senders {
  subscription(): Promise<boolean>;
  webhook(): Promise<boolean>;
}

async function senders(system: System): Promise<Senders> {
  const subscribe = await subscriptionSender(system);
  const paymentIds = await givenPayments(system);
  const agent = new Agent({ keepAlive: true });
  const url = `${system.apiUrl}/webhooks/sandbox`;
  return {
    subscription: async () => (await subscribe()) === 201,
    async webhook() {
      const [webhook] = signedWebhooks(system, paymentIds, 1);
      return webhook !== undefined && (await statusOf(url, agent, webhook)) === 200;
    },
  };
}

async function slowDown({ sandboxUrl }: System): Promise<void> {
  const { status } = await fetch(`${sandboxUrl}/v1/control`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ latency_ms: providerMs }),
  });
  if (status !== 200) throw new Error(`/v1/control answered ${status}`);
}

async function renewAll(
  db: Postgres,
  processes: ProcessIds,
  send: Senders,
  report: (line: string) => void,
): Promise<void> {
  await changeCards(db);
  const { due, subscriptions } = await makeDue(db, dueAfterSeconds);
  const round = { due, lastDue: due, subscriptions };
  await untilTrue('the instant has come', () => Promise.resolve(Date.now() >= due.getTime()), 60_000, 20);
  const cpu = cpuMeter(processes);
  const others = callBeside(send);
  const figures = await awaitRound(db, round).finally(others.stop);
  const used = cpu.each(subscriptions);
  report(`  ${shownRound(round, figures)}`);
  report(`    CPU each, what comes beside them included: ${used}`);
  report(`    beside them: ${await others.end()}`);
}

function callBeside(send: Senders): { stop(): void; end(): Promise<string> } {
  const callers = beside(subscriptionsEveryMs, send.subscription);
  const webhooks = beside(webhooksEveryMs, send.webhook);
  return {
    stop() {
      callers.stop();
      webhooks.stop();
    },
    async end() {
      const shown = [shownBeside(await callers.end()), shownBeside(await webhooks.end())];
      return `POST /subscriptions ${shown[0]}; webhooks ${shown[1]}`;
    },
  };
}

/** Cards of those that are active: the same share is declined and pending in each round. The callers' own card pays. */
async function changeCards(db: Postgres): Promise<void> {
  await db.query(
    `UPDATE payment_methods m SET token = CASE
         WHEN place < $1 THEN 'tok_insufficient_funds'
         WHEN place < $1 + $2 THEN 'tok_pending_then_ok'
         ELSE 'tok_ok' END || '#' || translate(m.id, '0123456789', 'abcdefghij')
     FROM (SELECT customer_id, (row_number() OVER (ORDER BY customer_id) - 1) % 100 AS place
       FROM subscriptions WHERE status = 'active' GROUP BY customer_id HAVING count(*) = 1) AS one
     WHERE m.customer_id = one.customer_id`,
    [declined, pending],
  );
}
