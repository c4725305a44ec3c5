/** `make demo`: exits with 0 only when all of it was seen, and leaves nothing behind either way. */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pickFreePort } from '../../dev/platform/ports';
import { processesWith, requireCode, runProgram } from '../support/processes';

jest.setTimeout(240_000);

let folder: string;
let environment: Record<string, string>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perennial-demo-test-'));
  // PostgreSQL's own user has to reach its data here, so that all of the demo's files are in this folder.
  chmodSync(folder, 0o755);
  // No system of this checkout's own is running there.
  environment = { TMPDIR: folder, PLATFORM_DIR: join(folder, 'none') };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function expectNothingLeft(): void {
  expect(processesWith(folder)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
}

test('tells its story from the order to a Kafka consumer, and exits with 0', async () => {
  const output = requireCode(await runProgram('dev/demo/main.js', environment), 0);
  expect(output).toMatch(/All \d+ steps were seen\.\s*$/);
  for (const part of [
    'topic subscriptions.created',
    'group payment-service has consumed it',
    'charged once',
    'the clock arrived',
    'cancelled at 2030-06-01',
    'charged 20.00 EUR, used 13.00, given back 7.00',
    'The attempt is completed by this webhook.',
    'topic payments.requested',
    'final_action: expire',
    'attempt 3, automatic_retry, at 2031-02-10T07:00:00.000Z: failed (insufficient_funds)',
    'attempt 4, manual_retry, at 2031-02-10T07:00:00.000Z: completed',
    'attempt 2, automatic_retry, at 2031-03-15T12:00:00.000Z: completed',
  ]) {
    expect(output).toContain(part);
  }
  expectNothingLeft();
});

test('a provider that cannot be reached: not 0, and the step that failed', async () => {
  const nowhere = `http://127.0.0.1:${await pickFreePort()}`;
  const ended = await runProgram('dev/demo/main.js', { ...environment, SANDBOX_PROVIDER_URL: nowhere });
  const output = requireCode(ended, 1);
  expect(output).toMatch(/The demo failed: .*POST \/subscriptions answered 202 instead of 201/);
  expect(output).not.toContain('steps were seen');
  expectNothingLeft();
});

test('a broker that cannot be reached: not 0, and the setting that names it', async () => {
  const nowhere = `127.0.0.1:${await pickFreePort()}`;
  const ended = await runProgram('dev/demo/main.js', { ...environment, KAFKA_BROKERS: nowhere });
  const output = requireCode(ended, 1);
  expect(output).toMatch(/The demo failed: .*KAFKA_BROKERS/);
  expect(output).toContain(nowhere);
  expectNothingLeft();
});
