/**
 * `make chaos`: faults at random moments on a whole system, and what has to hold afterwards.
 *
 * Exit codes: those of every fault test.
 */
import { processes, type Chaos } from './context';
import { runFaultTest, type Asked } from './fault-test';
import { cancellations, eventLoads, moneyLoads, paymentLoads } from './load';
import { fewOf } from './money-back-traffic';
import { enoughLosses, unmetMoments } from './namespace-loss';
import { unmetSteps } from './payment-kills';
import { rewindAll } from './rewind';
import { runRound, type RoundSettings } from './round';

const usage = `usage: npm run chaos -- [--seed N] [--rounds N] [--kills N] [--payment-kills N] [--losses N]

  --seed N           repeat the plan of an earlier run; CHAOS_SEED does the same   (default: a random one, printed)
  --rounds N         of events: load, faults, quiet and judgement, so often        (default: 2)
  --kills N          of a bridge in each of them                                   (default: 10)
  --payment-kills N  amid payments, in a round of their own; 0: none               (default: 20)
  --losses N         of every workflow, amid renewals; 0: none                      (default: 4)`;

/** The last lookup that settles what was lost is 15 minutes after the attempt began. */
const idleWithinMs = 25 * 60_000;
/** So many kills meet every step of an attempt. */
const enoughKills = 20;
/** So many of each way in which money goes back, while they happen. */
const enoughMoneyBack = 50;

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

function eventRound(kills: number): RoundSettings {
  const plan = {
    'bridge killed': kills,
    'Kafka away': 1,
    'worker killed': 1,
    'API killed': 1,
    'provider killed': 1,
  };
  return { loads: eventLoads, plan, kafkaDownMs: 60_000, idleWithinMs, replays: 100 };
}

function paymentRound(kills: number): RoundSettings {
  const plan = {
    'kill amid payments': kills,
    'provider killed': 1,
    'PostgreSQL killed': 1,
    'Temporal killed': 1,
  };
  const lacks = (chaos: Chaos) => fewOf(chaos, kills >= enoughKills ? enoughMoneyBack : 1);
  const loads = [...paymentLoads, ...moneyLoads, cancellations];
  return { loads, plan, kafkaDownMs: 0, idleWithinMs, replays: 100, lacks };
}

/** Half of them take Temporal's data along. */
function lossRound(losses: number): RoundSettings {
  const plan = { 'Temporal emptied': Math.ceil(losses / 2), 'workflows terminated': Math.floor(losses / 2) };
  return { loads: paymentLoads, plan, kafkaDownMs: 0, idleWithinMs, replays: 100 };
}

type Options = 'rounds' | 'kills' | 'payment-kills' | 'losses';

async function runRounds(
  chaos: Chaos,
  { rounds, kills, 'payment-kills': paymentKills, losses }: Asked<Options>,
): Promise<string[]> {
  for (let round = 1; round <= rounds; round += 1) {
    const violations = await runRound(chaos, eventRound(kills), `round ${round}`);
    if (round === rounds && violations.length === 0) violations.push(...(await rewind(chaos)));
    if (violations.length > 0) return violations;
  }
  if (losses > 0) {
    const violations = await runRound(chaos, lossRound(losses), 'losses');
    const unmet = losses >= enoughLosses ? unmetMoments(chaos) : [];
    violations.push(...unmet.map((moment) => `nothing was lost ${moment}`));
    if (violations.length > 0) return violations;
  }
  if (paymentKills === 0) return [];
  const violations = await runRound(chaos, paymentRound(paymentKills), 'payments');
  if (violations.length === 0) violations.push(...(await rewind(chaos)));
  if (paymentKills < enoughKills) return violations;
  return [
    ...violations,
    ...unmetSteps(chaos).map((step) => `no kill met a payment here: ${step}`),
    ...fewOf(chaos, enoughMoneyBack).map((few) => `too little money went back: ${few}`),
  ];
}

async function rewind(chaos: Chaos): Promise<string[]> {
  chaos.report('every group is set back to offset 0');
  const { records, changes } = await rewindAll(chaos, idleWithinMs);
  chaos.figures.add('records read again after rewinding', records);
  return changes.map((change) => `rewinding changes nothing: ${change}`);
}

runFaultTest({
  usage,
  defaults: { rounds: 2, kills: 10, 'payment-kills': 20, losses: 4 },
  processes,
  tokens,
  title: ({ seed, rounds, kills, 'payment-kills': paymentKills, losses }) =>
    `CHAOS_SEED=${seed} npm run chaos -- --rounds ${rounds} --kills ${kills} --payment-kills ${paymentKills} --losses ${losses}`,
  run: runRounds,
});
