import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { Kafka, logLevel } from 'kafkajs';
import { Client } from 'pg';
import { startPlatform, type Platform } from '../../../dev/platform/platform';
import { pickFreePort } from '../../../dev/platform/ports';
import { cleanPlatform } from '../../../dev/platform/recovery';
import { readState } from '../../../dev/platform/state';

jest.setTimeout(180_000);

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'perennial-platform-'));
});
afterEach(async () => {
  await cleanPlatform(dir, '', () => undefined);
  rmSync(dir, { recursive: true, force: true });
});

const processesOf = (folder: string) =>
  execFileSync('ps', ['-ww', '-eo', 'args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(folder));

async function sql(url: string | undefined, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client
    .query(text)
    .then(({ rows }) => rows as unknown[])
    .finally(() => client.end());
}

async function topics(platform: Platform, create: string[] = []): Promise<string[]> {
  const brokers = (platform.environment['KAFKA_BROKERS'] ?? '').split(',');
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    if (create.length > 0) await admin.createTopics({ topics: create.map((topic) => ({ topic })) });
    return (await admin.listTopics()).filter((name) => !name.startsWith('__'));
  } finally {
    await admin.disconnect();
  }
}

async function searchAttributes(platform: Platform): Promise<string[]> {
  const connection = await Connection.connect({ address: platform.environment['TEMPORAL_ADDRESS'] });
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    return Object.keys(customAttributes ?? {});
  } finally {
    await connection.close();
  }
}

const perennialAttributes = ['SubscriptionId', 'CustomerId', 'PaymentId', 'BillingStatus'];

test('all three start, answer, come back after a crash with their data, and leave nothing', async () => {
  const platform = await startPlatform({ dir, ports: 'free' });
  const { DATABASE_URL, SANDBOX_DATABASE_URL, TEMPORAL_UI_URL } = platform.environment;
  await sql(DATABASE_URL, 'CREATE TABLE kept AS SELECT 1 AS one');
  expect(await sql(SANDBOX_DATABASE_URL, 'SELECT current_database() AS name')).toEqual([
    { name: 'perennial_sandbox' },
  ]);
  expect(await sql(DATABASE_URL, 'SHOW max_connections')).toEqual([{ max_connections: '200' }]);
  expect(await topics(platform, ['kept'])).toEqual(['kept']);
  expect(await searchAttributes(platform)).toEqual(expect.arrayContaining(perennialAttributes));
  expect((await fetch(TEMPORAL_UI_URL ?? '')).status).toBe(200);
  expect(
    readState(dir)
      ?.processes.map(({ name }) => name)
      .sort(),
  ).toEqual(['kafka', 'postgres', 'temporal']);

  await expect(startPlatform({ dir, ports: 'free' })).rejects.toMatchObject({ code: 'already_running' });

  for (const server of [platform.postgres, platform.kafka, platform.temporal]) {
    await server.kill();
    expect(server.pid).toBeUndefined();
    await server.start();
  }
  expect(await sql(DATABASE_URL, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
  expect(await topics(platform)).toEqual(['kept']);
  expect(await searchAttributes(platform)).toEqual(expect.arrayContaining(perennialAttributes));

  await platform.stop();
  expect(processesOf(dir)).toEqual([]);
  expect(existsSync(join(dir, 'platform.json'))).toBe(false);
});

test('a taken port is told before anything starts', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const taken = (holder.address() as AddressInfo).port;
  const ports = {
    postgres: await pickFreePort(),
    kafka: taken,
    temporal: await pickFreePort(),
    temporalUi: await pickFreePort(),
  };
  const start = startPlatform({ dir, ports });
  await expect(start).rejects.toThrow(`Port ${taken} is taken; Kafka needs it.`);
  await expect(start).rejects.toThrow('KAFKA_PORT');
  expect(processesOf(dir)).toEqual([]);
  await new Promise((resolve) => holder.close(resolve));
});

test('an aborted start leaves nothing running, and the next one succeeds', async () => {
  const abort = new AbortController();
  const report = (line: string) => {
    if (line.startsWith('Temporal')) setImmediate(() => abort.abort(new Error('interrupted')));
  };
  await expect(startPlatform({ dir, ports: 'free', report, signal: abort.signal })).rejects.toThrow(
    'interrupted',
  );
  expect(processesOf(dir)).toEqual([]);
  const platform = await startPlatform({ dir, ports: 'free', components: ['postgres'] });
  await platform.stop();
});

test('servers given by the environment are used, and are not stopped', async () => {
  const given = await startPlatform({ dir, ports: 'free', components: ['postgres'] });
  const other = join(dir, 'other');
  const { DATABASE_URL } = given.environment;
  const platform = await startPlatform({
    dir: other,
    ports: 'free',
    components: ['postgres'],
    given: { DATABASE_URL },
  });
  expect(platform.components).toMatchObject([{ from: 'environment', version: '18.4' }]);
  expect(platform.components[0]?.address).not.toContain('perennial:perennial');
  expect(platform.environment['DATABASE_URL']).toBe(DATABASE_URL);
  await expect(platform.postgres.kill()).rejects.toMatchObject({ code: 'not_ours' });
  await platform.stop();
  expect(await sql(DATABASE_URL, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await given.stop();
});
