/**
 * `npm run chaos:year`: a year by test clock over random lives, and that nothing is open without a task at its end.
 *
 * Exit codes: those of every fault test.
 */
import { runFaultTest } from './fault-test';
import { drawLives } from './year/life';
import { PostOffice } from './year/post-office';
import { runYear, yearProcesses } from './year/run';

const usage = `usage: npm run chaos:year -- [--seed N] [--lives N] [--steps N] [--from N]

  --seed N   repeat the lives of an earlier run; CHAOS_SEED does the same   (default: a random one, printed)
  --lives N  customers, each with a test clock                              (default: 200)
  --steps N  of each life at most                                           (default: 14)
  --from N   the number of the first life: the others of a seed are left out (default: 0)`;

async function main(): Promise<void> {
  const office = await PostOffice.open();
  runFaultTest({
    usage,
    defaults: { lives: 200, steps: 14, from: 0 },
    processes: yearProcesses,
    tokens: [],
    environment: { SANDBOX_WEBHOOK_URL: office.url },
    title: ({ seed, lives, steps, from }) =>
      `CHAOS_SEED=${seed} npm run chaos:year -- --lives ${lives} --steps ${steps} --from ${from}`,
    run: (chaos, { lives, steps, from }) =>
      runYear(chaos, office, {
        lives: drawLives(chaos.random, from + lives, steps).slice(from),
        arrivesWithinMs: 5 * 60_000,
        replays: 200,
      }),
  });
}

void main();
