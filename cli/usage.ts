/** How commands are called: what `cli` prints, and what docs/cli.md shows. */
import type { CommandGroup } from './command';

/** A command a line; what it does stands in one column for all groups. */
export function usageLines(groups: readonly CommandGroup[]): string[][] {
  const called = (name: string, synopsis: string): string => (synopsis === '' ? name : `${name} ${synopsis}`);
  const lengths = groups.flatMap((group) =>
    Object.entries(group).map(([name, { synopsis }]) => called(name, synopsis).length),
  );
  // One that is longer pushes its own text aside, not everybody's.
  const width = Math.min(widestColumn, Math.max(...lengths)) + 2;
  return groups.map((group) =>
    Object.entries(group).map(([name, { synopsis, text }]) =>
      `${called(name, synopsis).padEnd(width)}${text === '' ? '' : `  ${text}`}`.trimEnd(),
    ),
  );
}

const widestColumn = 70;
