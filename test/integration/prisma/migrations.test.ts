import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { closeDatabase, createDatabase } from '../../../prisma/client';
import { Prisma } from '../../../prisma/generated/client';

const root = join(__dirname, '..', '..', '..');
const known = readdirSync(join(root, 'prisma', 'migrations'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

/** The compiled command: the schema engine is an ES module, which jest's sandbox does not load. */
function migrate(databaseUrl: string): Promise<{ exitCode: number; output: string }> {
  const env = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: process.env['TEST_KAFKA_BROKERS'],
    TEMPORAL_ADDRESS: process.env['TEST_TEMPORAL_ADDRESS'],
    KAFKA_REPLICATION_FACTOR: '1',
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(root, 'dist', 'bin', 'migrate.js')],
      { env },
      (error, stdout, stderr) => {
        resolve({ exitCode: error === null ? 0 : Number(error.code), output: stdout + stderr });
      },
    );
  });
}

async function withDatabase(work: (url: string, client: Client) => Promise<void>): Promise<void> {
  const admin = new Client({ connectionString: process.env['TEST_POSTGRES_URL'] });
  await admin.connect();
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(process.env['TEST_POSTGRES_URL'] ?? '');
  url.pathname = `/${name}`;
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    await work(url.href, client);
  } finally {
    await client.end();
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  }
}

const applied = async (client: Client) => {
  const { rows } = await client.query<{ migration_name: string }>(
    'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY migration_name',
  );
  return rows.map(({ migration_name }) => migration_name);
};

describe('bin/migrate', () => {
  it('makes a database in which every model can be read, and finds nothing to do the second time', () =>
    withDatabase(async (url, client) => {
      expect(await migrate(url)).toMatchObject({ exitCode: 0 });
      const db = createDatabase(url, 2);
      const models = Object.values(Prisma.ModelName).map((name) => name[0]?.toLowerCase() + name.slice(1));
      const tables = db as unknown as Record<string, { findFirst(): Promise<unknown> }>;
      const read = async (model: string) => tables[model]?.findFirst();
      // One after the other: the pool is small, and who waits for it is given up after a while.
      for (const model of models) expect([model, await read(model)]).toEqual([model, null]);
      await closeDatabase(db);
      const again = await migrate(url);
      expect(again).toMatchObject({ exitCode: 0, output: expect.stringContaining('up to date') });
      expect(await applied(client)).toEqual(known);
    }));

  it('can be run by two at once', () =>
    withDatabase(async (url, client) => {
      const both = await Promise.all([migrate(url), migrate(url)]);
      expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
      expect(await applied(client)).toEqual(known);
    }));

  it('leaves alone a database that a newer version has migrated', () =>
    withDatabase(async (url, client) => {
      await migrate(url);
      await client.query(
        `INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
         VALUES ('newer', '0', now(), '29991231000000_tomorrow', now(), 1)`,
      );
      const refused = await migrate(url);
      expect(refused.exitCode).toBe(1);
      expect(refused.output).toContain('The database is newer than this code');
      expect(refused.output).toContain('29991231000000_tomorrow');
    }));

  it('names a migration that stopped half-way and does not go on over it', () =>
    withDatabase(async (url, client) => {
      await migrate(url);
      await client.query(`UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = $1`, [
        known[0],
      ]);
      const refused = await migrate(url);
      expect(refused.exitCode).toBe(1);
      expect(refused.output).toContain('stopped half-way');
    }));
});
