/**
 * Consuming over kafkajs: several partitions at a time, within one each key in order and keys side by side.
 *
 * Invariants: an offset is committed only after the effects of all records up to it are durable; a batch that the group took away from
 * us is left where it is; when kafkajs stops for good, the owner is told.
 */
import type { Batch, Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import type { Logger } from 'pino';
import { handleInWindow } from '../record-window';
import type { ConsumerOptions, ReceivedRecord, RecordConsumer } from './port';

const heartbeatMs = 1_500;
const commitMs = 500;
/** Records of one partition in hand at once. */
const windowSize = 32;

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
  const inHand = new Set<Promise<void>>();
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 4,
    eachBatch(payload) {
      const batch = takeBatch(payload, consumer, options, stopping.signal).finally(() =>
        inHand.delete(batch),
      );
      inHand.add(batch);
      return batch;
    },
  });
  return {
    async close() {
      stopping.abort();
      // A consumer that is being disconnected commits nothing any more, and does not say so.
      await Promise.allSettled(inHand);
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
  let done: KafkaMessage | undefined;
  let committed: KafkaMessage | undefined;
  const commit = async (): Promise<void> => {
    if (done === undefined || done === committed) return;
    const upTo = done;
    const next = (BigInt(upTo.offset) + 1n).toString();
    await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: next }]);
    committed = upTo;
  };
  // What is committed now is not handled again after a crash; a failure here is made good by the next one.
  const commits = setInterval(() => void commit().catch(() => undefined), commitMs);
  try {
    await handleInWindow(batch.messages, {
      size: windowSize,
      keyOf: ({ key }) => key?.toString('latin1') ?? null,
      handle: (message) => options.handle(received(batch, message), leaving.signal),
      onDone: (message) => {
        resolveOffset(message.offset);
        done = message;
      },
      isStopping: () => !isRunning() || isStale() || leaving.signal.aborted,
    });
    await commit();
    // kafkajs joins the group again when it is told why.
    if (leaving.signal.aborted && !stopping.aborted) throw leaving.signal.reason;
  } finally {
    clearInterval(heart);
    clearInterval(commits);
    stopping.removeEventListener('abort', leave);
  }
}

function received(
  { topic, partition }: Batch,
  { offset, key, value, headers }: KafkaMessage,
): ReceivedRecord {
  return { topic, partition, offset, key, value, headers: headers ?? {} };
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
