/** `/healthz` and `/readyz` of a worker and a bridge, each a process, while a server vanishes from the network. */
import type { Readiness } from '../../../contracts/http/service';
import { consumerGroups } from '../../../contracts/topics/topics';
import { pickFreePort } from '../../../dev/platform/ports';
import { freshKafka, type FreshKafka } from '../../support/kafka/fresh-kafka';
import { openWay, type Way } from '../../support/network-way';
import { startProgram, type Program } from '../../support/processes';
import { createTestDatabase, type TestDatabase } from '../../support/servers/database';
import { until } from '../../support/until';

jest.setTimeout(240_000);
/** As the operations guide promises it. */
const unhealthyWithinMs = 60_000;

let database: TestDatabase;
let kafka: FreshKafka;
let port: number;
let program: Program;
let way: Way;
beforeAll(async () => {
  database = await createTestDatabase();
  kafka = await freshKafka(1);
});
afterEach(async () => {
  program.killGroup();
  await program.ended;
  await way.end();
});
afterAll(async () => {
  await kafka.end();
  await database.drop();
});

async function start(path: string, environment: Record<string, string>, args: string[] = []): Promise<void> {
  port = await pickFreePort();
  program = startProgram(
    path,
    {
      METRICS_PORT: String(port),
      DATABASE_URL: database.url,
      KAFKA_BROKERS: process.env['TEST_KAFKA_BROKERS'],
      TEMPORAL_ADDRESS: process.env['TEST_TEMPORAL_ADDRESS'],
      ...environment,
    },
    args,
  );
}
const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);

/** The parts that are down; null while the process does not answer. */
async function partsDown(): Promise<string[] | null> {
  const response = await ask('/readyz').catch(() => null);
  if (response === null) return null;
  const { status, parts } = (await response.json()) as Readiness;
  expect(response.status).toBe(status === 'ready' ? 200 : 503);
  return parts.filter(({ state }) => state === 'down').map(({ name }) => name);
}
const untilReady = () =>
  until(`it is ready\n${program.output()}`, async () => (await partsDown())?.length === 0, 90_000);
const untilDown = (name: string) =>
  until(`${name} is down`, async () => (await partsDown())?.includes(name), unhealthyWithinMs);

describe('health: a worker', () => {
  it('is ready while it polls, is not while Temporal does not answer, and is again afterwards', async () => {
    way = await openWay(process.env['TEST_TEMPORAL_ADDRESS'] ?? '');
    await start('bin/worker.js', { TEMPORAL_ADDRESS: way.address }, ['subscription']);
    await untilReady();
    way.cut();
    await untilDown('worker subscription');
    expect((await ask('/healthz')).status).toBe(200);
    way.mend();
    await untilReady();
    expect(await (await ask('/metrics')).text()).toContain('process_cpu_user_seconds_total');
  });
});

describe('health: a bridge', () => {
  it('is ready when its groups have joined and its relay works, and is not while PostgreSQL is gone', async () => {
    const url = new URL(database.url);
    way = await openWay(url.host);
    url.host = way.address;
    await start('bin/bridge.js', { DATABASE_URL: url.href });
    await untilReady();
    const { parts } = (await (await ask('/readyz')).json()) as Readiness;
    expect(parts.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['relay', ...consumerGroups, 'postgres', 'temporal']),
    );
    way.cut();
    await untilDown('postgres');
    expect((await ask('/healthz')).status).toBe(200);
    way.mend();
    await untilReady();
  });
});
