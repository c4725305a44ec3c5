/**
 * Developer's command: writes the migration that leads from the migrations so far to `schema.prisma`.
 *
 * `SCRATCH_DATABASE_URL=… npm run migration -- NAME`; `--check` only says whether one is missing, without a database.
 * `migrations/schema.snapshot.prisma.gz` is the schema that the committed migrations lead to; compressed, because nobody
 * reads or edits it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { migrationsFolder } from '../../prisma/migrate';
import { withSchemaEngine } from '../../prisma/schema-engine';

const folder = migrationsFolder();
const snapshotPath = join(folder, 'schema.snapshot.prisma.gz');
const schema = readFileSync(join(folder, '..', 'schema.prisma'), 'utf8');
const snapshot = existsSync(snapshotPath)
  ? gunzipSync(readFileSync(snapshotPath)).toString('utf8')
  : undefined;

async function write(name: string, scratchUrl: string): Promise<string> {
  const datamodel = (content: string) => ({
    tag: 'schemaDatamodel' as const,
    files: [{ path: 'schema.prisma', content }],
  });
  const { stdout } = await withSchemaEngine(scratchUrl, (engine) =>
    engine.diff({
      from: snapshot === undefined ? { tag: 'empty' } : datamodel(snapshot),
      to: datamodel(schema),
      script: true,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    }),
  );
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const path = join(folder, `${stamp}_${name}`);
  mkdirSync(path);
  writeFileSync(join(path, 'migration.sql'), stdout ?? '');
  writeFileSync(snapshotPath, gzipSync(schema, { level: 9 }));
  return path;
}

function fail(message: string, exitCode: number): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = exitCode;
}

const [name] = process.argv.slice(2);
const scratchUrl = process.env['SCRATCH_DATABASE_URL'];
if (name === '--check') {
  if (schema !== snapshot)
    fail('schema.prisma changed and has no migration yet: npm run migration -- NAME', 1);
} else if (!name || !scratchUrl) {
  fail('usage: SCRATCH_DATABASE_URL=postgresql://… npm run migration -- NAME | --check', 2);
} else {
  write(name, scratchUrl).then(
    (path) => process.stdout.write(`${path}\n`),
    (error: unknown) => fail(String(error), 1),
  );
}
