/** The bridge: relay and consumers. */
import { startRelay } from '../bridge/relay';
import { paymentServiceHandlers } from '../bridge/consumers/payment-service';
import { runGroup } from '../bridge/consumer';
import { createDatabase } from '../prisma/client';
import { kafkaFrom } from './kafka';
import type { Part, ProcessContext } from './process';
import { lazyTemporalClient } from './temporal';

export async function startBridge({ config, log, onFatal }: ProcessContext): Promise<Part[]> {
  const kafka = kafkaFrom(config, log);
  const db = createDatabase(config.DATABASE_URL, config.DATABASE_POOL_SIZE);
  const temporal = lazyTemporalClient(config);
  const relay = startRelay({ databaseUrl: config.DATABASE_URL, kafka, log: log.child({ part: 'relay' }) });
  const handlers = paymentServiceHandlers({
    db,
    client: temporal.client,
    incompleteHours: config.INCOMPLETE_HOURS,
  });
  const group = await runGroup({ kafka, log, onFatal }, 'payment-service', handlers);
  return [
    { name: 'consumers', close: () => group.close() },
    { name: 'relay', close: () => relay.close() },
    { name: 'temporal', close: () => temporal.close() },
    { name: 'database', close: () => db.$disconnect() },
  ];
}
