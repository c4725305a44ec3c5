/** Small parts, each by its rule: card numbers, request hashes, field paths, what a log may hold. */
import fc from 'fast-check';
import { z } from 'zod';
import { holdsCardNumber, valueHoldsCardNumber } from '../../../contracts/card-numbers';
import { isDatabaseUnavailable } from '../../../billing/database-unavailable';
import { describeError, scrubbed } from '../../../api/http/logging';
import { problemTexts } from '../../../api/http/problem-texts';
import { ProblemError } from '../../../contracts/problem-error';
import { problemBody, problemHeaders, toProblem } from '../../../api/http/problems';
import { canonicalJson, requestHash } from '../../../access/request-hash';
import { readQuery } from '../../../api/http/query';
import { fieldPath, validated } from '../../../contracts/validation';
import { problem, problems, type ProblemCode } from '../../../contracts/problems';

describe('card numbers', () => {
  test.each([
    ['4242424242424242', true],
    ['4242-4242-4242-4242', true],
    ['4242 4242 4242 4242', true],
    ['tok_4242424242424242#a1', true],
    ['12 4242 4242 4242 4242', true],
    ['4242424242424242 12 34', true],
    ['6304000000000000', true],
    ['4242424242424241', false],
    ['42424242424', false],
    ['tok_ok', false],
    ['4242_4242_4242_4242', false],
    ['', false],
  ])('%j: %s', (text, expected) => expect(holdsCardNumber(text)).toBe(expected));

  /** Luhn's check as the textbook has it. */
  const passesLuhn = (number: string) => {
    const weights = Array.from(number)
      .toReversed()
      .map((digit, at) => Number(digit) * (at % 2 === 0 ? 1 : 2));
    return weights.reduce((sum, weight) => sum + (weight > 9 ? weight - 9 : weight), 0) % 10 === 0;
  };
  const digits = fc
    .array(fc.integer({ min: 0, max: 9 }), { minLength: 11, maxLength: 22 })
    .map((all) => all.join(''));

  test('a number is one when it has 12 to 19 digits and the textbook’s check holds', () => {
    fc.assert(
      fc.property(digits, fc.stringMatching(/^[a-z_]{0,9}$/), (number, around) => {
        const expected = number.length >= 12 && number.length <= 19 && passesLuhn(number);
        expect(holdsCardNumber(`${around}${number}${around}`)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test('groups are read together, whichever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^\d{1,8}$/), { minLength: 1, maxLength: 6 }), (groups) => {
        const expected = groups.some((_, from) =>
          groups.slice(from).some((_last, more) => {
            const number = groups.slice(from, from + more + 1).join('');
            return number.length >= 12 && number.length <= 19 && passesLuhn(number);
          }),
        );
        expect(holdsCardNumber(groups.join('-'))).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  // Were the work to grow with the square of the length, this would outlast any test.
  test('a very long run of groups is judged, too', () => {
    expect(holdsCardNumber('1 '.repeat(120_000))).toBe(false);
    expect(holdsCardNumber('0000000000000000000000001-'.repeat(10_000))).toBe(false);
  });

  test('values are searched through and through', () => {
    expect(valueHoldsCardNumber({ a: [{ b: 4242424242424242 }] })).toBe(true);
    expect(valueHoldsCardNumber({ '4242424242424242': null })).toBe(true);
    expect(valueHoldsCardNumber({ a: ['tok_ok', 1, null, true] })).toBe(false);
  });
});

describe('request hashes', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([name, part]) => [name, shuffled(part)]),
    );
  };

  test('the order of names does not matter, anything else does', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        expect(canonicalJson(shuffled(one))).toBe(canonicalJson(one));
        expect(JSON.parse(canonicalJson(one))).toEqual(JSON.parse(JSON.stringify(one)));
        const same = canonicalJson(one) === canonicalJson(other);
        expect(requestHash('POST', '/a', one) === requestHash('POST', '/a', other)).toBe(same);
      }),
    );
  });

  test('the order of a list, the method and the path matter', () => {
    expect(requestHash('POST', '/a', [1, 2])).not.toBe(requestHash('POST', '/a', [2, 1]));
    expect(requestHash('POST', '/a', {})).not.toBe(requestHash('POST', '/b', {}));
    expect(requestHash('POST', '/a', {})).not.toBe(requestHash('PATCH', '/a', {}));
    expect(requestHash('POST', '/a', { n: 1 })).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('validation', () => {
  const schema = z.strictObject({
    name: z.string().max(3),
    list: z.array(z.int('must be a whole number')).optional(),
    free: z.record(z.string().max(2, 'names are at most 2 characters'), z.string()).optional(),
  });
  const errorsOf = (value: unknown) => {
    try {
      validated(schema, value);
      return [];
    } catch (error) {
      return (error as ProblemError).extras.errors;
    }
  };

  test.each([
    [{}, [{ path: 'name', message: 'is required' }]],
    [{ name: null }, [{ path: 'name', message: 'must be of type string' }]],
    [{ name: 'long' }, [{ path: 'name', message: 'must have <=3 characters' }]],
    [{ name: 'a', list: [1, 'x'] }, [{ path: 'list.1', message: 'must be a whole number' }]],
    [{ name: 'a', free: { abc: 'x' } }, [{ path: 'free.abc', message: 'names are at most 2 characters' }]],
    [
      { name: 'a', x: 1, y: 2 },
      [
        { path: 'x', message: 'is not a known field' },
        { path: 'y', message: 'is not a known field' },
      ],
    ],
    [[], [{ path: '', message: 'must be of type object' }]],
    [{ name: 'a' }, []],
  ])('%j', (value, errors) => expect(errorsOf(value)).toEqual(errors));

  test('names that callers made up are bounded and hide card numbers', () => {
    expect(fieldPath(['a', 0, 'b'])).toBe('a.0.b');
    expect(fieldPath(['x'.repeat(5_000)]).length).toBeLessThan(250);
    expect(fieldPath(['metadata', '4242 4242 4242 4242'])).toBe('(hidden)');
  });

  test('queries', () => {
    expect(readQuery('/plans')).toEqual({});
    expect(readQuery('/plans?a=1&b=%20x&c')).toEqual({ a: '1', b: ' x', c: '' });
    expect(readQuery('/plans?a=1&a=2')).toEqual({ a: ['1', '2'] });
    expect(Object.keys(readQuery('/plans?__proto__=1'))).toEqual(['__proto__']);
    expect(() => readQuery('/plans?a=%ff')).toThrow(expect.objectContaining({ code: 'malformed_request' }));
  });
});

describe('problems', () => {
  test('every code of the table makes a body that the contract knows, and has a text', () => {
    for (const code of Object.keys(problems) as ProblemCode[]) {
      const body = problemBody(new ProblemError(code, 'What is wrong.'), 'request-1');
      expect(problem.parse(body)).toEqual(body);
      expect(body).toMatchObject({ type: `/problems/${code}`, status: problems[code].status });
      expect(problemTexts[code].length).toBeGreaterThan(20);
    }
  });

  test('those to be tried again say when', () => {
    for (const code of ['idempotency_key_in_flight', 'too_many_requests', 'unavailable'] as const) {
      expect(problemHeaders(new ProblemError(code, 'Later.'))['Retry-After']).toMatch(/^[1-9]\d*$/);
    }
  });

  test('what nobody foresaw becomes internal and keeps its words to itself', () => {
    for (const thrown of [new Error('secret'), 'secret', null, undefined, { secret: 1 }]) {
      const unexpected = toProblem(thrown);
      expect(unexpected.code).toBe('internal');
      expect(JSON.stringify(problemBody(unexpected, 'r'))).not.toContain('secret');
    }
  });

  test.each([
    ['not reachable', { code: 'P1001' }],
    ['no connection from the pool', { code: 'P2024' }],
    ['no transaction begun', { code: 'P2028' }],
    ['shut down', { code: 'P2010', meta: { driverAdapterError: { cause: { originalCode: '57P01' } } } }],
    ['timed out', { code: 'P2010', meta: { driverAdapterError: { cause: { originalCode: '57014' } } } }],
    [
      'not there',
      { code: 'P2010', meta: { driverAdapterError: { cause: { kind: 'DatabaseNotReachable' } } } },
    ],
    ['shut down, as the driver tells it', { code: '57P01' }],
    ['refused', { code: 'ECONNREFUSED' }],
    ['pool exhausted', { message: 'timeout exceeded when trying to connect' }],
  ])('PostgreSQL %s: unavailable', (_name, fields) => {
    const error = Object.assign(new Error('gone'), fields);
    expect(isDatabaseUnavailable(error)).toBe(true);
    expect(toProblem(error).code).toBe('unavailable');
  });

  test.each([
    ['a unique violation', { code: 'P2002' }],
    [
      'a missing table',
      { code: 'P2021', meta: { driverAdapterError: { cause: { originalCode: '42P01' } } } },
    ],
    [
      'a malformed message',
      { code: 'P2010', meta: { driverAdapterError: { cause: { originalCode: '08P01' } } } },
    ],
    ['an error of another kind', {}],
  ])('%s is our mistake', (_name, fields) => {
    expect(toProblem(Object.assign(new Error('wrong'), fields)).code).toBe('internal');
  });
});

describe('what a log may hold', () => {
  test.each([
    ['mail to ada@example.com now', 'mail to [redacted] now'],
    ['postgresql://me:word@db:5432/x', 'postgresql://[redacted]@db:5432/x'],
    ['key pk_abcdefghijklmnop refused', 'key [redacted] refused'],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer [redacted]'],
    ['card 4242 4242 4242 4242 seen', 'card [redacted] seen'],
    ['subscription sub_01h at 12:00', 'subscription sub_01h at 12:00'],
  ])('%j is written %j', (text, written) => expect(scrubbed(text)).toBe(written));

  test('an error of Prisma is written without the arguments that it quotes', () => {
    class PrismaClientValidationError extends Error {}
    const error = new PrismaClientValidationError(
      'Invalid invocation\n{ data: { email: "ada", token: "tok_x" } }\nArgument `name` is missing.',
    );
    const written = describeError(new Error('outer', { cause: error }));
    expect(written.cause?.message).toBe('Argument `name` is missing.');
    expect(JSON.stringify(written)).not.toMatch(/tok_x/);
  });
});
