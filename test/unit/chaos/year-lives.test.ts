/** The lives of `npm run chaos:year`: what a seed draws. */
import { randomFrom } from '../../chaos/random';
import { actionKinds, daysOfYear, drawLives, instantsOf } from '../../chaos/year/life';

const lives = (seed: number, count = 200, most?: number) => drawLives(randomFrom(seed), count, most);

test('a seed draws the same lives again, another seed others, and more lives leave the first as they are', () => {
  expect(lives(1)).toEqual(lives(1));
  expect(lives(1)).not.toEqual(lives(2));
  expect(lives(1, 6)).toEqual(lives(1).slice(0, 6));
});

test('two hundred lives have every action, plan, fate of a webhook, and policy', () => {
  const drawn = lives(1);
  const kinds = drawn.flatMap(({ steps }) => steps.map(({ action }) => action.kind));
  expect(new Set(kinds)).toEqual(new Set(actionKinds));
  expect(new Set(drawn.map(({ plan }) => plan)).size).toBe(6);
  expect(new Set(drawn.map(({ policy }) => policy)).size).toBe(5);
  const fates = drawn.flatMap(({ webhooks }) => webhooks.map(([fate]) => fate));
  expect(new Set(fates)).toEqual(new Set(['delivered', 'lost', 'late', 'twice']));
});

test.each([60, 8])(
  'the steps of a life, at most %i, stand in order and end days before its year does',
  (most) => {
    for (const life of lives(3, 200, most)) {
      const { steps, end } = instantsOf(life);
      expect(steps).toEqual(steps.toSorted((a, b) => a - b));
      expect(end - Date.parse(life.begins)).toBe(daysOfYear * 86_400_000);
      expect(end - (steps.at(-1) ?? 0)).toBeGreaterThan(2 * 86_400_000);
      expect(steps.length).toBeLessThanOrEqual(most);
    }
  },
);
