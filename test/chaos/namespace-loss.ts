/**
 * Every process of Temporal's is lost at once, amid renewals and creations.
 *
 * Owns: the moments. Each loss has subscriptions of its own: some fall due together and are held at a step, and when
 * so many have got there as the seed says, everything is lost; the others fall due when nobody is there to hear it.
 * Invariants: the provider behaves again and Temporal answers when a loss's promise resolves; what was to be lost is
 * gone; that the processes come back is the product's own work.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { WorkflowNotFoundError } from '@temporalio/client';
import { attemptIdempotencyKey, periodPaymentId } from '../../domain/ids';
import { eventually } from '../support/eventually';
import { requireCode, runProgram } from '../support/processes';
import { rows, type Chaos } from './context';
import { placeOrder } from './load';
import { endPeriods } from './payment-traffic';
import { steps, type StepName } from './payment-steps';
import { behave, behaveAgain } from './provider';
import type { Random } from './random';

interface Moment {
  name: string;
  /** How the provider is held while they fall due. */
  held: Readonly<Record<string, number | boolean>>;
  /** Where they gather; null: they are renewed, one after the other. */
  gatherAt: StepName | null;
  /** So many of them at most. */
  most: number;
}

const cohort = 12;
const fallDue = 8;
const ordersInFlight = 4;
const gatherWithinMs = 60_000;

/** In turn, so that a few losses have met each. */
const moments: readonly Moment[] = [
  {
    name: 'after the charge',
    // A webhook would record it.
    held: { hold_answers: true, hold_webhooks: true },
    gatherAt: 'charged, not recorded yet',
    most: fallDue - 1,
  },
  {
    name: 'before the charge',
    held: { latency_ms: 2_500 },
    gatherAt: 'attempt begun, not charged yet',
    most: fallDue - 1,
  },
  // Renewals take a moment: more would mostly be all.
  { name: 'as they are renewed', held: {}, gatherAt: null, most: fallDue / 2 },
];

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
  const moment = moments[figures.count('losses of every workflow') % moments.length] as Moment;
  const enough = random.int(1, moment.most);
  chaos.report(`    ${moment.name}: ${enough} of ${fallDue}`);
  const { due, asleep } = await subscribed(chaos);
  const orders: Promise<string>[] = [];
  await behave(chaos, moment.held);
  try {
    for (let order = 0; order < ordersInFlight; order += 1) {
      orders.push(placeOrder(chaos, random.weighted(chaos.tokens)));
    }
    await endPeriods(chaos, due);
    const look = async () => (await reached(chaos, moment, due)) >= enough;
    await eventually('renewals to gather', look, { timeoutMs: gatherWithinMs, everyMs: 20 }).catch(() =>
      figures.add('losses of every workflow: too few came'),
    );
    const renewed = await reached(chaos, { gatherAt: null }, due);
    figures.note('renewals not finished when every workflow was lost', fallDue - renewed);
    await lose(chaos);
    figures.add('losses of every workflow');
    figures.add(`losses of every workflow: ${how}`);
    figures.add(`losses of every workflow: ${moment.name}`);
  } finally {
    await behaveAgain(chaos);
    await Promise.allSettled(orders);
  }
  await endPeriods(chaos, asleep);
  await Promise.all(orders);
}

/** Paid subscriptions that no other load touches. */
async function subscribed(chaos: Chaos): Promise<{ due: string[]; asleep: string[] }> {
  const ids = await Promise.all(Array.from({ length: cohort }, () => placeOrder(chaos, 'tok_ok')));
  for (const id of ids) chaos.reserved.add(id);
  const paid = async () =>
    (await rows(chaos, `SELECT 1 AS one FROM subscriptions WHERE id = ANY($1) AND period_paid`, [ids]))
      .length === cohort;
  await eventually('the first periods to be paid', paid, { timeoutMs: 300_000 });
  return { due: ids.slice(0, fallDue), asleep: ids.slice(fallDue) };
}

/** How many have got there. */
async function reached(chaos: Chaos, { gatherAt }: Pick<Moment, 'gatherAt'>, due: string[]): Promise<number> {
  if (gatherAt !== null) {
    const keys = new Set(await steps[gatherAt].ids(chaos, { at: new Date(), shards: [] }));
    return due.filter((id) => keys.has(attemptIdempotencyKey(periodPaymentId(id, 2), 1))).length;
  }
  const renewed = await rows(
    chaos,
    'SELECT 1 AS one FROM subscriptions WHERE id = ANY($1) AND period_paid AND next_due_at > now()',
    [due],
  );
  return renewed.length;
}

async function emptied({ its: { system } }: Chaos): Promise<void> {
  const { temporal, dir } = system.platform;
  await temporal.kill();
  const file = join(dir, 'temporal', 'dev.db');
  rmSync(file);
  for (const suffix of ['-shm', '-wal']) rmSync(`${file}${suffix}`, { force: true });
  await temporal.start();
  requireCode(await runProgram('bin/migrate.js', system.environment), 0);
}

/** Whatever runs at that moment; what is started meanwhile is part of the coming back. */
async function terminated({ temporal, terminatedRuns, figures }: Chaos): Promise<void> {
  const running: { workflowId: string; runId: string }[] = [];
  for await (const { workflowId, runId } of temporal.workflow.list({
    query: `ExecutionStatus = 'Running'`,
  })) {
    running.push({ workflowId, runId });
  }
  const end = async ({ workflowId, runId }: { workflowId: string; runId: string }) => {
    try {
      await temporal.workflow.getHandle(workflowId, runId).terminate('a fault test');
      terminatedRuns.add(runId);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  };
  await Promise.all(running.map(end));
  figures.add('workflows terminated', terminatedRuns.size - figures.count('workflows terminated'));
}

/** Moments at which nothing was lost. */
export const unmetMoments = ({ figures }: Chaos): string[] =>
  moments.map(({ name }) => name).filter((name) => figures.count(`losses of every workflow: ${name}`) === 0);

/** So many losses meet every moment. */
export const enoughLosses = moments.length;
