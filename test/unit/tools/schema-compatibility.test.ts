import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { breakingChanges, brokenReaders } from '../../../dev/tools/schema-compatibility';
import { jsonSchemas, type JsonSchema } from '../../../contracts/topics/json-schemas';

const schema = (shape: z.ZodType): JsonSchema => z.toJSONSchema(shape, { io: 'input' });
const before = z.object({
  id: z.string(),
  amount: z.int(),
  status: z.enum(['paid', 'failed']),
  reason: z.string().nullable(),
  period: z.object({ start: z.string() }).nullable(),
  lines: z.array(z.object({ text: z.string() })),
  labels: z.record(z.string(), z.string()),
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
    [
      'a field may be anything now',
      before.extend({ amount: z.unknown(), period: z.unknown() }),
      ['amount may now be anything', 'period may now be anything'],
    ],
    [
      'the values of a map were retyped',
      before.extend({ labels: z.record(z.string(), z.int()) }),
      ['labels.* may now be integer, it was string'],
    ],
    ['the values of a map are what they were', before.extend({ labels: before.shape.labels }), []],
  ])('%s', (_, after, breaks) => {
    expect(breakingChanges(schema(before), schema(after))).toEqual(breaks);
  });

  it('finds nothing between a schema and itself, however its parts refer to one another', () => {
    for (const one of Object.values(jsonSchemas())) expect(breakingChanges(one, one)).toEqual([]);
  });
});

describe('the last release', () => {
  const folder = join(__dirname, '..', '..', '..', 'contracts', 'released');
  const released = Object.fromEntries(
    readdirSync(folder).map((name) => [
      name,
      JSON.parse(readFileSync(join(folder, name), 'utf8')) as JsonSchema,
    ]),
  );
  const now = jsonSchemas();
  const topic = 'payments.completed.v1.json';
  /** Today's schema of the topic, with other properties of `data`. */
  const changed = (change: (properties: JsonSchema, required: string[]) => void): typeof now => {
    const copy = structuredClone(now[topic] ?? {}) as {
      properties: { data: { properties: JsonSchema; required: string[] } };
    };
    change(copy.properties.data.properties, copy.properties.data.required);
    return { ...now, [topic]: copy as unknown as JsonSchema };
  };

  it('is understood by today’s readers, topic by topic', () => {
    expect(Object.keys(released)).toContain(topic);
    expect(brokenReaders(released, now)).toEqual([]);
  });

  it.each<[string, (properties: JsonSchema, required: string[]) => void, string]>([
    ['loses a field', (properties) => void delete properties['provider'], 'data.provider was removed'],
    [
      'retypes a field',
      (properties) => void (properties['currency'] = { type: 'integer' }),
      'data.currency may now be integer, it was string',
    ],
    [
      'requires another field',
      (properties, required) => {
        properties['fee'] = { type: 'integer' };
        required.push('fee');
      },
      'data.fee became required',
    ],
    [
      'loses a value',
      (properties) => void (properties['settled_by'] = { type: 'string', enum: ['answer', 'webhook'] }),
      'data.settled_by lost "lookup"',
    ],
  ])('is broken by a schema that %s', (_, change, wanted) => {
    expect(brokenReaders(released, changed(change))).toEqual([
      `${topic} breaks readers of the last release: ${wanted}`,
    ]);
  });

  it('is broken by a topic that is gone, and not by a new one', () => {
    const { [topic]: _, ...others } = now;
    expect(brokenReaders(released, others)).toEqual([`${topic} of the last release is gone`]);
    expect(brokenReaders(others, now)).toEqual([]);
  });
});
