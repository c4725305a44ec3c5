/** The tables of docs/ledger.md. */
import { readFileSync } from 'node:fs';

const page = readFileSync('docs/ledger.md', 'utf8');

/** The rows of all tables of a section, as the texts of their cells. */
export function rowsOf(section: string): string[][] {
  const [, text = ''] = page.split(new RegExp(`^## ${section}$`, 'm'));
  const [own = ''] = text.split(/^## /m);
  const lines = own.split('\n');
  return lines
    .filter((line, at) => line.startsWith('|') && !isHeader(lines, at))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.replaceAll('`', '').trim()),
    );
}

/** A rule of dashes, or what stands above one. */
function isHeader(lines: readonly string[], at: number): boolean {
  return [lines[at], lines[at + 1]].some((line) => line !== undefined && line.startsWith('| -'));
}
