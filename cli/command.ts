/**
 * What a command of the command line is.
 *
 * Owns: the shape of commands and groups, and the two ways in which a command ends badly by its own judgement. Does not
 * own the list of groups (`commands/index.ts`), nor reading arguments (`program.ts`) and exit codes (`cli.ts`).
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

/** An option; help, usage, completion and docs/cli.md show it. */
export interface CommandOption {
  /** Without its dashes. */
  name: string;
  /** What stands for its value, such as `TEXT`; left out: it takes none. */
  value?: string;
  text: string;
  isRequired?: boolean;
  /** Every value that it may have. */
  choices?: readonly string[];
  /** Its value is the path of a file. */
  isFile?: boolean;
}

export interface Command {
  /** The name of its one argument, such as `ID`. */
  argument?: string;
  /** How its options are given, where it does not follow from them. */
  usage?: string;
  /** One line for the help. */
  text: string;
  /** `--json` every command takes besides. */
  options?: readonly CommandOption[];
  run(context: Context): Promise<Outcome>;
}

/** Commands of one subject, by their names of one or two words: `dead-letters list`, `simulate`. */
export type CommandGroup = Readonly<Record<string, Command>>;

/** Returns the option with which a decision is given its reason. @param kept where it is kept */
export function reasonOption(kept = 'kept with the decision'): CommandOption {
  return { name: 'reason', value: 'TEXT', text: `why; ${kept}`, isRequired: true };
}

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

/** @throws UsageError when an option with choices was given another value */
export function requireChoices({ flags }: Context, options: readonly CommandOption[]): void {
  for (const { name, choices } of options) {
    const value = flags[name];
    if (value === undefined || choices === undefined || choices.includes(value)) continue;
    throw new UsageError(`--${name} must be one of ${choices.join(', ')}`);
  }
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
