/** Before the tests that need them: real PostgreSQL, Kafka and Temporal, and the programs that some start themselves. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reuseWorkflowIdsAtOnce } from '../../dev/platform/options';
import { startPlatform, type Platform } from '../../dev/platform/platform';
import { ensureStripeMock } from '../../dev/platform/stripe-mock';
import { ensureTestServer } from '../../dev/platform/temporal-test-server';

declare global {
  var testPlatform: Platform | undefined;
}

export default async function startServers(): Promise<void> {
  const report = (line: string) => void process.stderr.write(`${line}\n`);
  const [platform, testServer, stripeMock] = await Promise.all([
    startPlatform({
      dir: mkdtempSync(join(tmpdir(), 'perennial-test-')),
      ports: 'free',
      temporalDynamicConfig: reuseWorkflowIdsAtOnce,
      report,
    }),
    ensureTestServer({ report }),
    ensureStripeMock({ report }),
  ]);
  globalThis.testPlatform = platform;
  const { DATABASE_URL, KAFKA_BROKERS, TEMPORAL_ADDRESS } = platform.environment;
  Object.assign(process.env, {
    TEST_POSTGRES_URL: DATABASE_URL,
    TEST_KAFKA_BROKERS: KAFKA_BROKERS,
    TEST_TEMPORAL_ADDRESS: TEMPORAL_ADDRESS,
    TEST_TIME_SKIPPING_SERVER: testServer,
    TEST_STRIPE_MOCK: stripeMock,
  });
}
