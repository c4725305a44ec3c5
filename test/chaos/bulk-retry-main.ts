/**
 * `npm run chaos:bulk-retry`: a bulk retry whose worker is killed again and again, and that each payment is tried once.
 *
 * Exit codes: 0 no violation; 1 violations, or it could not be run to its end; 2 wrong arguments.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { TestSystem } from '../support/system';
import { runBulkRetry } from './bulk-retry';
import { openChaos } from './context';
import { randomFrom } from './random';

const usage = `usage: npm run chaos:bulk-retry -- [--seed N] [--payments N] [--kills N] [--rate N]

  --seed N      repeat the plan of an earlier run   (default: a random one, printed)
  --payments N  that failed                         (default: 2000)
  --kills N     of the worker                       (default: 5)
  --rate N      payments handed over in a second    (default: 25)`;

const overWithinMs = 20 * 60_000;

interface Wanted {
  seed: number;
  payments: number;
  kills: number;
  rate: number;
}

function wanted(): Wanted | undefined {
  try {
    const text = { type: 'string' as const };
    const { values } = parseArgs({ options: { seed: text, payments: text, kills: text, rate: text } });
    const number = (given: string | undefined, otherwise: number): number => {
      if (given === undefined) return otherwise;
      if (!/^\d{1,9}$/.test(given)) throw new Error(`${given} is not a whole number`);
      return Number(given);
    };
    return {
      seed: number(values.seed, randomInt(1_000_000)),
      payments: number(values.payments, 2_000),
      kills: number(values.kills, 5),
      rate: number(values.rate, 25),
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}\n`);
    return undefined;
  }
}

const beganMs = performance.now();
const say = (line: string): void =>
  void process.stdout.write(`${((performance.now() - beganMs) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);

async function run({ seed, payments, kills, rate: ratePerSecond }: Wanted): Promise<number> {
  say(`seed ${seed}: ${payments} payments, ${kills} kills, ${ratePerSecond} a second`);
  const its = await TestSystem.start(['sandbox', 'api', 'worker', 'bridge'], { LOG_LEVEL: 'warn' });
  try {
    const chaos = await openChaos(its, randomFrom(seed), [], say);
    const settings = { payments, kills, ratePerSecond, overWithinMs };
    const violations = await runBulkRetry(chaos, settings, 'bulk').finally(() => chaos.close());
    for (const line of chaos.figures.lines()) say(line);
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
