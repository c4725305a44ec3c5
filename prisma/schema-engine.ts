/**
 * Prisma's schema engine as WebAssembly: migrations without the native binary that Prisma's CLI downloads.
 *
 * Owns: loading the module and speaking to it. Invariant: it keeps Prisma's own `_prisma_migrations` table, so that
 * `prisma migrate deploy` and this path can take turns on one database.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { Pool } from 'pg';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';
import { inUtc } from './time-zone';

/** A migrations folder as the engine wants to be told of it. */
export interface MigrationsFolder {
  baseDir: string;
  lockfile: { path: string; content: string | null };
  shadowDbInitScript: string;
  migrationDirectories: {
    path: string;
    migrationFile: { path: string; content: { tag: 'ok'; value: string } };
  }[];
}

/** Reads a folder of migrations, oldest first. */
export function readMigrations(folder: string): MigrationsFolder {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return {
    baseDir: folder,
    lockfile: {
      path: 'migration_lock.toml',
      content: readFileSync(join(folder, 'migration_lock.toml'), 'utf8'),
    },
    shadowDbInitScript: '',
    migrationDirectories: names.map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: readFileSync(join(folder, name, 'migration.sql'), 'utf8') },
      },
    })),
  };
}

/** The engine asks for a datamodel; to apply migrations it needs to know the kind of database and nothing else. */
const datasource = 'datasource db {\n  provider = "postgresql"\n}\n';

type Connection = Awaited<ReturnType<PrismaPg['connect']>>;

/** Prisma's adapter cuts a script at each semicolon, also within a function or a comment: PostgreSQL cuts it itself. */
class WholeScripts extends PrismaPg {
  override async connect(): Promise<Connection> {
    const connection = await super.connect();
    connection.executeScript = async (script) => {
      await connection.underlyingDriver().query(script);
    };
    return connection;
  }
}

/** Runs `work` with an engine bound to a database; the engine is freed afterwards. */
export async function withSchemaEngine<T>(
  databaseUrl: string,
  work: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const SchemaEngineClass = await loadEngine();
  const pool = new Pool({ connectionString: inUtc(databaseUrl), max: 2 });
  const adapter = bindMigrationAwareSqlAdapterFactory(new WholeScripts(pool));
  const engine = await SchemaEngineClass.new(
    { datamodels: [['schema.prisma', datasource]] },
    () => undefined,
    adapter,
  );
  try {
    return await work(engine);
  } finally {
    engine.free();
    await pool.end();
  }
}

/** The part of the WebAssembly interface that is used; TypeScript has it in its browser library only. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: Record<string, object>) => { exports: Record<string, unknown> };
};

let loaded: Promise<typeof SchemaEngine> | undefined;

/** Once per process: the glue code holds one instance, a second would pull the memory from under the first. */
function loadEngine(): Promise<typeof SchemaEngine> {
  loaded ??= instantiate();
  return loaded;
}

async function instantiate(): Promise<typeof SchemaEngine> {
  // The module reports its panics here; without a listener the message would be lost.
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: { set_message: (message: string) => process.stderr.write(`${message}\n`) },
  });
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const wasmPath = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg').replace(/\.js$/, '.wasm');
  const module = new WebAssembly.Module(readFileSync(wasmPath));
  const instance = new WebAssembly.Instance(module, {
    './schema_engine_bg.js': glue,
  });
  glue.__wbg_set_wasm(instance.exports);
  (instance.exports['__wbindgen_start'] as () => void)();
  return glue.SchemaEngine;
}
