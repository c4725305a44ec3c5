/**
 * The transactions of a creation and of a renewal alone: CPU of this process and of PostgreSQL for each.
 *
 * What the workflow would call is called here, one subscription after the other in a few lanes. Not measured: Temporal,
 * Kafka, the provider (a played one answers at once), contention on one subscription.
 */
import { Client } from 'pg';
import type { AttemptDependencies } from '../../billing/payment/attempt';
import { createSubscription } from '../../billing/subscription/create';
import { renewSubscription } from '../../billing/renewal/renew';
import type { SubscriptionCreation } from '../../contracts/workflows/commands';
import { closeDatabase, createDatabase } from '../../prisma/client';
import { migrate, migrationsFolder } from '../../prisma/migrate';
import type { PaymentProvider } from '../../providers/port';
import { sandboxWebhooks } from '../../providers/sandbox/webhooks';
import { cpuMeter, type ProcessIds } from './cpu';
import { makeDue } from './due';
import { runMany } from './load';

const warmUps = 100;
const lanes = 8;

export async function benchTransactions(
  databaseUrl: string,
  processes: ProcessIds,
  subscriptions: number,
  report: (line: string) => void,
): Promise<void> {
  await migrate(databaseUrl, migrationsFolder());
  const db = createDatabase(databaseUrl, lanes);
  const admin = new Client({ connectionString: databaseUrl });
  await admin.connect();
  try {
    await seed(admin);
    const deps: AttemptDependencies = { db, providers: new Map([['sandbox', paysAtOnce]]) };
    const measured = async (what: string, once: (id: string) => Promise<void>): Promise<void> => {
      await runMany(warmUps, lanes, (index) => once(`sub_${index}`));
      const cpu = cpuMeter({ ...processes, here: process.pid });
      await runMany(subscriptions, lanes, (index) => once(`sub_${warmUps + index}`));
      report(`  ${what}: CPU each ${cpu.each(subscriptions)}`);
    };
    await measured('creation', (id) => create(deps, id));
    await makeDue(admin, 0);
    await measured('renewal', (id) => renew(deps, id));
  } finally {
    await closeDatabase(db);
    await admin.end();
  }
}

const paysAtOnce: PaymentProvider = {
  isLive: false,
  name: 'sandbox',
  chargeLimits: () => ({ smallest: 1, step: 1 }),
  charge: () => Promise.resolve({ status: 'completed', provider_reference: 'ch_1' }),
  lookup: () => Promise.resolve({ status: 'not_found' }),
  refund: () => Promise.reject(new Error('nothing is given back here')),
  webhooks: sandboxWebhooks,
};

async function seed(admin: Client): Promise<void> {
  await admin.query(`
    INSERT INTO plans (id, name, currency, amount, interval_unit, interval_count)
    VALUES ('gold', 'Gold', 'EUR', 1000, 'month', 1);
    INSERT INTO customers (id) VALUES ('cus_1');
    INSERT INTO payment_methods (id, customer_id, provider, token) VALUES ('pm_1', 'cus_1', 'sandbox', 'tok_ok')`);
}

async function create(deps: AttemptDependencies, id: string): Promise<void> {
  const creation: SubscriptionCreation = {
    subscription_id: id,
    customer_id: 'cus_1',
    plan_id: 'gold',
    quantity: 1,
    payment_method_id: 'pm_1',
    trial_days: null,
    start_at: null,
    time_zone: null,
    retry_policy_id: null,
    metadata: {},
    actor: { kind: 'system', id: 'bench', reason: null },
    command_id: `${id}/create`,
    accept_by: new Date(Date.now() + 60_000).toISOString(),
    answer_within_ms: 0,
  };
  const made = await createSubscription(deps, creation);
  if (made.kind !== 'concluded') throw new Error(`${id} is ${made.kind}`);
}

async function renew(deps: AttemptDependencies, id: string): Promise<void> {
  const { record, followUp } = await renewSubscription(deps, id);
  if (followUp !== null || record.subscription.period?.paid !== true)
    throw new Error(`${id} was not renewed`);
}
