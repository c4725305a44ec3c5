/**
 * Consuming over kafkajs: a partition's records one after the other, several partitions at a time.
 *
 * Invariants: an offset is committed only after its record's effect is durable; a batch that the group took away from
 * us is left where it is; when kafkajs stops for good, the owner is told.
 */
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import type { ConsumerOptions, RecordConsumer } from './port';

const heartbeatMs = 1_500;

export async function consume(kafka: Kafka, options: ConsumerOptions, log: Logger): Promise<RecordConsumer> {
  const consumer = kafka.consumer({
    groupId: options.group,
    sessionTimeout: 6_000,
    heartbeatInterval: heartbeatMs,
    rebalanceTimeout: 15_000,
    allowAutoTopicCreation: false,
    // An idle fetch cannot be broken off: closing, and joining again, wait for it.
    maxWaitTimeInMs: 1_000,
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
  const leaving = new AbortController();
  const leave = () => leaving.abort(stopping.reason);
  stopping.addEventListener('abort', leave, { once: true });
  // A record may be tried for long; a group that moves on must not wait for it, or it would do without this member.
  const heart = setInterval(() => {
    heartbeat().catch((error: unknown) => {
      if (isLostMembership(error)) leaving.abort(error);
    });
  }, heartbeatMs);
  try {
    for (const message of batch.messages) {
      if (!isRunning() || isStale() || leaving.signal.aborted) break;
      const record = {
        topic: batch.topic,
        partition: batch.partition,
        offset: message.offset,
        key: message.key,
        value: message.value,
        headers: message.headers ?? {},
      };
      await options.handle(record, leaving.signal);
      // A handler that was told to stop may not have finished: its record stays uncommitted.
      if (leaving.signal.aborted) break;
      resolveOffset(message.offset);
      const next = (BigInt(message.offset) + 1n).toString();
      await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: next }]);
    }
    // kafkajs joins the group again when it is told why.
    if (leaving.signal.aborted && !stopping.aborted) throw leaving.signal.reason;
  } finally {
    clearInterval(heart);
    stopping.removeEventListener('abort', leave);
  }
}

/** Whether the group goes on without this member until it has joined again. */
function isLostMembership(error: unknown): boolean {
  const type = (error as { type?: string }).type ?? '';
  return ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'].includes(type);
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
