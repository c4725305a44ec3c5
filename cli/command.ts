/**
 * What a command of the command line is.
 *
 * Owns: the shape of commands and groups, and the two ways in which a command ends badly by its own judgement. Does not
 * own the list of groups (`commands/index.ts`), nor reading arguments and exit codes (`cli.ts`).
 */
import { instant } from '../contracts/fields';
import type { Row } from './output';

/** The arguments cannot be carried out as they are (exit code 2). */
export class UsageError extends Error {}
/** What was asked for was refused (exit code 1). */
export class Refused extends Error {}

export interface Context {
  /** What follows the command's name. */
  args: readonly string[];
  flags: Readonly<Record<string, string | undefined>>;
  /** Whether an option without a value was given. */
  isOn(name: string): boolean;
  /** Asks the REST API. Address and key are read at the first call: commands that make none need no settings. */
  call(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Row>;
}

/** What a command answers, and how a person reads it. */
export interface Outcome {
  answer: Row;
  text: string;
}

export interface Command {
  /** Arguments, as the usage shows them: `ID --reason TEXT`. */
  synopsis: string;
  /** One line for the usage; empty where the name says it all. */
  text: string;
  /** Options that it takes, each with a value; `--json` every command takes. */
  options?: readonly string[];
  /** Options without a value. */
  switches?: readonly string[];
  run(context: Context): Promise<Outcome>;
}

/** Commands of one subject, by their names of one or two words: `dead-letters list`, `simulate`. */
export type CommandGroup = Readonly<Record<string, Command>>;

/** The command's first argument, ready for a path. @throws UsageError when there is none */
export function idOf({ args }: Context): string {
  const [id] = args;
  if (id === undefined) throw new UsageError('the id is missing');
  return encodeURIComponent(id);
}

/** The option's value. @throws UsageError when it was not given, with `why` it is needed */
export function required({ flags }: Context, name: string, why: string): string {
  const value = flags[name];
  if (value === undefined) throw new UsageError(`--${name} is missing: ${why}`);
  return value;
}

/** @throws UsageError when the option was given another value than one of `values` */
export function requireOneOf({ flags }: Context, name: string, values: readonly string[]): void {
  const value = flags[name];
  if (value === undefined || values.includes(value)) return;
  throw new UsageError(`--${name} must be one of ${values.join(', ')}`);
}

/** The option's number; undefined when it was not given. @throws UsageError */
export function wholeNumber(
  { flags }: Context,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`--${name} must be a whole number from ${least} to ${most}`);
}

/** The option's instant; undefined when it was not given. @throws UsageError */
export function instantIn({ flags }: Context, name: string): string | undefined {
  const text = flags[name];
  if (text === undefined || instant.safeParse(text).success) return text;
  throw new UsageError(`--${name} must be an RFC 3339 instant, such as 2027-03-01T09:00:00Z`);
}

/** `?a=1&b=2` of the options that were given. */
export function queryOf({ flags }: Context, ...names: readonly string[]): string {
  const query = new URLSearchParams();
  for (const name of names) {
    const value = flags[name];
    if (value !== undefined) query.set(name.replaceAll('-', '_'), value);
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}
