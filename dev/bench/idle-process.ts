/** A process with idle connections to Kafka, for their benchmark: tells which share of a core it used, then waits. */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { kafkaFrom } from '../../bin/kafka';
import { loadConfig } from '../../config';
import { consumerGroups, topicNames, topics, type TopicDescription } from '../../contracts/topics/topics';

const settleMs = 5_000;
const measuredMs = 20_000;

/** kafkajs's own method, as it is before our client patches it. */
const { prototype } = createRequire(__filename)('kafkajs/src/network/requestQueue') as {
  prototype: { scheduleCheckPendingRequests(): void };
};
const original = Object.getOwnPropertyDescriptor(prototype, 'scheduleCheckPendingRequests');

async function main(): Promise<void> {
  const kafka = kafkaFrom(loadConfig(process.env), pino({ level: 'warn' }));
  if (process.argv[2] === 'unpatched' && original !== undefined)
    Object.defineProperty(prototype, 'scheduleCheckPendingRequests', original);
  const readsFor = (group: string) => (name: (typeof topicNames)[number]) => {
    const { consumers, extensionConsumers = [] }: TopicDescription = topics[name];
    return [...consumers, ...extensionConsumers].some((reader) => reader === group);
  };
  await kafka.producer();
  await Promise.all(
    consumerGroups.map((group) =>
      kafka.consumer({
        group,
        topics: topicNames.filter(readsFor(group)),
        handle: () => Promise.resolve(true),
        onFatal(error) {
          throw error;
        },
      }),
    ),
  );
  await sleep(settleMs);
  const begun = process.cpuUsage();
  const begunMs = performance.now();
  await sleep(measuredMs);
  const { user, system } = process.cpuUsage(begun);
  process.send?.((user + system) / 1000 / (performance.now() - begunMs));
}

process.on('disconnect', () => process.exit(0));
void main();
