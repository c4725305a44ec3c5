/** What the sandbox provider's tokens decide, for every N and every charge number. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { controlPatch } from '../../../providers/sandbox/requests';
import { behaviourOf, knownTokens, type Verdict } from '../../../providers/sandbox/tokens';

function verdictOf(token: string, chargeNumber: number, offSession = true): Verdict {
  const known = behaviourOf(token);
  if (!known) throw new Error(`${token} is not known`);
  return known.behaviour.verdict({ chargeNumber, n: known.n, offSession });
}

const n = fc.integer({ min: 0, max: 9999 });
/** Around the N of the token, where the verdict changes. */
const distance = fc.integer({ min: -3, max: 3 });
const suffix = fc.constantFrom('', '#a1', '#2', '#tok_ok', '##');

test('tok_fail_N_then_ok declines exactly the first N charges', () => {
  fc.assert(
    fc.property(n, distance, suffix, (failures, fromN, end) => {
      const number = Math.max(1, failures + fromN);
      expect(verdictOf(`tok_fail_${failures}_then_ok${end}`, number)).toEqual(
        number <= failures ? { status: 'failed', code: 'insufficient_funds' } : { status: 'succeeded' },
      );
    }),
  );
});

test('tok_ok_then_fail_N takes the first charge, declines the next N, then takes again', () => {
  fc.assert(
    fc.property(n, distance, suffix, (failures, fromN, end) => {
      const number = Math.max(1, failures + fromN);
      const isDeclined = number >= 2 && number <= failures + 1;
      expect(verdictOf(`tok_ok_then_fail_${failures}${end}`, number)).toEqual(
        isDeclined ? { status: 'failed', code: 'insufficient_funds' } : { status: 'succeeded' },
      );
    }),
  );
});

test('only tokens whose verdict depends on the charge number are counted', () => {
  const dependsOnNumber = knownTokens.filter((name) => {
    const token = name.replace('_N', '_2');
    const verdicts = [1, 2, 3, 4, 5].map((number) => JSON.stringify(verdictOf(token, number)));
    return new Set(verdicts).size > 1;
  });
  const counted = knownTokens.filter(
    (name) => behaviourOf(name.replace('_N', '_2'))?.behaviour.countsCharges,
  );

  expect(counted).toEqual(dependsOnNumber);
});

test.each([
  ['tok_insufficient_funds', 'insufficient_funds'],
  ['tok_do_not_honor', 'do_not_honor'],
  ['tok_expired_card', 'expired_card'],
  ['tok_stolen', 'stolen_card'],
  ['tok_processing_error', 'processing_error'],
])('%s is declined every time', (token, code) => {
  for (const number of [1, 2, 100]) expect(verdictOf(token, number)).toEqual({ status: 'failed', code });
});

test('tok_authentication_required asks the customer who is there and is declined without one', () => {
  expect(verdictOf('tok_authentication_required', 1, false)).toEqual({ status: 'requires_action' });
  expect(verdictOf('tok_authentication_required', 1, true)).toEqual({
    status: 'failed',
    code: 'authentication_required',
  });
});

test.each([
  'tok_okay',
  'tok_ok#',
  'tok_ok ',
  'xtok_ok',
  'tok_fail_N_then_ok',
  'tok_fail__then_ok',
  'tok_fail_-1_then_ok',
  'tok_fail_10000_then_ok',
  `tok_ok#${'a'.repeat(101)}`,
  '',
])('%j is not a token', (token) => {
  expect(behaviourOf(token)).toBeUndefined();
});

test('docs/sandbox.md names every token and every setting', () => {
  const page = readFileSync('docs/sandbox.md', 'utf8');
  const missing = [...knownTokens, ...Object.keys(controlPatch.shape)].filter(
    (name) => !page.includes(`\`${name}\``),
  );
  expect(missing).toEqual([]);
});
