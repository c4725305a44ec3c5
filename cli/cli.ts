/**
 * The operators' command line, over the REST API: what it may do is what its API key may do.
 *
 * Owns: finding the command, its options, and the exit code. Does not own the commands: each group is a file of
 * `commands/` and a line of its index. Exit codes: 0 done; 1 refused (the reason is printed); 2 wrong arguments or settings;
 * 3 no answer.
 */
import { parseArgs } from 'node:util';
import { ConfigError } from '../config';
import { apiCaller } from './api';
import { Refused, UsageError, type Command } from './command';
import { commandGroups } from './commands/index';
import { usageLines } from './usage';

const commands = new Map(commandGroups.flatMap((group) => Object.entries(group)));

function usage(): string {
  const lines = usageLines(commandGroups).map((group) => group.map((line) => `  ${line}`).join('\n'));
  return [
    'usage: cli <command> [--json]',
    ...lines,
    'API_URL and API_KEY say where and as whom; see docs/cli.md.',
  ].join('\n\n');
}

/** A command's name is its first two words, or its first alone. */
function commandOf(words: readonly string[]): { name: string; command: Command; args: readonly string[] } {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const command = commands.get(name);
    if (command !== undefined) return { name, command, args: words.slice(length) };
  }
  throw new UsageError(`there is no command ${words.slice(0, 2).join(' ') || '(none)'}`);
}

async function main(args: string[]): Promise<void> {
  const all = [...commands.values()];
  const known = all.flatMap(({ options = [] }) => options);
  const switches = all.flatMap((command) => command.switches ?? []);
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(known.map((name) => [name, { type: 'string' as const }])),
      ...Object.fromEntries(switches.map((name) => [name, { type: 'boolean' as const }])),
      json: { type: 'boolean' },
    },
  });
  const { json, ...given } = values;
  const flags = given as Record<string, string | undefined>;
  const taken = (command: Command) => [...(command.options ?? []), ...(command.switches ?? [])];
  const { name, command, args: rest } = commandOf(positionals);
  const strange = Object.keys(flags).find((option) => !taken(command).includes(option));
  if (strange !== undefined) throw new UsageError(`${name} takes no --${strange}`);
  const { answer, text } = await command.run({
    args: rest,
    flags,
    isOn: (option) => option in given,
    call: apiCaller(process.env),
  });
  process.stdout.write(`${json ? JSON.stringify(answer, null, 2) : text}\n`);
}

/** Runs the command that `args` name, prints its answer and sets the exit code. */
export async function runCli(args: string[]): Promise<void> {
  try {
    await main(args);
  } catch (error) {
    report(error);
  }
}

function report(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const badArguments =
    error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  if (badArguments || error instanceof ConfigError) {
    process.stderr.write(`${message}${badArguments ? `\n\n${usage()}` : ''}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(error instanceof Refused ? `${message}\n` : `The API does not answer: ${message}\n`);
    process.exitCode = error instanceof Refused ? 1 : 3;
  }
}
