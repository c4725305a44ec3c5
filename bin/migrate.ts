/** Brings everything that has a schema to the one of this code: tables and the ledger, topics, namespace, the bootstrap key. */
import { Connection } from '@temporalio/client';
import { ensureBootstrapKey } from '../access/keys';
import { enterOldRows } from '../billing/payment/enter-old-rows';
import { closeDatabase, createDatabase } from '../prisma/client';
import { migrate, migrationsFolder } from '../prisma/migrate';
import { kafkaFrom } from './kafka';
import { runCommand } from './process';
import { provisionTemporal, provisionTopics } from './provision';
import { temporalSettings } from './temporal';

runCommand('migrate', async ({ config, log }) => {
  const applied = await migrate(config.DATABASE_URL, migrationsFolder());
  log.info({ applied }, applied.length === 0 ? 'database up to date' : 'database migrated');
  const db = createDatabase(config.DATABASE_URL, 5);
  const entered = await enterOldRows(db, (sums) => log.info(sums, 'entering rows of before the ledger'));
  log.info(entered, 'rows of before the ledger are entered');
  if (config.BOOTSTRAP_API_KEY !== undefined) await ensureBootstrapKey(db, config.BOOTSTRAP_API_KEY);
  await closeDatabase(db);
  const temporal = Connection.connect(temporalSettings(config));
  await Promise.all([
    provisionTopics(kafkaFrom(config, log), config, log),
    temporal.then((connection) => provisionTemporal(connection, config, log)),
  ]);
});
