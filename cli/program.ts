/**
 * The tree of commands: what the command line understands, and what its help says.
 *
 * Owns: making commander's tree from the groups, usage lines, reading a command's arguments. Does not own what a command
 * does (`commands/`), nor exit codes (`cli.ts`). Help, usage, completion and docs/cli.md all follow from this tree.
 */
import { Command, Option } from 'commander';
import { productVersion } from '../contracts/version';
import { UsageError, type Command as OneCommand, type CommandOption, type Context } from './command';
import type { Subject } from './commands/index';
import { completionScript, shells, type Shell } from './completion-scripts';
import { terminalText } from './terminal-text';

/** Where a program writes, and what it asks. */
export interface ProgramHost {
  write(text: string): void;
  writeError(text: string): void;
  /** Of the terminal; undefined where there is none. */
  columns?: number;
  call: Context['call'];
}

const footer = `
API_URL and API_KEY say where and as whom; see docs/cli.md.
Exit codes: 0 done, 1 refused or not answered, 2 wrong arguments or settings.`;
const usualColumns = 100;

/** Makes the tree. What a command answers is written to the host. */
export function createProgram(subjects: readonly Subject[], host: ProgramHost): Command {
  const program = new Command('perennial');
  const columns = () => host.columns ?? usualColumns;
  program
    .description('The REST API of Perennial for operators.')
    .version(productVersion, '--version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .option('--json', 'print what the API answered, for programs')
    .addHelpText('after', footer)
    .configureHelp({ showGlobalOptions: true, subcommandTerm: termOf })
    .configureOutput({
      writeOut: (text) => host.write(text),
      writeErr: (text) => host.writeError(text),
      outputError: (text, write) => write(terminalText(text)),
      getOutHelpWidth: columns,
      getErrHelpWidth: columns,
    })
    .exitOverride();
  showUsageAfterErrors(program, '<command> [--json]');
  for (const { text, commands } of subjects) {
    for (const [name, command] of Object.entries(commands)) {
      const [first = '', second] = name.split(' ');
      if (second === undefined) addLeaf(program, first, command, host);
      else addLeaf(childOf(program, first, text), second, command, host);
    }
  }
  addCompletion(program, host);
  return program;
}

function childOf(program: Command, name: string, text: string): Command {
  const known = program.commands.find((child) => child.name() === name);
  if (known !== undefined) return known;
  const child = program.command(name).description(text);
  showUsageAfterErrors(child, '<command> [--json]');
  return child;
}

function addLeaf(parent: Command, name: string, command: OneCommand, host: ProgramHost): void {
  const leaf = parent.command(name).description(command.text);
  if (command.argument !== undefined) leaf.argument(`<${command.argument}>`);
  for (const option of command.options ?? []) leaf.addOption(commanderOption(option));
  showUsageAfterErrors(leaf, `${usageOf(command)} [--json]`.trimStart());
  leaf.action(async () => {
    const { json, ...values } = leaf.optsWithGlobals<Record<string, string | true | undefined>>();
    const flags = Object.fromEntries(
      leaf.options.map((option) => [optionName(option), values[option.attributeName()]]),
    );
    const { answer, text } = await withUsage(leaf, () =>
      command.run({
        args: leaf.args,
        flags: Object.fromEntries(Object.entries(flags).filter(isText)),
        isOn: (option) => flags[option] !== undefined,
        call: host.call,
      }),
    );
    host.write(`${terminalText(json === true ? JSON.stringify(answer, null, 2) : text)}\n`);
  });
}

const isText = (entry: [string, string | true | undefined]): entry is [string, string] =>
  typeof entry[1] === 'string';

const optionName = (option: Option): string => option.long?.slice('--'.length) ?? '';

function commanderOption({ name, value, text, isRequired, choices, isFile }: CommandOption): Option {
  const option = new (isFile === true ? FileOption : Option)(
    value === undefined ? `--${name}` : `--${name} <${value}>`,
    isRequired === true ? `${text} (needed)` : text,
  );
  // Shown and completed by commander; the command itself refuses other values, in its own words.
  if (choices !== undefined) option.argChoices = [...choices];
  return option;
}

/** An option whose value is the path of a file; the completion looks for it. */
export class FileOption extends Option {}

/** What a command judges wrong with its arguments is shown with its usage, as commander's own mistakes are. */
async function withUsage<T>(leaf: Command, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UsageError) return leaf.error(`error: ${error.message}`);
    throw error;
  }
}

function showUsageAfterErrors(command: Command, usage: string): void {
  const name = fullNameOf(command);
  command.usage(usage).showHelpAfterError(`usage: ${name} ${usage}\n${name} --help says more.`);
}

/** A command with its arguments; that it has options its own help says. */
function termOf(command: Command): string {
  return [command.name(), ...command.registeredArguments.map((argument) => `<${argument.name()}>`)].join(' ');
}

/** Returns the words that call a command: `perennial subscriptions cancel`. */
function fullNameOf(command: Command): string {
  const words: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) words.unshift(at.name());
  return words.join(' ');
}

/** Above so many choices the usage shows what stands for the value. */
const mostShownChoices = 4;

/** Returns what follows a command's name: `ID [--mode now|period_end] --reason TEXT`. */
export function usageOf({ argument, usage, options = [] }: OneCommand): string {
  const given = usage ?? options.map(usageOfOption).join(' ');
  return [argument ?? '', given].filter((part) => part !== '').join(' ');
}

function usageOfOption({ name, value, isRequired, choices = [] }: CommandOption): string {
  const shown = choices.length > 0 && choices.length <= mostShownChoices ? choices.join('|') : value;
  const text = shown === undefined ? `--${name}` : `--${name} ${shown}`;
  return isRequired === true ? text : `[${text}]`;
}

function addCompletion(program: Command, host: ProgramHost): void {
  const completion = program
    .command('completion')
    .description('print the script that completes commands in a shell')
    .addArgument(program.createArgument('<shell>').choices(shells));
  showUsageAfterErrors(completion, shells.join('|'));
  completion.action((shell: Shell) => host.write(completionScript(shell)));
}
