import { randomFrom } from '../../chaos/random';

const draws = (seed: number, path: string) => {
  const random = randomFrom(seed).fork(path);
  return Array.from({ length: 20 }, () => random.int(0, 1_000_000));
};

test('a seed and a name give the same numbers again, another of either gives others', () => {
  expect(draws(7, 'faults')).toEqual(draws(7, 'faults'));
  expect(draws(7, 'faults')).not.toEqual(draws(8, 'faults'));
  expect(draws(7, 'faults')).not.toEqual(draws(7, 'load'));
});

test('what one draws changes nothing for another', () => {
  const random = randomFrom(7);
  for (let drawn = 0; drawn < 5; drawn += 1) random.next();
  expect(random.fork('faults').int(0, 1_000_000)).toBe(draws(7, 'faults')[0]);
});

test('choices come as often as their weights say, and every member of a list once in its shuffle', () => {
  const random = randomFrom(1);
  const picked = Array.from({ length: 4_000 }, () =>
    random.weighted([
      ['often', 3],
      ['seldom', 1],
      ['never', 0],
    ]),
  );
  expect(picked.filter((one) => one === 'never')).toEqual([]);
  const share = picked.filter((one) => one === 'often').length / picked.length;
  expect(share).toBeGreaterThan(0.7);
  expect(share).toBeLessThan(0.8);
  expect(random.shuffled([1, 2, 3, 4, 5]).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  expect(() => random.pick([])).toThrow('nothing to pick from');
});
