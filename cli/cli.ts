/**
 * The operators' command line, over the REST API: what it may do is what its API key may do.
 *
 * Owns: running a command line, and its exit code. Does not own the commands: each group is a file of `commands/` and an
 * entry of its index. Exit codes: 0 done; 1 refused or not answered (the reason is printed); 2 wrong arguments or settings.
 * Invariant: everything that is written is text for a terminal, whatever the data holds.
 */
import { CommanderError } from 'commander';
import { ConfigError } from '../config';
import { apiCaller } from './api';
import { subjects } from './commands/index';
import { completionLines } from './completion';
import { createProgram, type ProgramHost } from './program';
import { terminalText } from './terminal-text';

export interface CliHost extends Omit<ProgramHost, 'call'> {
  env: NodeJS.ProcessEnv;
}

/** Runs the command that `args` name and writes its answer. @returns the exit code */
export async function runCli(args: readonly string[], host: CliHost): Promise<number> {
  const program = createProgram(subjects, { ...host, call: apiCaller(host.env) });
  if (args[0] === '__complete') {
    host.write(
      completionLines(program, args.slice(1))
        .map((line) => `${line}\n`)
        .join(''),
    );
    return 0;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has written its own mistakes, and what was asked for as help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    host.writeError(`${terminalText(error instanceof Error ? error.message : String(error))}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}
