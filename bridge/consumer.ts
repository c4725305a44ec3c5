/**
 * A consumer group: takes records, hands each to its topic's handler, and never loses or blocks one for ever.
 *
 * Invariants: what is down is waited for in place (lag grows, nothing is lost); what can never be handled goes to the
 * group's dead letters with its origin and reason, then counts as handled; handlers judge by rows, so a repeat is harmless.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { readEnvelope, UnreadableEvent, type ReadEvent } from '../contracts/envelope';
import type { EventTopic } from '../contracts/events';
import { deadLetterTopic, type ConsumerGroup } from '../contracts/topics';
import type { KafkaClient, ReceivedRecord, RecordHeaders, RecordProducer } from './kafka/port';

/** The record contradicts what we know, or speaks of nothing that exists; `code` is stable. */
export class Unprocessable extends Error {
  override readonly name = 'Unprocessable';
  constructor(
    readonly code: 'unknown_payment' | 'unknown_subscription',
    message: string,
  ) {
    super(message);
  }
}

export type Handlers = { [T in EventTopic]?: (event: ReadEvent<T>) => Promise<void> };

export interface GroupDependencies {
  kafka: KafkaClient;
  log: Logger;
  onFatal(error: Error): void;
  /** How long something may be "not there yet" before it counts as never; 60 s. */
  appearWithinMs?: number;
}

export interface RunningGroup {
  close(): Promise<void>;
}

const firstRetryMs = 200;
const longestRetryMs = 10_000;
const usualAppearWithinMs = 60_000;

/** Starts consuming as `group`; each topic needs its handler. */
export async function runGroup(
  deps: GroupDependencies,
  group: ConsumerGroup,
  handlers: Handlers,
): Promise<RunningGroup> {
  const log = deps.log.child({ group });
  const { appearWithinMs = usualAppearWithinMs } = deps;
  const producer = await deps.kafka.producer();
  const topics = Object.keys(handlers) as EventTopic[];
  const consumer = await deps.kafka.consumer({
    group,
    topics,
    onFatal: deps.onFatal,
    handle: (record, signal) =>
      handleRecord({ group, handlers, producer, log, appearWithinMs }, record, signal),
  });
  return {
    async close() {
      await consumer.close();
      await producer.close();
    },
  };
}

interface Handling {
  group: ConsumerGroup;
  handlers: Handlers;
  producer: RecordProducer;
  log: Logger;
  appearWithinMs: number;
}

async function handleRecord(handling: Handling, record: ReceivedRecord, signal: AbortSignal): Promise<void> {
  const { log, appearWithinMs } = handling;
  const place = { topic: record.topic, partition: record.partition, offset: record.offset };
  const begunMs = performance.now();
  for (let waitMs = firstRetryMs; !signal.aborted; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
    try {
      await dispatch(handling.handlers, record);
      return;
    } catch (error) {
      const never =
        error instanceof UnreadableEvent ||
        (error instanceof Unprocessable && performance.now() - begunMs > appearWithinMs);
      if (never && (await deadLetter(handling, record, error))) return;
      log.warn({ err: error, ...place }, 'the record could not be handled yet; it is tried again');
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function dispatch(handlers: Handlers, record: ReceivedRecord): Promise<void> {
  const topic = record.topic as EventTopic;
  const handler = handlers[topic] as ((event: ReadEvent<EventTopic>) => Promise<void>) | undefined;
  if (handler === undefined) return;
  if (record.value === null) throw new UnreadableEvent('not_a_cloud_event', 'the record has no value');
  const event = readEnvelope(topic, {
    headers: asText(record.headers),
    value: record.value.toString('utf8'),
  });
  await handler(event);
}

/** A header given several times counts by its last value. */
function asText(headers: RecordHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const last = Array.isArray(value) ? value.at(-1) : value;
      return [name, last === undefined ? '' : last.toString()];
    }),
  );
}

/** @returns false when Kafka did not take it; the record is then tried again */
async function deadLetter(
  { group, producer, log }: Handling,
  record: ReceivedRecord,
  error: UnreadableEvent | Unprocessable,
): Promise<boolean> {
  try {
    const [written] = await producer.send([
      {
        topic: deadLetterTopic(group),
        key: record.key,
        value: record.value,
        headers: {
          ...record.headers,
          'dlq-group': group,
          'dlq-topic': record.topic,
          'dlq-partition': String(record.partition),
          'dlq-offset': record.offset,
          'dlq-error-code': error.code,
          'dlq-error': error.message.slice(0, 1_000),
          'dlq-seen-at': new Date().toISOString(),
        },
      },
    ]);
    log.error(
      { topic: record.topic, partition: record.partition, offset: record.offset, code: error.code, written },
      'the record can never be handled; it is in the dead letters',
    );
    return true;
  } catch (failed) {
    log.warn({ err: failed }, 'the dead letter could not be written yet');
    return false;
  }
}
