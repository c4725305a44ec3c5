/**
 * What `make bench` was asked for:
 * `npm run bench -- [names] [--creations N] [--subscriptions N] [--sleeping N] [--rows N] [--backlog N] [--webhooks N]
 * [--retries N] [--planned N] [--flood N] [--seconds N] [--size N]`.
 */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** None: all. */
  names: string[];
  /** Subscriptions created over HTTP. */
  creations: number;
  /** Subscriptions that are due at one instant. */
  subscriptions: number;
  /** Subscriptions that wait for nothing. */
  sleeping: number;
  /** Manual retries that are requested at once. */
  retries: number;
  /** Failed payments that are planned and wait for their next attempt. */
  planned: number;
  /** Rows of the outbox that the relay has before it. */
  rows: number;
  /** Records that a consumer group has before it when its memory is looked at. */
  backlog: number;
  /** Webhooks in each of the measurements of webhooks. */
  webhooks: number;
  /** Requests of one API key in a second. */
  flood: number;
  /** How long they come. */
  seconds: number;
  /** Subscriptions with a year of history. */
  size: number;
}

/** @throws Error when a name or an option is not known */
export function benchOptions(args: string[], known: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      creations: { type: 'string', default: '800' },
      subscriptions: { type: 'string', default: '500' },
      sleeping: { type: 'string', default: '10000' },
      retries: { type: 'string', default: '1000' },
      planned: { type: 'string', default: '10000' },
      rows: { type: 'string', default: '100000' },
      backlog: { type: 'string', default: '100000' },
      webhooks: { type: 'string', default: '5000' },
      flood: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '60' },
      size: { type: 'string', default: process.env['SIZE_SUBSCRIPTIONS'] ?? '1000000' },
    },
  });
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: there is ${known.join(', ')}`);
  const counts = {
    creations: Number(values.creations),
    subscriptions: Number(values.subscriptions),
    sleeping: Number(values.sleeping),
    retries: Number(values.retries),
    planned: Number(values.planned),
    rows: Number(values.rows),
    backlog: Number(values.backlog),
    webhooks: Number(values.webhooks),
    flood: Number(values.flood),
    seconds: Number(values.seconds),
    size: Number(values.size),
  };
  for (const [name, count] of Object.entries(counts)) {
    if (!Number.isInteger(count) || count < 1) throw new Error(`--${name} takes a whole number above 0`);
  }
  return { names: positionals, ...counts };
}
