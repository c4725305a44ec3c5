import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Lists the files that Git knows or would add, generated ones excepted, by their path from the repository's root. */
export function trackedFiles(...patterns: string[]): string[] {
  const args = [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '--deduplicate',
    '-z',
    '--',
    ...patterns,
  ];
  return execFileSync('git', args, { encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && existsSync(file));
}
