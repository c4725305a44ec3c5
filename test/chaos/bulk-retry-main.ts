/**
 * `npm run chaos:bulk-retry`: a bulk retry whose worker is killed again and again, and that each payment is tried once.
 *
 * Exit codes: those of every fault test.
 */
import { runBulkRetry } from './bulk-retry';
import { runFaultTest } from './fault-test';

const usage = `usage: npm run chaos:bulk-retry -- [--seed N] [--payments N] [--kills N] [--rate N]

  --seed N      repeat the plan of an earlier run; CHAOS_SEED does the same   (default: a random one, printed)
  --payments N  that failed                                                   (default: 2000)
  --kills N     of the worker                                                 (default: 5)
  --rate N      payments handed over in a second                              (default: 25)`;

const overWithinMs = 20 * 60_000;

runFaultTest({
  usage,
  defaults: { payments: 2_000, kills: 5, rate: 25 },
  processes: ['sandbox', 'api', 'worker', 'bridge'],
  tokens: [],
  title: ({ payments, kills, rate }) => `${payments} payments, ${kills} kills, ${rate} a second`,
  run: (chaos, { payments, kills, rate: ratePerSecond }) =>
    runBulkRetry(chaos, { payments, kills, ratePerSecond, overWithinMs }, 'bulk'),
});
