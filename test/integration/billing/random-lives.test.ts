/**
 * Lives at random on PostgreSQL: what the pure lives do (`test/unit/domain/ledger/random-lives.test.ts`) is done by the
 * functions that workflows, consumers and routes call. After every step the ledger's sums are the oracle's figures, to
 * the unit, the rows are what the life says, and cash is what the played provider has.
 * Between the steps requests are made that have to be refused (`lives/refusals.ts`): no row and no entry may move.
 *
 * Of 2,000 lives that are drawn those are played that meet every operation in every situation often enough.
 * `LIVES=2000 npx jest test/integration/billing/random-lives.test.ts` plays all of them, `LIVES_SEED=7` others.
 */
import { useBilling } from '../../support/billing';
import { livesWanted } from '../../support/ledger/lives-wanted';
import { drawLife, randomOf, type Plan } from '../../support/ledger/random-life';
import type { Hits } from '../../support/ledger/steering';
import { chooseLives, missingPairs } from '../../support/lives/choose-lives';
import { PlayedProvider } from '../../support/lives/played-provider';
import { seedPlans } from '../../support/lives/plans';
import { playLives } from '../../support/lives/play-lives';
import { missingWays, type Ways } from '../../support/lives/ways';

const { count, seed } = livesWanted(200);
/** How many are drawn at least. */
const drawn = 2_000;

const given = useBilling();
const ways: Ways = new Map();
let plans: Plan[] = [];

function drawLives(): Plan[] {
  const random = randomOf(seed);
  const hits: Hits = new Map();
  return Array.from({ length: Math.max(drawn, count) }, () => drawLife(random, hits));
}

beforeAll(async () => {
  plans = chooseLives(drawLives(), count);
  const steps = plans.reduce((sum, plan) => sum + plan.steps.length, 0);
  process.stderr.write(`${plans.length} lives of ${steps} steps: LIVES=${count} LIVES_SEED=${seed}\n`);
  await seedPlans(given.db);
}, 120_000);

describe('lives at random on PostgreSQL', () => {
  it('come to what the oracle reckons, step by step', async () => {
    await playLives({ db: given.db, provider: new PlayedProvider(), ways }, plans, seed);
  }, 3_600_000);

  it('meet every operation in every situation in which it can be, often enough', () => {
    expect(missingPairs(plans)).toEqual([]);
  });

  it('are played in every way in which the same can happen', () => {
    expect(missingWays(ways)).toEqual([]);
  });
});
