import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { billingSteps, mayImport } from './table';

const document = readFileSync(join(__dirname, '../../../docs/architecture.md'), 'utf8');

/** Reads the rows of the table under a header, as the code spans of each cell. */
function tableUnder(header: RegExp): string[][][] {
  const lines = document.split('\n');
  const at = lines.findIndex((line) => header.test(line));
  const rows = lines.slice(at + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, span]) => span ?? '')),
  );
}

describe('docs/architecture.md', () => {
  it('has the import table that the checker has', () => {
    const documented = tableUnder(/^\| Folder +\| May import/).map(([folder, allowed]) => [
      folder?.[0],
      new Set(allowed),
    ]);
    expect(Object.fromEntries(documented)).toEqual(
      Object.fromEntries(Object.entries(mayImport).map(([folder, allowed]) => [folder, new Set(allowed)])),
    );
  });

  it('has the order of the rooms of billing that the checker has', () => {
    expect(tableUnder(/^\| Step +\| Rooms/).map(([, rooms]) => rooms)).toEqual(billingSteps);
  });
});
