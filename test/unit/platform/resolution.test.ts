import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveComponents, type Machine, type Wanted } from '../../../dev/platform/resolution';
import type { RunResult, Tools } from '../../../dev/platform/tools';

const java17: RunResult = { code: 0, output: 'openjdk version "17.0.15" 2025-04-15' };
const folders: string[] = [];
const all = ['postgres', 'kafka', 'temporal'] as const;

/** A machine with just these programs; `answers` holds what a command line prints. */
function toolsWith(programs: readonly string[], answers: Readonly<Record<string, RunResult>> = {}): Tools {
  return {
    find: (name) => Promise.resolve(programs.includes(name) ? `/bin/${name}` : undefined),
    run: (command, args) =>
      Promise.resolve(answers[[command.replace('/bin/', ''), ...args].join(' ')] ?? { code: 1, output: '' }),
  };
}

function machine(tools: Tools, change: Partial<Machine> = {}): Machine {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-resolution-'));
  folders.push(folder);
  const composeFile = join(folder, 'docker-compose.yml');
  writeFileSync(composeFile, '');
  return { tools, cacheDir: folder, composeFile, postgres: { version: '18.4.0', folder }, ...change };
}

const wanted = (change: Partial<Wanted> = {}): Wanted => ({
  components: all,
  temporal: 'dev',
  given: {},
  ...change,
});
const dockerAnswers = {
  'docker info': { code: 0, output: '' },
  'docker compose version': { code: 0, output: '' },
};

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

describe('where a component comes from', () => {
  test('an address in the environment wins over everything that is installed', async () => {
    const tools = toolsWith(['java', 'mvn', 'go', 'docker'], { 'java -version': java17, ...dockerAnswers });
    const given = {
      DATABASE_URL: 'postgresql://db/x',
      KAFKA_BROKERS: 'kafka:9092',
      TEMPORAL_ADDRESS: 'temporal:7233',
    };
    const choices = await resolveComponents(wanted({ given }), machine(tools));
    expect(choices.map(({ from }) => from)).toEqual(['environment', 'environment', 'environment']);
  });

  test('each component is decided by itself', async () => {
    const tools = toolsWith(['java', 'mvn', 'docker'], { 'java -version': java17, ...dockerAnswers });
    const given = { DATABASE_URL: 'postgresql://db/x' };
    const choices = await resolveComponents(wanted({ given }), machine(tools));
    expect(choices.map(({ name, from }) => `${name} ${from}`)).toEqual([
      'postgres environment',
      'kafka native',
      'temporal docker',
    ]);
  });

  test('an installed CLI is used when its server understands update-with-start', async () => {
    const version = (text: string) => ({
      'java -version': java17,
      'temporal --version': { code: 0, output: text },
    });
    const newer = toolsWith(
      ['java', 'mvn', 'go', 'temporal'],
      version('temporal version 1.6.0 (Server 1.30.1, UI 2.44)'),
    );
    const older = toolsWith(
      ['java', 'mvn', 'go', 'temporal'],
      version('temporal version 1.1.0 (Server 1.25.0, UI 2.31)'),
    );
    const [, , withNewer] = await resolveComponents(wanted(), machine(newer));
    const [, , withOlder] = await resolveComponents(wanted(), machine(older));
    expect(withNewer?.cli?.path).toBe('/bin/temporal');
    expect(withOlder?.cli).toEqual({ path: undefined, version: '1.29.1 (CLI 1.5.1)' });
  });

  test('a bare machine is told everything that is missing at once, with the variables', async () => {
    const none = machine(toolsWith([]), { postgres: undefined });
    const error = await resolveComponents(wanted(), none).catch((thrown: Error) => thrown);
    const { message } = error as Error;
    expect(message).toContain('PostgreSQL, Kafka 4.1.0, Temporal cannot be started');
    expect(message).toContain('Java 17 or newer (java is not on PATH) and Maven (mvn is not on PATH)');
    expect(message).toContain('go is not on PATH');
    expect(message).toContain('docker is not installed');
    for (const variable of ['DATABASE_URL', 'KAFKA_BROKERS', 'TEMPORAL_ADDRESS']) {
      expect(message).toContain(`set ${variable}`);
    }
  });

  test('an old Java is named, and an engine that does not answer is not used', async () => {
    const tools = toolsWith(['java', 'mvn', 'go', 'docker'], {
      'java -version': { code: 0, output: 'java version "1.8.0_402"' },
    });
    await expect(resolveComponents(wanted(), machine(tools))).rejects.toThrow(
      /\/bin\/java is Java 8[^]*no Docker engine answers/,
    );
  });
});
