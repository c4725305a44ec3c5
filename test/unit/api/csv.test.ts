import fc from 'fast-check';
import { csvText, prefersCsv } from '../../../api/http/csv';

describe('the header Accept', () => {
  test.each<[string | undefined, boolean]>([
    [undefined, false],
    ['*/*', false],
    ['application/json', false],
    ['text/csv', true],
    ['TEXT/CSV; charset=utf-8', true],
    ['text/csv, */*;q=0.1', true],
    ['application/json;q=0.5, text/csv;q=0.4', false],
    ['application/json;q=0.5, text/csv;q=0.6', true],
    ['text/csv;q=0', false],
    ['text/csv;q=none', false],
  ])('%s wants CSV: %s', (accept, isWanted) => {
    expect(prefersCsv(accept)).toBe(isWanted);
  });
});

/** Reads RFC 4180 back, by its grammar. */
function parse(text: string): string[][] {
  const lines: string[][] = [];
  let cells: string[] = [];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    cells.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ',') continue;
    lines.push(cells);
    cells = [];
  }
  return lines;
}

/** What may stand for a value: a text of formula's beginning has an apostrophe before it, no other has. */
function readings(value: string | number | null): string[] {
  if (typeof value !== 'string') return [String(value ?? '')];
  return [/^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value];
}

describe('CSV', () => {
  test('can be read back, whatever the cells hold, and no text begins as a formula does', () => {
    const cell = fc.oneof(
      fc.string(),
      fc.constantFrom('=1+1', '+1', '-1', '@sum', '\ttab', '\r\n', '"', ',', "'"),
      fc.integer(),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ a: cell, b: cell }), { maxLength: 5 }), (rows) => {
        const [header, ...lines] = parse(csvText(['a', 'b'], rows));
        expect(header).toEqual(['a', 'b']);
        expect(lines).toHaveLength(rows.length);
        lines.forEach((line, at) => {
          const { a = null, b = null } = rows[at] ?? {};
          [a, b].forEach((value, column) => expect(readings(value)).toContain(line[column]));
        });
      }),
    );
  });

  test('shows negative amounts as numbers', () => {
    expect(csvText(['amount', 'text'], [{ amount: -5, text: '-5' }])).toBe("amount,text\r\n-5,'-5\r\n");
  });
});
