/**
 * Consuming over kafkajs: a partition's records one after the other, several partitions at a time.
 *
 * Invariants: an offset is committed only after its record's effect is durable; a batch that the group took away from
 * us is left where it is; when kafkajs stops for good, the owner is told.
 */
import type { Consumer, EachBatchPayload, IHeaders, Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import type { ConsumerOptions, RecordConsumer } from './port';

export async function consume(kafka: Kafka, options: ConsumerOptions, log: Logger): Promise<RecordConsumer> {
  const consumer = kafka.consumer({
    groupId: options.group,
    sessionTimeout: 6_000,
    heartbeatInterval: 1_500,
    rebalanceTimeout: 15_000,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 10 },
  });
  const stopping = new AbortController();
  watchForCrash(consumer, options, stopping.signal, log);
  await consumer.connect();
  await consumer.subscribe({ topics: [...options.topics], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 4,
    eachBatch: (payload) => takeBatch(payload, consumer, options, stopping.signal),
  });
  return {
    async close() {
      stopping.abort();
      await consumer.disconnect();
    },
  };
}

async function takeBatch(
  payload: EachBatchPayload,
  consumer: Consumer,
  options: ConsumerOptions,
  stopping: AbortSignal,
): Promise<void> {
  const { batch, resolveOffset, heartbeat, isRunning, isStale } = payload;
  const heart = setInterval(() => void heartbeat().catch(() => undefined), 1_500);
  try {
    for (const message of batch.messages) {
      if (!isRunning() || isStale() || stopping.aborted) return;
      const record = {
        topic: batch.topic,
        partition: batch.partition,
        offset: message.offset,
        key: message.key === null ? null : message.key.toString(),
        value: message.value,
        headers: headersOf(message.headers),
      };
      await options.handle(record, stopping);
      // A handler that was told to stop has not finished: its record stays uncommitted.
      if (stopping.aborted) return;
      resolveOffset(message.offset);
      const next = (BigInt(message.offset) + 1n).toString();
      await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: next }]);
    }
  } finally {
    clearInterval(heart);
  }
}

/** kafkajs stops a consumer on errors that it does not retry, and says so only in this event. */
function watchForCrash(
  consumer: Consumer,
  options: ConsumerOptions,
  stopping: AbortSignal,
  log: Logger,
): void {
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    log.error(
      { err: payload.error, group: options.group, restart: payload.restart },
      'the Kafka consumer crashed',
    );
    if (!payload.restart && !stopping.aborted) options.onFatal(payload.error);
  });
}

/** Header values as text; a header given several times keeps its last value. */
function headersOf(headers: IHeaders | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => {
      const last = Array.isArray(value) ? value.at(-1) : value;
      return [name, last === undefined ? '' : last.toString()];
    }),
  );
}
