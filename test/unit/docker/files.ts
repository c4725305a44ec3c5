/** The files under test, read once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readComposeFile, type ComposeService } from '../../../dev/tools/compose-file';

export const root = join(__dirname, '..', '..', '..');
export const composePath = join(root, 'docker-compose.yml');
export const text = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
export const packageJson = JSON.parse(text('package.json')) as {
  engines: { node: string };
  bin: Record<string, string>;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

/** As Compose reads it with nothing set. */
export const compose = readComposeFile(composePath);

/** Services that run this repository's image. */
export const own: [string, ComposeService][] = Object.entries(compose.services).filter(
  ([, { build }]) => build,
);

/** Services that run somebody else's image. */
export const servers: [string, ComposeService][] = Object.entries(compose.services).filter(
  ([, { build }]) => !build,
);

export function service(name: string): ComposeService {
  const found = compose.services[name];
  if (!found) throw new Error(`There is no service ${name}.`);
  return found;
}

export function environmentOf({ environment = {} }: ComposeService): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));
}

export interface Instruction {
  name: string;
  rest: string;
}

/** The Dockerfile's stages, each with its instructions, FROM first; comments and line breaks taken away. */
export function dockerStages(): Instruction[][] {
  const lines = text('Dockerfile')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: Instruction[][] = [];
  for (const line of lines) {
    const [name = '', ...words] = line.split(' ');
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, rest: words.join(' ') });
  }
  return stages;
}
