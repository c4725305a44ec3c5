/**
 * `node dist/dev/tools/validate-compose.js`, part of `make check`: is docker-compose.yml one that Docker Compose accepts?
 *
 * Owns: what is printed and the exit code (1 for mistakes). Needs no engine.
 */
import { defaultComposeFile } from '../platform/options';
import { readComposeFile, referenceMistakes, schemaMistakes } from './compose-file';

function main(): number {
  // The platform starts the servers with nothing but their ports set; so the file has to do without any variable.
  const file = readComposeFile(defaultComposeFile());
  const mistakes = [...schemaMistakes(file), ...referenceMistakes(file)];
  for (const mistake of mistakes) process.stderr.write(`docker-compose.yml: ${mistake}\n`);
  return mistakes.length === 0 ? 0 : 1;
}

process.exitCode = main();
