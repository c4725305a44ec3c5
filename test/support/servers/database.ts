/** A database of its own for a test file, on its worker's server: a copy of one that has every migration applied. */
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';

export interface TestDatabase {
  url: string;
  /** Removes the database, unless a connection is left: then it goes with its server. */
  drop(): Promise<void>;
}

const migrationsFolder = join(__dirname, '..', '..', '..', 'prisma', 'migrations');
const template = 'perennial_template';

/** Applies every migration to the database that the others are copied from. */
export async function createTemplate(adminUrl: string): Promise<void> {
  await query(adminUrl, `CREATE DATABASE ${template}`);
  await query(databaseAt(adminUrl, template), ...migrations());
}

/** @throws Error when `TEST_POSTGRES_URL` does not name a running server */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = process.env['TEST_POSTGRES_URL'];
  if (!adminUrl) throw new Error('TEST_POSTGRES_URL is not set: these tests need a running PostgreSQL');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await query(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  return {
    url: databaseAt(adminUrl, name),
    drop: () => query(adminUrl, `DROP DATABASE ${name}`).catch(() => undefined),
  };
}

function databaseAt(adminUrl: string, name: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

function migrations(): string[] {
  return readdirSync(migrationsFolder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted()
    .map((folder) => readFileSync(join(migrationsFolder, folder, 'migration.sql'), 'utf8'));
}

async function query(url: string, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
