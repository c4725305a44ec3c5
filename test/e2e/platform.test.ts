/** `make up`, as a person at a terminal meets it. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultComposeFile } from '../../dev/platform/options';
import { pickFreePort } from '../../dev/platform/ports';
import { cleanPlatform } from '../../dev/platform/recovery';
import { processesWith, startProgram, untilPrinted, type Program } from '../support/processes';

jest.setTimeout(150_000);

const main = 'dev/platform/main.js';
const dir = mkdtempSync(join(tmpdir(), 'perennial-up-'));
const apiKey = `dev_${randomUUID()}`;
const programs: Program[] = [];
let environment: Record<string, string>;

beforeAll(async () => {
  const names = ['POSTGRES', 'KAFKA', 'TEMPORAL', 'TEMPORAL_UI', 'API', 'SANDBOX', 'METRICS'];
  const ports = await Promise.all(
    names.map(async (name): Promise<[string, string]> => [`${name}_PORT`, String(await pickFreePort())]),
  );
  environment = { ...Object.fromEntries(ports), PLATFORM_DIR: dir, BOOTSTRAP_API_KEY: apiKey };
});
afterAll(async () => {
  for (const program of programs) program.killGroup();
  await cleanPlatform(dir, defaultComposeFile(), () => undefined);
});

async function up(): Promise<Program> {
  const program = startProgram(main, environment, ['up']);
  programs.push(program);
  await untilPrinted(program, 'Ready in');
  return program;
}

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`http://127.0.0.1:${environment['API_PORT']}${path}`, {
    method,
    headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('kill -9 of the whole group, then up again with the data; Ctrl-C leaves no process', async () => {
  const first = await up();
  const price = { currency: 'EUR', amount: 1000, interval: { unit: 'month', count: 1 } };
  expect((await call('POST', '/plans', { id: 'gold', name: 'Gold', ...price })).status).toBe(201);
  const customer = (await call('POST', '/customers', {})).body['id'];
  const method = { provider: 'sandbox', token: 'tok_ok', default: true };
  await call('POST', `/customers/${String(customer)}/payment-methods`, method);
  const order = { customer_id: customer, plan_id: 'gold' };
  const bought = await call('POST', '/subscriptions', order);
  expect(bought).toMatchObject({ status: 201, body: { status: 'active' } });
  const path = `/subscriptions/${String(bought.body['id'])}`;
  const stored = (await call('GET', path)).body;
  first.killGroup();
  await first.ended;

  const second = await up();
  expect(await call('GET', '/plans/gold')).toMatchObject({ status: 200, body: price });
  expect(await call('GET', path)).toEqual({ status: 200, body: stored });
  expect(await call('DELETE', path)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  expect(await call('POST', '/subscriptions', order)).toMatchObject({ status: 201 });

  expect(processesWith(dir).length).toBeGreaterThan(3);
  second.kill('SIGINT');
  const { code, output } = await second.ended;
  expect({ code, end: output.trim().split('\n').at(-1) }).toEqual({
    code: 0,
    end: 'Everything has stopped.',
  });
  expect(processesWith(dir)).toEqual([]);
});
