/** What the command line prints: tables for people, JSON for programs. Values are shown as text, whatever they hold. */
import { terminalValue } from './terminal-text';

export type Row = Record<string, unknown>;

/** Columns are as wide as their widest value, at most `widest` characters. */
export function table(rows: readonly Row[], columns: readonly string[], widest = 60): string {
  const cell = (row: Row, column: string): string => {
    const value = row[column];
    const text = value === null || value === undefined ? '-' : valueText(value);
    return text.length > widest ? `${text.slice(0, widest - 1)}…` : text;
  };
  const lines = [
    columns.map((column) => column.toUpperCase()),
    ...rows.map((row) => columns.map((c) => cell(row, c))),
  ];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, at) => text.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One thing, a member a line. */
export function sheet(thing: Row): string {
  const width = Math.max(...Object.keys(thing).map((name) => name.length));
  return Object.entries(thing)
    .map(([name, value]) => `${name.padEnd(width)}  ${valueText(value)}`)
    .join('\n');
}

function valueText(value: unknown): string {
  return terminalValue(typeof value === 'string' ? value : JSON.stringify(value));
}
