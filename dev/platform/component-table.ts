/**
 * The table that `up` prints first: which server, which version, from where, at which address.
 */
import type { RecordedComponent } from './state';

const titles = { postgres: 'PostgreSQL', kafka: 'Kafka', temporal: 'Temporal' } as const;

/** The table's lines, columns aligned. */
export function componentTable(components: readonly RecordedComponent[]): string[] {
  const rows = [
    ['Component', 'Version', 'From', 'Address'],
    ...components.map(({ name, version, from, address }) => [titles[name], version || '-', from, address]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
