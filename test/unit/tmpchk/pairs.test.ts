import { drawLife, randomOf } from '../../support/ledger/random-life';
import type { Hits } from '../../support/ledger/steering';
import { chooseLives, missingPairs } from '../../support/lives/choose-lives';
it('pairs', () => {
  const random = randomOf(16);
  const hits: Hits = new Map();
  const plans = chooseLives(Array.from({ length: 2000 }, () => drawLife(random, hits)), 200);
  expect(missingPairs(plans)).toEqual([]);
}, 300_000);
