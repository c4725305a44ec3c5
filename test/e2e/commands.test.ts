/** The programs before they serve anybody: their settings, and the schema that they bring or refuse. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultComposeFile } from '../../dev/platform/options';
import { startPlatform, type Platform } from '../../dev/platform/platform';
import { cleanPlatform } from '../../dev/platform/recovery';
import { requireCode, runProgram } from '../support/processes';
import { row } from '../support/system';

jest.setTimeout(90_000);

test.each(['api', 'worker', 'bridge', 'sandbox', 'all', 'migrate'])(
  'bin/%s with wrong settings exits with 2, names all of them, and shows no secret',
  async (name) => {
    const ended = await runProgram(`bin/${name}.js`, {
      API_PORT: 'eighty',
      KAFKA_BROKERS: 'nowhere',
      KAFKA_PARTITONS: '3',
      SHUTDOWN_TIMEOUT_MS: '5',
      BOOTSTRAP_API_KEY: 'too-short',
      DATABASE_URL: 'mysql://user:hidden@host/db',
    });
    const output = requireCode(ended, 2);
    expect(output).toContain('The configuration has 6 mistakes:');
    expect(output).toContain('API_PORT must be a whole number (it is "eighty")');
    expect(output).toContain('KAFKA_BROKERS must be host:port');
    expect(output).toContain('KAFKA_PARTITONS is not a setting');
    expect(output).toContain('SHUTDOWN_TIMEOUT_MS must be at least 1000');
    expect(output).toContain('BOOTSTRAP_API_KEY must be 32 characters or more');
    expect(output).toContain('DATABASE_URL must be a URL that begins with postgresql://');
    expect(output).not.toMatch(/too-short|hidden/);
  },
);

test('I8: bin/sandbox in production exits with 2 and names the setting that allows it', async () => {
  const output = requireCode(await runProgram('bin/sandbox.js', { NODE_ENV: 'production' }), 2);
  expect(output).toContain('the sandbox provider needs ALLOW_SANDBOX=true');
});

describe('bin/migrate', () => {
  const dir = mkdtempSync(join(tmpdir(), 'perennial-migrate-'));
  let platform: Platform | undefined;
  let environment: Record<string, string>;
  beforeAll(async () => {
    platform = await startPlatform({ dir, ports: 'free' });
    // A namespace of its own: it has to be made, too.
    environment = {
      ...platform.environment,
      TEMPORAL_NAMESPACE: 'billing',
      BOOTSTRAP_API_KEY: `dev_${randomUUID()}`,
    };
  });
  afterAll(async () => {
    await platform?.stop();
    await cleanPlatform(dir, defaultComposeFile(), () => undefined);
  });

  const migrate = (more: Record<string, string> = {}) =>
    runProgram('bin/migrate.js', { ...environment, ...more });

  /** Everything that a migration could have changed in the database. */
  function database() {
    return row(
      environment['DATABASE_URL'] ?? '',
      `SELECT (SELECT json_agg(json_build_array(table_name, column_name, data_type) ORDER BY 1::text, table_name, column_name)
               FROM information_schema.columns WHERE table_schema = 'public') AS columns,
              (SELECT json_agg(m ORDER BY started_at, migration_name) FROM _prisma_migrations m) AS migrations,
              (SELECT json_agg(k ORDER BY id) FROM api_keys k) AS keys`,
    );
  }

  test('two at once on an empty server, and once more: all exit with 0, and the last changes nothing', async () => {
    const both = await Promise.all([migrate(), migrate()]);
    for (const ended of both) requireCode(ended, 0);
    const made = await database();
    expect(made).toMatchObject({ keys: [expect.anything()] });
    expect(requireCode(await migrate(), 0)).toContain('database up to date');
    expect(await database()).toEqual(made);
  });

  test('a database newer than the code: exits with 1, says so, and changes nothing', async () => {
    await row(
      environment['DATABASE_URL'] ?? '',
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, 'none', '20990101000000_from_the_future', now(), now(), 1)`,
      [randomUUID()],
    );
    const before = await database();
    const output = requireCode(await migrate({ BOOTSTRAP_API_KEY: `dev_${randomUUID()}` }), 1);
    expect(output).toContain('The database is newer than this code: it has 20990101000000_from_the_future');
    expect(await database()).toEqual(before);
  });
});
