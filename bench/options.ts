/** What `make bench` was asked for: `npm run bench -- [names] [--backlog N]`. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** None: all. */
  names: string[];
  /** Records that a consumer group has before it when its memory is looked at. */
  backlog: number;
}

/** @throws Error when a name or an option is not known */
export function benchOptions(args: string[], known: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { backlog: { type: 'string', default: '100000' } },
  });
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: there is ${known.join(', ')}`);
  const backlog = Number(values.backlog);
  if (!Number.isInteger(backlog) || backlog < 1) throw new Error('--backlog takes a whole number above 0');
  return { names: positionals, backlog };
}
