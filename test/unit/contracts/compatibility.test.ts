import { z } from 'zod';
import { breakingChanges } from '../../../contracts/compatibility';
import { jsonSchemas, type JsonSchema } from '../../../contracts/json-schemas';

const schema = (shape: z.ZodType): JsonSchema => z.toJSONSchema(shape, { io: 'input' });
const before = z.object({
  id: z.string(),
  amount: z.int(),
  status: z.enum(['paid', 'failed']),
  reason: z.string().nullable(),
  period: z.object({ start: z.string() }).nullable(),
  lines: z.array(z.object({ text: z.string() })),
});

describe('breakingChanges', () => {
  it.each([
    ['nothing changed', before, []],
    ['an optional field was added', before.extend({ more: z.string().optional() }), []],
    ['an enumeration grew', before.extend({ status: z.enum(['paid', 'failed', 'late']) }), []],
    ['a field was removed', before.omit({ amount: true }), ['amount was removed']],
    ['a field became optional', before.partial({ id: true }), ['id is no longer always there']],
    [
      'a field was retyped',
      before.extend({ amount: z.string() }),
      ['amount may now be string, it was integer'],
    ],
    ['a required field was added', before.extend({ more: z.string() }), ['more became required']],
    ['a value was removed', before.extend({ status: z.enum(['paid']) }), ['status lost "failed"']],
    [
      'a field inside a list was removed',
      before.extend({ lines: z.array(z.object({})) }),
      ['lines[].text was removed'],
    ],
    [
      'a field inside something nullable was removed',
      before.extend({ period: z.object({}).nullable() }),
      ['period.start was removed'],
    ],
    [
      'a field may be null now',
      before.extend({ id: z.string().nullable() }),
      ['id may now be null, it was string'],
    ],
  ])('%s', (_, after, breaks) => {
    expect(breakingChanges(schema(before), schema(after))).toEqual(breaks);
  });

  it('finds nothing between a schema and itself, however its parts refer to one another', () => {
    for (const one of Object.values(jsonSchemas())) expect(breakingChanges(one, one)).toEqual([]);
  });
});
