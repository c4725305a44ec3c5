/** CSV (RFC 4180): when a caller wants it, and how rows are written so that no spreadsheet runs what is in a cell. */

export const csvType = 'text/csv';

/** Whether the header Accept names `text/csv`, and JSON not before it. A wildcard is content with JSON. */
export function prefersCsv(accept: string | undefined): boolean {
  const weights = new Map(
    (accept ?? '').split(',').map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return [type, weight === undefined ? 1 : Number(weight) || 0];
    }),
  );
  const csv = weights.get(csvType) ?? 0;
  return csv > 0 && csv >= (weights.get('application/json') ?? 0);
}

/** Text for people that a spreadsheet would take for a formula is shown with an apostrophe before it. */
function cellOf(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Writes a header line and a line for each row, each ended by CRLF. */
export function csvText<Column extends string>(
  columns: readonly Column[],
  rows: readonly Readonly<Record<Column, string | number | null>>[],
): string {
  const lines = [columns.map(cellOf), ...rows.map((row) => columns.map((column) => cellOf(row[column])))];
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('');
}
