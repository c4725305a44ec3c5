/** The image: what it is made from, what is in it, who runs it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { migrationsFolder } from '../../../prisma/migrate';
import { dockerStages, own, packageJson, root, service, text } from './files';

const stages = dockerStages();
const final = stages.at(-1) ?? [];
const all = (stage: typeof final, name: string) =>
  stage.filter((instruction) => instruction.name === name).map(({ rest }) => rest);
const ignored = text('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

const expressions: Record<string, string> = { '**/': '(.*/)?', '*': '[^/]*' };

/** Whether `.dockerignore` keeps a path of the checkout out; the patterns of that file need no more than this. */
const isIgnored = (path: string) =>
  ignored.some((pattern) => {
    const expression = pattern.replace(/\*\*\/|[*.]/g, (part) => expressions[part] ?? `\\${part}`);
    return new RegExp(`^${expression}(/|$)`).test(path);
  });

test('every stage starts from one image, pinned to the patch, of a Node that package.json allows', () => {
  const images = stages.map(([from]) => from?.rest.split(' ')[0] ?? '');
  expect(new Set(images).size).toBe(1);
  const [, major, minor] = /^node:(\d+)\.(\d+)\.\d+-bookworm-slim$/.exec(images[0] ?? '') ?? [];
  const [, leastMajor, leastMinor] = /^>=(\d+)\.(\d+)$/.exec(packageJson.engines.node) ?? [];
  expect(Number(major) * 1_000 + Number(minor)).toBeGreaterThanOrEqual(
    Number(leastMajor) * 1_000 + Number(leastMinor),
  );
  // Even majors are the ones with long-term support.
  expect(Number(major) % 2).toBe(0);
});

test('Node is one that every dependency of production says it supports', () => {
  const major = Number(/^node:(\d+)/.exec(stages[0]?.[0]?.rest ?? '')?.[1]);
  const lock = JSON.parse(text('package-lock.json')) as {
    packages: Record<string, { dev?: boolean; engines?: { node?: string } }>;
  };
  const tooOld = Object.entries(lock.packages).filter(([, { dev, engines }]) => {
    const upTo = /<=\s*(\d+)/.exec(engines?.node ?? '')?.[1];
    return !dev && upTo !== undefined && Number(upTo) < major;
  });
  expect(tooOld).toEqual([]);
});

test('the process is not root and owns nothing of the image', () => {
  expect(all(final, 'USER')).toEqual(['1000:1000']);
  const user = final.findIndex(({ name }) => name === 'USER');
  expect(final.slice(user).some(({ name }) => ['RUN', 'COPY', 'ADD'].includes(name))).toBe(false);
  expect(final.some(({ rest }) => rest.includes('--chown'))).toBe(false);
});

test('the image has dependencies of production, the compiled code and the migrations, nothing else', () => {
  expect(all(final, 'RUN').filter((line) => /npm (ci|i|install)\b/.test(line))).toEqual([
    expect.stringContaining('npm ci --omit=dev --omit=optional --omit=peer'),
  ]);
  expect(all(final, 'COPY')).toEqual([
    '.npmrc package.json package-lock.json ./',
    '--from=build /app/dist ./dist',
    'prisma/migrations ./prisma/migrations',
  ]);
});

test('the command line is on the path, by the name that package.json gives it', () => {
  const [[name, main] = []] = Object.entries(packageJson.bin);
  expect(all(final, 'RUN')).toContain(`ln -s /app/${main} /usr/local/bin/${name}`);
  expect(text('bin', 'cli.ts').startsWith('#!/usr/bin/env node\n')).toBe(true);
  expect(packageJson.scripts['build']).toContain(`chmod +x ${main}`);
});

test('the migrations lie where bin/migrate looks for them, seen from dist/prisma', () => {
  expect(all(final, 'WORKDIR')).toEqual(['/app']);
  // From the source it is one folder up, from dist/prisma two: both are <root>/prisma/migrations.
  expect(migrationsFolder()).toBe(join(root, 'prisma', 'migrations'));
  expect(readdirSync(migrationsFolder())).toContain('migration_lock.toml');
  expect(isIgnored('prisma/migrations/migration_lock.toml')).toBe(false);
});

test('what the processes import at run time is neither a development dependency nor optional nor a peer', () => {
  const lock = JSON.parse(text('package-lock.json')) as { packages: Record<string, Record<string, unknown>> };
  const names = Object.keys(packageJson.dependencies);
  expect(names).toContain('@prisma/schema-engine-wasm');
  const left = names.filter((name) => {
    const { dev, optional, devOptional, peer } = lock.packages[`node_modules/${name}`] ?? { dev: true };
    return dev ?? optional ?? devOptional ?? peer;
  });
  expect(left).toEqual([]);
});

test('the build installs from the lock file and runs the build of package.json', () => {
  expect(all(stages[0] ?? [], 'RUN')).toEqual([
    '--mount=type=cache,target=/root/.npm npm ci',
    'npm run build',
  ]);
});

test('no secret is baked in', () => {
  const names = stages.flat().filter(({ name }) => name === 'ENV' || name === 'ARG');
  expect(names.map(({ rest }) => rest)).toEqual(['NODE_ENV=production NODE_OPTIONS=--enable-source-maps']);
  for (const path of ['.env', '.env.local', '.platform/api-key', '.git/config', 'api/debug.log'])
    expect([path, isIgnored(path)]).toEqual([path, true]);
});

test('nothing of this checkout’s builds reaches the image’s', () => {
  for (const path of ['node_modules/pg/package.json', 'dist/bin/api.js', 'prisma/generated/client.ts'])
    expect([path, isIgnored(path)]).toEqual([path, true]);
});

test('everything that the build compiles reaches it', () => {
  const needed = readdirSync(root, { withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && /^(tsconfig.*\.json|package.*\.json|\.npmrc|.*\.ts)$/.test(entry.name),
    )
    .map(({ name }) => name);
  const folders = [
    'access',
    'activities',
    'api',
    'billing',
    'bin',
    'bridge',
    'cli',
    'contracts',
    'dev/platform',
    'dev/tools',
    'domain',
    'providers',
    'temporal',
    'workflows',
  ];
  const files = [
    ...needed,
    ...folders.map((folder) => `${folder}/x.ts`),
    'prisma/schema.prisma',
    'prisma/client.ts',
  ];
  expect(files.filter(isIgnored)).toEqual([]);
});

test('the image exposes the ports of the API and the sandbox provider, and runs the API unless told otherwise', () => {
  const listening = own.flatMap(([, { ports = [] }]) => ports.map((port) => port.split(':')[2]));
  expect(all(final, 'EXPOSE')).toEqual([listening.join(' ')]);
  expect(JSON.parse(all(final, 'CMD')[0] ?? '')).toEqual(service('api').command);
});
