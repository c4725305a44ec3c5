import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyJars, goFlagsForInstall, installGoPrograms } from '../../../dev/platform/builds';
import type { Tools } from '../../../dev/platform/tools';

let folder: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'perennial-builds-')), 'entry');
  mkdirSync(folder);
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

/** Every tool is this shell script. */
function toolsRunning(script: string): Tools {
  const path = join(folder, '..', 'tool');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { find: () => Promise.resolve(path), run: () => Promise.resolve({ code: 0, output: '' }) };
}
const context = (tools: Tools) => ({ tools, report: () => undefined });
const kafka = {
  title: 'Kafka 4.1.0',
  variable: 'KAFKA_BROKERS',
  artefacts: ['org.apache.kafka:kafka_2.13:4.1.0'],
};

test('without a network Maven’s failure says what was fetched, from where, and how to go on', async () => {
  const tools = toolsRunning('echo "[ERROR] Could not transfer artifact: Unknown host"; exit 1');
  const error = (await copyJars(kafka, folder, context(tools)).catch((thrown: Error) => thrown)) as Error;
  expect(error.message).toContain('Kafka 4.1.0 could not be fetched from the Maven repositories');
  expect(error.message).toContain('Unknown host');
  expect(error.message).toContain('run the same command again');
  expect(error.message).toContain('set KAFKA_BROKERS');
});

test('without a network Go’s failure names the proxy and keeps the whole output', async () => {
  const line = 'go: example.org/x@v1: Get "https://proxy": dial tcp: connection refused';
  const tools = toolsRunning(`echo some/package >&2; echo '${line}' >&2; exit 1`);
  const build = {
    title: 'Temporal CLI',
    variable: 'TEMPORAL_ADDRESS',
    packages: ['example.org/x@v1'],
    linkerFlags: '',
  };
  const error = (await installGoPrograms(build, folder, context(tools)).catch(
    (thrown: Error) => thrown,
  )) as Error;
  expect(error.message).toContain('the Go module proxy');
  expect(error.message).toContain('connection refused');
  expect(error.message).not.toContain('some/package');
  expect(readFileSync(`${folder}.log`, 'utf8')).toContain('some/package');
});

test('a missing tool is named', async () => {
  const none: Tools = {
    find: () => Promise.resolve(undefined),
    run: () => Promise.reject(new Error('unused')),
  };
  await expect(copyJars(kafka, folder, context(none))).rejects.toThrow('Kafka 4.1.0 needs mvn');
});

test('an aborted build is killed and says why', async () => {
  const tools = toolsRunning('sleep 600');
  const abort = new AbortController();
  const build = copyJars(kafka, folder, { ...context(tools), signal: abort.signal });
  setImmediate(() => abort.abort(new Error('interrupted')));
  await expect(build).rejects.toThrow('interrupted');
});

test.each([
  ['-mod=vendor -buildvcs=false', '-buildvcs=false'],
  ['-mod=mod', '-buildvcs=false'],
  ['', '-buildvcs=false'],
  ['-p=1 -modcacherw', '-p=1 -modcacherw'],
])('GOFLAGS %j become %j', (given, kept) => expect(goFlagsForInstall(given)).toBe(kept));
