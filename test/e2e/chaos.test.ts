/** Short rounds of the fault tests, always the same plan: processes, workflows and a broker that die; a bulk retry. */
import { runBulkRetry } from '../chaos/bulk-retry';
import { openChaos, processes, type Chaos } from '../chaos/context';
import { eventLoads, moneyLoads, paymentLoads } from '../chaos/load';
import { fewOf } from '../chaos/money-back-traffic';
import { randomFrom } from '../chaos/random';
import { runRound } from '../chaos/round';
import { TestSystem } from '../support/system';

jest.setTimeout(600_000);

const seed = 4;
/** All of them settle within seconds. */
const tokens = [
  ['tok_ok', 4],
  ['tok_insufficient_funds', 1],
  ['tok_lost_answer_ok', 1],
  ['tok_http_500_then_ok', 1],
] as const;

let its: TestSystem;
let chaos: Chaos;
beforeAll(async () => {
  its = await TestSystem.start(processes, {
    LOG_LEVEL: 'warn',
    RECONCILE_EVERY_SECONDS: '10',
    RECONCILE_AFTER_SECONDS: '15',
    LOOKUP_AFTER_SECONDS: '15',
  });
  chaos = await openChaos(its, randomFrom(seed), tokens, () => undefined);
});
afterAll(async () => {
  await chaos?.close();
  await its?.close();
});

test(`worker and bridges killed amid payments (seed ${seed}): each is paid once and told once, none stays open, the ledger holds`, async () => {
  const plan = { 'kill amid payments': 2 };
  const loads = [...paymentLoads, ...moneyLoads];
  const lacks = (of: Chaos) => fewOf(of, 1);
  const settings = { loads, plan, kafkaDownMs: 0, idleWithinMs: 300_000, replays: 10, lacks };
  expect(await runRound(chaos, settings, 'payments')).toEqual([]);
  expect(fewOf(chaos, 1)).toEqual([]);
  expect(chaos.figures.count('kills amid payments')).toBe(2);
  expect(chaos.figures.count('crash points of payments: charged, not recorded yet')).toBeGreaterThan(0);
});

test(`every workflow lost amid renewals, twice (seed ${seed}): nothing is charged twice, nothing is skipped`, async () => {
  const plan = { 'workflows terminated': 1, 'Temporal emptied': 1 };
  const settings = { loads: paymentLoads, plan, kafkaDownMs: 0, idleWithinMs: 400_000, replays: 10 };
  expect(await runRound(chaos, settings, 'losses')).toEqual([]);
  expect(chaos.figures.count('losses of every workflow: after the charge')).toBe(1);
  expect(chaos.figures.count('losses of every workflow: terminated')).toBe(1);
  expect(chaos.figures.count('losses of every workflow: emptied')).toBe(1);
  expect(chaos.figures.count('losses of every workflow: too few came')).toBe(0);
});

test(`bridges and Kafka killed under load (seed ${seed}): all arrives, in order, with effect once`, async () => {
  const settings = {
    loads: eventLoads,
    plan: { 'bridge killed': 2, 'Kafka away': 1 },
    kafkaDownMs: 3_000,
    idleWithinMs: 300_000,
    replays: 10,
  };
  expect(await runRound(chaos, settings, 'round')).toEqual([]);
  expect(chaos.figures.count('kills of a bridge')).toBe(2);
  expect(chaos.figures.count('dead letters')).toBeGreaterThan(0);
  expect(chaos.figures.count('charges at the provider')).toBeGreaterThan(0);
});

test(`a bulk retry whose worker is killed (seed ${seed}): each payment is tried once`, async () => {
  const settings = { payments: 60, kills: 1, ratePerSecond: 20, overWithinMs: 240_000 };
  expect(await runBulkRetry(chaos, settings, 'bulk')).toEqual([]);
  expect(chaos.figures.count('charges of the bulk retry at the provider')).toBe(60);
});
