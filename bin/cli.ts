#!/usr/bin/env node
/** The operators' command line; `cli/cli.ts` is what it runs. */
import { runCli } from '../cli/cli';

// The reader of the answer may close it early: `perennial payments list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
void runCli(process.argv.slice(2), {
  env: process.env,
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  columns: process.stdout.columns,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
