/**
 * `make chaos`: faults at random moments on a whole system, and what has to hold afterwards.
 *
 * Exit codes: 0 no violation; 1 violations, or it could not be run to its end; 2 wrong arguments.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { TestSystem } from '../support/system';
import { openChaos, processes, type Chaos } from './context';
import { cancellations, eventLoads, paymentLoads } from './load';
import { unmetSteps } from './payment-kills';
import { randomFrom } from './random';
import { silenceReplays } from './replay';
import { rewindAll } from './rewind';
import { runRound, type RoundSettings } from './round';

const usage = `usage: npm run chaos -- [--seed N] [--rounds N] [--kills N] [--payment-kills N]

  --seed N           repeat the plan of an earlier run; CHAOS_SEED does the same   (default: a random one, printed)
  --rounds N         of events: load, faults, quiet and judgement, so often        (default: 2)
  --kills N          of a bridge in each of them                                   (default: 10)
  --payment-kills N  amid payments, in a round of their own; 0: none               (default: 20)`;

/** The last lookup that settles what was lost is 15 minutes after the attempt began. */
const quietWithinMs = 25 * 60_000;
/** So many kills meet every step of an attempt. */
const enoughKills = 20;

/** Most payments settle at once; some need a lookup after a minute or more. */
const tokens = [
  ['tok_ok', 12],
  ['tok_insufficient_funds', 2],
  ['tok_expired_card', 1],
  ['tok_processing_error', 1],
  ['tok_lost_answer_ok', 2],
  ['tok_http_500_then_ok', 1],
  ['tok_rate_limited_then_ok', 1],
  ['tok_pending_then_ok', 1],
  ['tok_pending_then_fail', 1],
  ['tok_lost_answers_ok', 1],
  ['tok_slow_ok', 1],
] as const;

interface Wanted {
  seed: number;
  rounds: number;
  kills: number;
  paymentKills: number;
}

function wanted(): Wanted | undefined {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string' },
        rounds: { type: 'string' },
        kills: { type: 'string' },
        'payment-kills': { type: 'string' },
      },
    });
    const number = (text: string | undefined, otherwise: number): number => {
      if (text === undefined || text === '') return otherwise;
      if (!/^\d{1,9}$/.test(text)) throw new Error(`${text} is not a whole number`);
      return Number(text);
    };
    return {
      seed: number(values.seed ?? process.env['CHAOS_SEED'], randomInt(1_000_000)),
      rounds: number(values.rounds, 2),
      kills: number(values.kills, 10),
      paymentKills: number(values['payment-kills'], 20),
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}\n`);
    return undefined;
  }
}

const beganMs = performance.now();
const say = (line: string): void =>
  void process.stdout.write(`${((performance.now() - beganMs) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);

function eventRound(kills: number): RoundSettings {
  const plan = {
    'bridge killed': kills,
    'Kafka away': 1,
    'worker killed': 1,
    'API killed': 1,
    'provider killed': 1,
  };
  return { loads: eventLoads, plan, kafkaAwayMs: 60_000, quietWithinMs, replays: 100 };
}

function paymentRound(kills: number): RoundSettings {
  const plan = {
    'kill amid payments': kills,
    'provider killed': 1,
    'PostgreSQL killed': 1,
    'Temporal killed': 1,
  };
  return { loads: [...paymentLoads, cancellations], plan, kafkaAwayMs: 0, quietWithinMs, replays: 100 };
}

async function runRounds(chaos: Chaos, { rounds, kills, paymentKills }: Wanted): Promise<string[]> {
  for (let round = 1; round <= rounds; round += 1) {
    const violations = await runRound(chaos, eventRound(kills), `round ${round}`);
    if (round === rounds && violations.length === 0) violations.push(...(await rewind(chaos)));
    if (violations.length > 0) return violations;
  }
  if (paymentKills === 0) return [];
  const violations = await runRound(chaos, paymentRound(paymentKills), 'payments');
  const unmet = paymentKills >= enoughKills ? unmetSteps(chaos) : [];
  return [...violations, ...unmet.map((step) => `no kill met a payment here: ${step}`)];
}

async function rewind(chaos: Chaos): Promise<string[]> {
  chaos.say('every group is set back to offset 0');
  const { records, changes } = await rewindAll(chaos, quietWithinMs);
  chaos.figures.add('records read again after rewinding', records);
  return changes.map((change) => `rewinding changes nothing: ${change}`);
}

async function run(asked: Wanted): Promise<number> {
  const { seed, rounds, kills, paymentKills } = asked;
  const again = `--rounds ${rounds} --kills ${kills} --payment-kills ${paymentKills}`;
  say(`seed ${seed}: CHAOS_SEED=${seed} npm run chaos -- ${again}`);
  silenceReplays();
  const its = await TestSystem.start(processes, { LOG_LEVEL: 'warn' });
  try {
    const chaos = await openChaos(its, randomFrom(seed), tokens, say);
    let violations: string[] = [];
    try {
      violations = await runRounds(chaos, asked);
    } finally {
      say(`figures of seed ${seed}`);
      for (const line of chaos.figures.lines()) say(line);
      await chaos.close();
    }
    say(`${violations.length} violations`);
    for (const violation of violations.slice(0, 100)) say(`  ${violation}`);
    return violations.length === 0 ? 0 : 1;
  } finally {
    await its.close();
  }
}

const asked = wanted();
if (asked === undefined) process.exit(2);
run(asked).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
