/**
 * Before the integration tests: PostgreSQL, Kafka and Temporal for each worker of jest, and the programs that some
 * tests start themselves.
 *
 * Owns: the servers of the whole run. Invariant: two workers of jest share no server, so fixed names of topics, groups
 * and workflows never meet.
 */
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from 'jest';
import { reuseWorkflowIdsAtOnce } from '../../../dev/platform/options';
import { startPlatform, type Platform } from '../../../dev/platform/platform';
import { ensureStripeMock } from '../../../dev/platform/stripe-mock';
import { createTemplate } from './database';
import { prepareWorkflows } from './workflows';

declare global {
  var testPlatforms: Platform[] | undefined;
}

type GlobalConfig = Pick<Config, 'maxWorkers'> & { nonFlagArgs: readonly string[] };

const report = (line: string) => void process.stderr.write(`${line}\n`);

export default async function startServers({ maxWorkers, nonFlagArgs }: GlobalConfig): Promise<void> {
  const workers = nonFlagArgs.length === 1 && isFile(nonFlagArgs[0]) ? 1 : Number(maxWorkers ?? 1);
  const platforms: Platform[] = [];
  globalThis.testPlatforms = platforms;
  const prepared = Promise.all([ensureStripeMock({ report }), prepareWorkflows()]);
  const environments = await Promise.all(
    // One table of components and one account of what is built are enough.
    Array.from({ length: workers }, (_, at) => startOne(platforms, at === 0 ? report : () => undefined)),
  );
  const [stripeMock] = await prepared;
  Object.assign(process.env, {
    TEST_SERVERS: JSON.stringify(environments),
    TEST_STRIPE_MOCK: stripeMock,
  });
}

async function startOne(platforms: Platform[], to: typeof report): Promise<Record<string, string>> {
  const platform = await startPlatform({
    dir: mkdtempSync(join(tmpdir(), 'perennial-test-')),
    ports: 'free',
    // No test takes this server's power away.
    postgresSettings: { fsync: 'off' },
    temporalDynamicConfig: reuseWorkflowIdsAtOnce,
    report: to,
  });
  platforms.push(platform);
  const { DATABASE_URL = '', KAFKA_BROKERS = '', TEMPORAL_ADDRESS = '' } = platform.environment;
  await createTemplate(DATABASE_URL);
  return {
    TEST_POSTGRES_URL: DATABASE_URL,
    TEST_KAFKA_BROKERS: KAFKA_BROKERS,
    TEST_TEMPORAL_ADDRESS: TEMPORAL_ADDRESS,
  };
}

function isFile(path: string | undefined): boolean {
  return path !== undefined && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
