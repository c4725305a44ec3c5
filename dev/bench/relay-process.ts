/** The relay alone in its process, for its benchmark: on any message it tells what it has used so far. */
import { pino } from 'pino';
import { startRelay } from '../../bridge/relay/relay';
import { kafkaFrom } from '../../bin/kafka';
import { loadConfig } from '../../config';
import { createDatabase } from '../../prisma/client';

export interface Usage {
  cpuMs: number;
  rssMib: number;
}

const config = loadConfig(process.env);
const log = pino({ level: 'warn' });
startRelay({
  databaseUrl: config.DATABASE_URL,
  db: createDatabase(config.DATABASE_URL, 2),
  kafka: kafkaFrom(config, log),
  log,
});

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({
    cpuMs: (user + system) / 1000,
    rssMib: process.memoryUsage.rss() / 2 ** 20,
  } satisfies Usage);
});
process.on('disconnect', () => process.exit(0));
