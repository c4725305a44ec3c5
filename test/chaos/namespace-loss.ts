/**
 * Every process of Temporal's is lost at once, amid renewals and creations.
 *
 * Owns: the moments. Of the subscriptions that a loss has for itself some fall due together and are held at a step;
 * when so many have got there as the seed says, everything is lost. The others fall due when nobody is there to hear
 * it. Invariant: the provider behaves again and Temporal answers when a loss's promise resolves; that the processes
 * come back is the product's own work.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { attemptIdempotencyKey, periodPaymentId } from '../../domain/ids';
import { eventually } from '../support/eventually';
import { requireCode, runProgram } from '../support/processes';
import { rows, type Chaos } from './context';
import { placeOrder } from './load';
import { endPeriod } from './payment-traffic';
import { steps, type StepName } from './payment-steps';
import { behave, behaveAgain } from './provider';
import type { Random } from './random';

interface Moment {
  name: string;
  /** How the provider is held while they fall due. */
  held: Readonly<Record<string, number | boolean>>;
  /** Where they gather; null: they are renewed, one after the other. */
  gatherAt: StepName | null;
}

const moments: readonly Moment[] = [
  { name: 'as they are renewed', held: {}, gatherAt: null },
  { name: 'before the charge', held: { latency_ms: 2_500 }, gatherAt: 'attempt begun, not charged yet' },
  { name: 'after the charge', held: { hold_answers: true }, gatherAt: 'charged, not recorded yet' },
];

const cohort = 12;
const fallDue = 8;
const ordersInFlight = 4;
/** An earlier loss may still have to be made good. */
const gatherWithinMs = 300_000;

/** Temporal's own data goes, too, as if somebody had deleted the namespace. */
export const emptyTemporal = (chaos: Chaos, random: Random): Promise<void> =>
  loseAmidRenewals(chaos, random, 'emptied', emptied);

/** The histories stay, and what has ended says so. */
export const terminateWorkflows = (chaos: Chaos, random: Random): Promise<void> =>
  loseAmidRenewals(chaos, random, 'terminated', terminated);

async function loseAmidRenewals(
  chaos: Chaos,
  random: Random,
  how: string,
  lose: (chaos: Chaos) => Promise<void>,
): Promise<void> {
  const { figures } = chaos;
  const moment = random.pick(moments);
  const enough = random.int(1, fallDue - 1);
  chaos.say(`    ${moment.name}, ${enough} of ${fallDue}`);
  const ids = await Promise.all(Array.from({ length: cohort }, () => placeOrder(chaos, 'tok_ok')));
  const [due, asleep] = [ids.slice(0, fallDue), ids.slice(fallDue)];
  await behave(chaos, moment.held);
  const orders = Array.from({ length: ordersInFlight }, () =>
    placeOrder(chaos, random.weighted(chaos.tokens)),
  );
  // Awaited below, when more has happened.
  for (const order of orders) order.catch(() => undefined);
  for (const id of due) await endPeriod(chaos, id);
  const look = async () => (await reached(chaos, moment, due)) >= enough;
  await eventually('renewals to gather', look, { timeoutMs: gatherWithinMs, everyMs: 20 });
  const before = await reached(chaos, { gatherAt: null }, due);
  await lose(chaos);
  figures.add(`losses of every workflow: ${how}`);
  figures.note('renewals not finished when every workflow was lost', fallDue - before);
  await behaveAgain(chaos);
  for (const id of asleep) await endPeriod(chaos, id);
  await Promise.all(orders);
}

/** How many have got there. */
async function reached(chaos: Chaos, { gatherAt }: Pick<Moment, 'gatherAt'>, due: string[]): Promise<number> {
  if (gatherAt !== null) {
    const keys = new Set(await steps[gatherAt].ids(chaos, { at: new Date(), shards: [] }));
    return due.filter((id) => keys.has(attemptIdempotencyKey(periodPaymentId(id, 2), 1))).length;
  }
  const paid = await rows(
    chaos,
    'SELECT id FROM subscriptions WHERE id = ANY($1) AND period_paid AND next_due_at > now()',
    [due],
  );
  return paid.length;
}

async function emptied({ its: { system } }: Chaos): Promise<void> {
  const { temporal, dir } = system.platform;
  await temporal.kill();
  for (const file of ['dev.db', 'dev.db-shm', 'dev.db-wal'])
    rmSync(join(dir, 'temporal', file), { force: true });
  await temporal.start();
  requireCode(await runProgram('bin/migrate.js', system.environment), 0);
}

/** Whatever runs at that moment; what is started meanwhile is part of the coming back. */
async function terminated({ temporal, terminatedRuns }: Chaos): Promise<void> {
  const running = [];
  for await (const { workflowId, runId } of temporal.workflow.list({
    query: `ExecutionStatus = 'Running'`,
  })) {
    running.push({ workflowId, runId });
  }
  const end = async ({ workflowId, runId }: { workflowId: string; runId: string }) => {
    terminatedRuns.add(runId);
    // It may have ended by itself.
    await temporal.workflow
      .getHandle(workflowId, runId)
      .terminate('a fault test')
      .catch(() => undefined);
  };
  await Promise.all(running.map(end));
}
