/**
 * Lives at random over the pure functions of the ledger. After every step the oracle, the sums of the entries and the
 * worth of the service have to agree with the product (`checks.ts`).
 *
 * `LIVES=50000 npx jest test/unit/domain/ledger/random-lives.test.ts` lives more, `LIVES_SEED=7` others.
 */
import { livesWanted } from '../../../support/ledger/lives-wanted';
import { situations } from '../../../support/ledger/moment';
import { operations, reasonAgainst } from '../../../support/ledger/operations';
import { drawLife, LifeFault, randomOf, shortened } from '../../../support/ledger/random-life';
import { enoughHits, pairOf, type Hits } from '../../../support/ledger/steering';

const { count, seed } = livesWanted(2_000);

const hits: Hits = new Map();
const lengths: number[] = [];

/** @throws Error with the shortest story that goes wrong */
function liveAll(): void {
  const random = randomOf(seed);
  for (let life = 1; life <= count; life += 1) {
    try {
      lengths.push(drawLife(random, hits).steps.length);
    } catch (error) {
      if (!(error instanceof LifeFault)) throw error;
      throw new Error(`life ${life} of seed ${seed}:\n${shortened(error).message}`, { cause: error });
    }
  }
}

const pairs = operations.flatMap(({ name }) =>
  situations.map((situation) => ({ name, situation, hits: () => hits.get(pairOf(name, situation)) ?? 0 })),
);

describe('lives at random', () => {
  it('are reckoned to the unit, step by step', () => {
    expect(liveAll).not.toThrow();
  }, 1_200_000);

  it('have 15 steps in the median', () => {
    expect(lengths.toSorted((a, b) => a - b)[Math.floor(lengths.length / 2)]).toBeGreaterThanOrEqual(15);
  });

  it('meet every operation in every situation in which it can be, often enough', () => {
    const rare = pairs.filter(
      ({ name, situation, hits: found }) => reasonAgainst(name, situation) === null && found() < enoughHits,
    );
    expect(rare.map(({ name, situation, hits: found }) => `${pairOf(name, situation)}: ${found()}`)).toEqual(
      [],
    );
  });

  it('meet no pair that cannot be', () => {
    const met = pairs.filter(
      ({ name, situation, hits: found }) => reasonAgainst(name, situation) !== null && found() > 0,
    );
    expect(met.map(({ name, situation }) => pairOf(name, situation))).toEqual([]);
  });
});
