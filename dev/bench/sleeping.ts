/**
 * Subscriptions that wait for nothing: what they cost in the memory of each process.
 *
 * Their rows are written by SQL and their processes started without a creation, as when an empty Temporal is refilled;
 * each loads its row and sleeps. What a worker keeps is bounded by WORKER_CACHED_WORKFLOWS: who has left the cache is a
 * row in Temporal and costs the worker nothing.
 */
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { Client as Postgres } from 'pg';
import { subscriptionStart } from '../../contracts/workflows/workflows';
import type { System } from '../platform/system';
import { rssMib, type ProcessIds } from './cpu';
import { runMany } from './load';

const concurrency = 50;
/** Parts of all after which the memory is looked at. */
const looks = [0, 0.1, 0.25, 0.5, 0.75, 1];

export async function benchSleeping(
  system: System,
  processes: ProcessIds,
  sleeping: number,
  report: (line: string) => void,
): Promise<void> {
  await writeRows(system, sleeping);
  const connection = await NativeConnection.connect({
    address: system.environment['TEMPORAL_ADDRESS'] ?? '',
  });
  const client = new Client({ connection });
  const idOf = (index: number) => `sub_sleeping_${index}`;
  const start = async (index: number): Promise<void> => {
    const { workflowType, ...options } = subscriptionStart({ subscription_id: idOf(index), creation: null });
    // Reconciliation starts them, too.
    await client.workflow.start(workflowType, { ...options, workflowIdConflictPolicy: 'USE_EXISTING' });
    // Answered when the row is loaded.
    await client.workflow.getHandle(options.workflowId).executeUpdate('awaitCreated');
  };
  let asleep = 0;
  for (const part of looks) {
    const wanted = Math.round(sleeping * part);
    await runMany(wanted - asleep, concurrency, (index) => start(asleep + index));
    asleep = wanted;
    const memory = Object.entries(processes).map(([name, pid]) => `${name} ${rssMib(pid).toFixed(0)}`);
    report(`  ${String(asleep).padStart(6)} asleep, MiB: ${memory.join(', ')}`);
  }
  await connection.close();
}

async function writeRows({ environment }: System, sleeping: number): Promise<void> {
  const db = new Postgres({ connectionString: environment['DATABASE_URL'] });
  await db.connect();
  await db.query(`
    INSERT INTO plans (id, name, currency, amount, interval_unit, interval_count)
    VALUES ('plan_sleeping', 'Sleeping', 'EUR', 1000, 'year', 1);
    INSERT INTO customers (id) VALUES ('cus_sleeping')`);
  await db.query(
    `INSERT INTO subscriptions (id, version, customer_id, plan_id, quantity, status, currency, amount, interval_unit,
       interval_count, time_zone, billing_anchor, start_at, period_index, period_start, period_end, period_paid,
       next_due_at)
     SELECT 'sub_sleeping_' || n, 1, 'cus_sleeping', 'plan_sleeping', 1, 'active', 'EUR', 1000, 'year', 1, 'UTC',
       now(), now(), 1, now(), now() + interval '1 year', true, now() + interval '1 year'
     FROM generate_series(0, $1::int - 1) AS n`,
    [sleeping],
  );
  await db.end();
}
