/** What `make bench` was asked for: `npm run bench -- [names] [--rows N] [--backlog N] [--webhooks N]`. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** None: all. */
  names: string[];
  /** Rows of the outbox that the relay has before it. */
  rows: number;
  /** Records that a consumer group has before it when its memory is looked at. */
  backlog: number;
  /** Webhooks in each of the measurements of webhooks. */
  webhooks: number;
}

/** @throws Error when a name or an option is not known */
export function benchOptions(args: string[], known: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: '100000' },
      backlog: { type: 'string', default: '100000' },
      webhooks: { type: 'string', default: '5000' },
    },
  });
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: there is ${known.join(', ')}`);
  const counts = {
    rows: Number(values.rows),
    backlog: Number(values.backlog),
    webhooks: Number(values.webhooks),
  };
  for (const [name, count] of Object.entries(counts)) {
    if (!Number.isInteger(count) || count < 1) throw new Error(`--${name} takes a whole number above 0`);
  }
  return { names: positionals, ...counts };
}
