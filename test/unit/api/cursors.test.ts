import fc from 'fast-check';
import {
  decodeCursor,
  decodePosition,
  encodeCursor,
  encodePosition,
  pageBody,
} from '../../../api/http/cursors';
import { ProblemError } from '../../../contracts/problem-error';
import { pageOf } from '../../../prisma/pages';

describe('cursors', () => {
  const place = { created_at: new Date('2027-01-15T12:00:00.123Z'), id: 'sub_01' };

  test('a place survives the way out and back', () => {
    expect(decodeCursor('plans', encodeCursor('plans', place))).toEqual(place);
    expect(decodePosition('periods', encodePosition('periods', 7))).toBe(7);
  });

  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each([
    ['another list', encodeCursor('customers', place)],
    ['a position', encodePosition('plans', 1)],
    ['nothing', ''],
    ['no base64', '***'],
    ['no JSON', Buffer.from('[').toString('base64url')],
    ['no list', encoded({ a: 1 })],
    ['an instant beyond the calendar', encoded(['plans', 9e15, 'a'])],
    ['a fraction', encoded(['plans', 1.5, 'a'])],
    ['an id of another nature', encoded(['plans', 1, { contains: '' }])],
    ['an id with a quote', encoded(['plans', 1, "a' OR 1"])],
  ])('%s is refused', (_name, cursor) => {
    expect(() => decodeCursor('plans', cursor)).toThrow(
      expect.objectContaining({ code: 'malformed_cursor' }),
    );
  });

  test('whatever comes is a place or a refusal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.jsonValue().map(encoded)), (cursor) => {
        const judged = () => {
          try {
            return decodeCursor('plans', cursor).created_at.toISOString();
          } catch (error) {
            return error instanceof ProblemError ? error.code : 'something else';
          }
        };
        expect(judged()).toMatch(/^malformed_cursor$|Z$/);
      }),
    );
  });

  test('the last page has no cursor', () => {
    const rows = [place, { ...place, id: 'sub_02' }];
    expect(
      pageBody(
        'plans',
        pageOf(rows, 2, ({ id }) => id),
      ),
    ).toEqual({
      data: ['sub_01', 'sub_02'],
      next_cursor: null,
    });
    expect(
      pageBody(
        'plans',
        pageOf(rows, 1, ({ id }) => id),
      ).next_cursor,
    ).toBe(encodeCursor('plans', place));
  });
});
