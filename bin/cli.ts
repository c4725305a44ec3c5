/** The operators' command line; `cli/cli.ts` is what it runs. */
import { runCli } from '../cli/cli';

void runCli(process.argv.slice(2));
