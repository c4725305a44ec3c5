/**
 * Brings a database to the schema of this code.
 *
 * Owns: applying `prisma/migrations` once, in order. Invariants: safe to run twice and by two processes at once (one
 * waits for the other); a database that knows migrations which this code does not is left alone. The engine leaves
 * a timer of 10 s behind, so a process that has nothing else to do ends itself (`bin/migrate`).
 */
import { join } from 'node:path';
import { Client } from 'pg';
import { readMigrations, withSchemaEngine } from './schema-engine';

/** Any number, the same in every version of Perennial: who holds it migrates. */
const migrationLock = 5_731_882_011;

/** The database cannot be migrated by this code; `message` says what to do. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused';
}

/**
 * Applies the migrations that are missing.
 * @param folder of the migrations; two levels above this file when compiled
 * @returns the names of the applied ones, oldest first
 * @throws MigrationRefused when the database is newer than the code, or a migration failed half-way earlier
 */
export async function migrate(databaseUrl: string, folder: string): Promise<string[]> {
  const migrations = readMigrations(folder);
  const known = new Set(migrations.migrationDirectories.map(({ path }) => path));
  const holder = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  await holder.connect();
  try {
    await holder.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    await refuseUnknownHistory(holder, known);
    const { appliedMigrationNames } = await withSchemaEngine(databaseUrl, (engine) =>
      engine.applyMigrations({
        migrationsList: migrations,
        filters: { externalTables: [], externalEnums: [] },
      }),
    );
    return appliedMigrationNames;
  } finally {
    await holder.end();
  }
}

async function refuseUnknownHistory(client: Client, known: ReadonlySet<string>): Promise<void> {
  const table = await client.query(`SELECT to_regclass('_prisma_migrations') AS name`);
  if (table.rows[0]?.name === null) return;
  const { rows } = await client.query<{ migration_name: string; finished_at: Date | null }>(
    'SELECT migration_name, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at',
  );
  const newer = rows.map((row) => row.migration_name).filter((name) => !known.has(name));
  if (newer.length > 0) {
    throw new MigrationRefused(
      `The database is newer than this code: it has ${newer.join(', ')}, which this version does not know. ` +
        'Nothing was changed. Run the version that made it, or a later one.',
    );
  }
  const failed = rows.find((row) => row.finished_at === null);
  if (failed) {
    throw new MigrationRefused(
      `The migration ${failed.migration_name} stopped half-way earlier. Look at its row in _prisma_migrations, ` +
        'mend the database, then run `npx prisma migrate resolve`.',
    );
  }
}

/** The folder of the migrations, seen from the compiled file or from the source. */
export function migrationsFolder(): string {
  const fromSource = __dirname;
  const root = fromSource.includes(join('dist', 'prisma'))
    ? join(fromSource, '..', '..')
    : join(fromSource, '..');
  return join(root, 'prisma', 'migrations');
}
