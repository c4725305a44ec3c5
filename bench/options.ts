/** What `make bench` was asked for: `npm run bench -- [names] [--rows N]`. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** None: all. */
  names: string[];
  /** Rows of the outbox that the relay has before it. */
  rows: number;
}

/** @throws Error when a name or an option is not known */
export function benchOptions(args: string[], known: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { rows: { type: 'string', default: '100000' } },
  });
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: there is ${known.join(', ')}`);
  const rows = Number(values.rows);
  if (!Number.isInteger(rows) || rows < 1) throw new Error('--rows takes a whole number above 0');
  return { names: positionals, rows };
}
