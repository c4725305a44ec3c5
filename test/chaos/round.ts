/**
 * One round: load, faults in a random order, quiet, and then everything has to hold.
 *
 * Owns: the order of these. Invariants: the plan follows from the seed alone; what is in hand when the load stops is
 * finished before quiet is waited for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import type { Chaos } from './context';
import { gatherFacts, type Facts } from './facts';
import { faults, type FaultName, type FaultSettings } from './faults';
import { violationsOf } from './invariants';
import { startLoad, type Load } from './load';
import { untilIdle } from './quiet';
import { replayFailures } from './replay';
import { supervise } from './supervisor';

export interface RoundSettings extends FaultSettings {
  loads: readonly Load[];
  /** How often each fault happens. */
  plan: Readonly<Partial<Record<FaultName, number>>>;
  idleWithinMs: number;
  /** What the load still has too little of when the faults are over: it goes on for that, for a while. */
  lacks?(chaos: Chaos): readonly string[];
  /** Histories to replay, picked at random. */
  replays: number;
}

/** What is told of late, after its cause: a workflow's end, the visibility of it. */
const settleWithinMs = 60_000;
const loadsOnForMs = 5 * 60_000;

/** @returns the violations, one line each */
export async function runRound(chaos: Chaos, settings: RoundSettings, name: string): Promise<string[]> {
  const random = chaos.random.fork(`${name}/faults`);
  const plan = random.shuffled(
    Object.entries(settings.plan).flatMap(([fault, times]) => Array.from({ length: times }, () => fault)),
  );
  chaos.report(`${name}: ${plan.join(', ')}`);
  const supervisor = supervise(chaos);
  try {
    const load = startLoad(chaos, settings.loads, name);
    try {
      for (const planned of plan) {
        await sleep(random.int(500, 2_000));
        chaos.report(`  ${planned}`);
        await faults.find((fault) => fault.name === planned)?.inject(chaos, random, settings);
      }
      await untilEnough(chaos, settings);
    } finally {
      await load.stop();
    }
    const stoppedMs = performance.now();
    chaos.report('  the load has stopped');
    await untilIdle(chaos, settings.idleWithinMs);
    chaos.figures.note('quiet after the load, ms', performance.now() - stoppedMs);
  } finally {
    await supervisor.stop();
  }
  return judge(chaos, settings.replays, name);
}

/** Whoever runs the round judges what there is in the end. */
async function untilEnough(chaos: Chaos, { lacks }: RoundSettings): Promise<void> {
  if (lacks === undefined) return;
  const look = () => Promise.resolve(lacks(chaos).length === 0);
  await eventually('enough load', look, { timeoutMs: loadsOnForMs, everyMs: 500 }).catch(() => undefined);
}

/** What is violated for a moment only is asked again; what is wrong stays wrong. @param judged by what */
export async function judge(
  chaos: Chaos,
  replays: number,
  name: string,
  judged: (facts: Facts) => string[] | Promise<string[]> = (facts) => violationsOf(facts),
): Promise<string[]> {
  const deadlineMs = performance.now() + settleWithinMs;
  for (;;) {
    const facts = await gatherFacts(chaos);
    const violations = await judged(facts);
    if (violations.length > 0 && performance.now() < deadlineMs) {
      await sleep(1_000);
      continue;
    }
    noteFacts(chaos, facts);
    const sample = chaos.random.fork(`${name}/replays`).shuffled(facts.workflows).slice(0, replays);
    return [...violations, ...(await replayFailures(chaos, sample))];
  }
}

function noteFacts({ figures }: Chaos, facts: Facts): void {
  const events = facts.records
    .filter(({ event }) => event !== null)
    .map(({ topic, event }) => `${topic} ${event?.id}`);
  const sizes = {
    'rows of the outbox': facts.outbox.length,
    'records on the topics': facts.records.length,
    'records that are repeats': events.length - new Set(events).size,
    'dead letters': facts.letters.length,
    subscriptions: facts.subscriptions.length,
    periods: facts.periods.length,
    'transactions of the ledger': facts.ledger.transactions.length,
    'charges at the provider': facts.charges.length,
    'payments outside of periods': facts.payments.filter(({ kind }) => kind === 'manual').length,
    'payments of renewals': facts.payments.filter(({ kind }) => kind === 'renewal').length,
    'attempts at payments': facts.attempts.length,
    'webhooks taken': facts.deliveries.length,
  };
  for (const [name, size] of Object.entries(sizes)) figures.add(name, size - figures.count(name));
}
