/** The list of what is personal, against the schema: a column that is added has to be placed in it. */
import { readFileSync } from 'node:fs';
import type { PersonalTable } from '../../../domain/personal-columns';
import { notPersonal, personalData } from '../../../domain/personal-data';
import { withoutPersonalText } from '../../../domain/personal-text';

const types: Readonly<Record<string, string>> = {
  String: 'text',
  Json: 'jsonb',
  Bytes: 'bytea',
  Int: 'integer',
};
const lists: Readonly<Record<string, PersonalTable>> = personalData;

/** By table its columns, and their types in the schema. */
function tablesOfSchema(): Map<string, Map<string, string>> {
  const schema = readFileSync('prisma/schema.prisma', 'utf8');
  return new Map(
    [...schema.matchAll(/^model \w+ \{\n([\s\S]*?)^\}/gm)].map(([, body = '']) => {
      const columns = [...body.matchAll(/^ {2}(\w+) +(\w+)(\[\])?\??/gm)].map(
        ([, name = '', type = '']) => [name, type] as const,
      );
      return [/@@map\("(\w+)"\)/.exec(body)?.[1] ?? '', new Map(columns)];
    }),
  );
}

const schema = tablesOfSchema();

describe('the list of personal data', () => {
  it('has every table of the schema, as a customer’s or with the reason why it is nobody’s', () => {
    expect([...Object.keys(lists), ...Object.keys(notPersonal)].toSorted()).toEqual(
      [...schema.keys()].toSorted(),
    );
  });

  it.each(Object.entries(lists))('places every text, JSON and bytes column of %s', (table, list) => {
    const columns = schema.get(table) ?? new Map<string, string>();
    const held = [...columns].filter(([, type]) => ['String', 'Json', 'Bytes'].includes(type));
    const kept = Object.values(list.kept).flat();
    const numbers = Object.entries(list.personal).filter(([, { type }]) => type === 'integer');
    const placed = [...Object.keys(list.personal), ...kept];
    expect(placed.toSorted()).toEqual(
      [...held.map(([name]) => name), ...numbers.map(([name]) => name)].toSorted(),
    );
    for (const [name, { type }] of Object.entries(list.personal)) {
      expect({ name, type: types[columns.get(name) ?? ''] }).toEqual({ name, type });
    }
    for (const name of [...Object.keys(list.key), ...(list.hidden ?? [])])
      expect(columns.has(name)).toBe(true);
  });
});

describe('JSON without personal text', () => {
  it.each<[string, unknown, unknown]>([
    ['metadata', { metadata: { phone: '1' }, amount: 5 }, { metadata: {}, amount: 5 }],
    [
      'a reason',
      { actor: { id: 'key_1', reason: 'she asked' } },
      { actor: { id: 'key_1', reason: 'erased' } },
    ],
    ['a reason that is a code', { reason: 'second_success' }, { reason: 'second_success' }],
    ['what is missing', { reason: null, metadata: null }, { reason: null, metadata: null }],
    ['a claimed actor', [{ id: 'x', claimed: { id: 'Eve' } }], [{ id: 'x' }]],
    ['a card', { last4: '4242', exp_year: 2030, id: 'pm_1' }, { last4: null, exp_year: null, id: 'pm_1' }],
  ])('loses %s by its name, and keeps the rest', (_, json, left) => {
    expect(withoutPersonalText(json)).toEqual(left);
    expect(withoutPersonalText(left)).toEqual(left);
  });
});
