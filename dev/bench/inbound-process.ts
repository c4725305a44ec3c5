/** One side of the inbound benchmark in a process of its own: reads the records that it is told, says what it took. */
import { once } from 'node:events';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { Kafka, logLevel } from 'kafkajs';
import { pino } from 'pino';
import { runGroup } from '../../bridge/consumer/consumer';
import { WorkflowClient } from '../../temporal/client';
import { kafkaFrom } from '../../bin/kafka';
import { loadConfig } from '../../config';
import type { EventTopic } from '../../contracts/topics/events';
import type { ConsumerGroup } from '../../contracts/topics/topics';
import { createDatabase } from '../../prisma/client';
import { runMany } from './load';

interface Records {
  topic: EventTopic;
  count: number;
}

/** The bare loop under a name, or a group of the product. */
export type InboundTask =
  (Records & { kind: 'bare'; name: string }) | (Records & { kind: 'group'; isSignalling: boolean });

export interface InboundFigures {
  perSecond: number;
  cpuMsPerRecord: number;
  /** While it ran. */
  rssMib: number[];
}

const config = loadConfig(process.env);
const log = pino({ level: 'warn' });
/** As the product: so many partitions at once, and so many records of each. */
const [bareReaders, bareLanes] = [4, 32];

/** Counts from the first record on: connecting and joining are no part of it. */
class Meter {
  readonly finished: Promise<void>;
  private reportFinished = (): void => undefined;
  private beganMs = 0;
  private endedMs = 0;
  private cpu = process.cpuUsage();
  private done = 0;
  private readonly rssMib: number[] = [];

  constructor(private readonly count: number) {
    this.finished = new Promise((resolve) => {
      this.reportFinished = resolve;
    });
  }

  begin(): void {
    if (this.beganMs > 0) return;
    this.beganMs = performance.now();
    this.cpu = process.cpuUsage();
  }

  end(): void {
    this.done += 1;
    if (this.done % Math.ceil(this.count / 100) === 0) this.rssMib.push(process.memoryUsage.rss() / 2 ** 20);
    if (this.done !== this.count) return;
    this.endedMs = performance.now();
    this.cpu = process.cpuUsage(this.cpu);
    this.reportFinished();
  }

  figures(): InboundFigures {
    const seconds = (this.endedMs - this.beganMs) / 1000;
    const cpuMs = (this.cpu.user + this.cpu.system) / 1000;
    return { perSecond: this.count / seconds, cpuMsPerRecord: cpuMs / this.count, rssMib: this.rssMib };
  }
}

async function workflowClient(): Promise<WorkflowClient> {
  const connection = await NativeConnection.connect({
    address: config.TEMPORAL_ADDRESS,
    grpcCompression: { codec: 'none' },
  });
  return new WorkflowClient(new Client({ connection }));
}

/** What anybody would write first. */
async function runBare({ topic, name }: { topic: string; name: string }, meter: Meter): Promise<void> {
  const client = await workflowClient();
  const kafka = new Kafka({ brokers: config.KAFKA_BROKERS, logLevel: logLevel.ERROR });
  const consumer = kafka.consumer({ groupId: `bare-${name}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: bareReaders,
    eachBatch: async ({ batch: { messages } }) => {
      await runMany(messages.length, bareLanes, async (index) => {
        meter.begin();
        const event = JSON.parse(messages[index]?.value?.toString() ?? '') as {
          id: string;
          data: { subscription_id: string };
        };
        const eventId = `${name}/${event.id}`;
        await client.signalIfRunning(`sleeper/${event.data.subscription_id}`, {
          name: 'wake',
          args: [],
          eventId,
        });
        meter.end();
      });
    },
  });
}

async function runProduct(
  { topic, isSignalling }: { topic: EventTopic; isSignalling: boolean },
  meter: Meter,
): Promise<void> {
  const client = isSignalling ? await workflowClient() : undefined;
  const group: ConsumerGroup = isSignalling ? 'subscription-service' : 'retry-service';
  const onFatal = (error: Error): void => {
    throw error;
  };
  const deps = { kafka: kafkaFrom(config, log), db: createDatabase(config.DATABASE_URL, 2), log, onFatal };
  await runGroup(deps, group, {
    [topic]: async ({ id, data }: { id: string; data: { subscription_id: string } }) => {
      meter.begin();
      const workflowId = `sleeper/${data.subscription_id}`;
      if (client !== undefined)
        await client.signalIfRunning(workflowId, { name: 'wake', args: [], eventId: id });
      meter.end();
    },
  });
}

process.once('message', (task: InboundTask) => {
  const meter = new Meter(task.count);
  const running = task.kind === 'bare' ? runBare(task, meter) : runProduct(task, meter);
  void running
    .then(() => meter.finished)
    .then(async () => {
      process.send?.(meter.figures());
      await once(process, 'disconnect');
      process.exit(0);
    });
});
