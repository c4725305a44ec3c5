/**
 * Has a member of a group read past a batch that cannot be decoded.
 *
 * kafkajs decodes the answer to a fetch as a whole: one batch that it cannot decode is an error of the whole fetch, and of
 * each that follows. Here such a fetch is repeated for each partition alone, one batch at a time. The batch is answered for
 * by one message at its last offset, which the group handles as a record: it becomes a dead letter.
 *
 * Invariants: batches before and after it are read as ever; a message that answers for a batch is known by identity, so
 * that no record can claim to be one.
 */
import type { Broker, Cluster } from 'kafkajs';
import type { Logger } from 'pino';
import { UndecodableBatch, withBudget } from './kafkajs-codecs';

type Fetch = Broker['fetch'];
type FetchRequest = Parameters<Fetch>[0];
type RequestedPartition = FetchRequest['topics'][number]['partitions'][number];

/** The part of an answer that kafkajs's consumer uses. */
interface FetchAnswer {
  responses: { topicName: string; partitions: object[] }[];
}

const undecodables = new WeakMap<object, UndecodableBatch>();

/** The batch that a message answers for; undefined: it is a message like any other. */
export function undecodableBatchOf(message: object): UndecodableBatch | undefined {
  return undecodables.get(message);
}

/** @param cluster of one consumer: what kafkajs passes to its assigners */
export function guardFetches(cluster: Cluster, log: Logger): void {
  const guarded = new WeakSet<Broker>();
  const find = cluster.findBroker.bind(cluster);
  cluster.findBroker = async (node) => {
    const broker = await find(node);
    if (guarded.has(broker)) return broker;
    guarded.add(broker);
    const fetch = broker.fetch.bind(broker);
    broker.fetch = (request) => fetchPast(fetch, request, log);
    return broker;
  };
}

async function fetchPast(fetch: Fetch, request: FetchRequest, log: Logger): Promise<FetchAnswer> {
  try {
    return (await withBudget(() => fetch(request))) as FetchAnswer;
  } catch (error) {
    if (!(error instanceof UndecodableBatch)) throw error;
  }
  const responses: FetchAnswer['responses'] = [];
  for (const { topic, partitions } of request.topics)
    for (const partition of partitions)
      responses.push(...(await fetchAlone(fetch, request, topic, partition, log)).responses);
  return { responses };
}

/** Fetches the next batch of one partition, whatever its size: a broker never answers with less. */
async function fetchAlone(
  fetch: Fetch,
  request: FetchRequest,
  topic: string,
  partition: RequestedPartition,
  log: Logger,
): Promise<FetchAnswer> {
  const topics = [{ topic, partitions: [{ ...partition, maxBytes: 1 }] }];
  try {
    const alone = { ...request, maxWaitTime: 0, minBytes: 0, topics };
    return (await withBudget(() => fetch(alone))) as FetchAnswer;
  } catch (error) {
    if (!(error instanceof UndecodableBatch)) throw error;
    const { firstOffset, lastOffset, reason } = error;
    const place = {
      topic,
      partition: partition.partition,
      first_offset: firstOffset,
      last_offset: lastOffset,
    };
    log.warn({ ...place, reason }, 'batch not decodable');
    return { responses: [{ topicName: topic, partitions: [answerFor(error, partition.partition)] }] };
  }
}

/** A partition's answer with one message, at the last offset of the batch. */
function answerFor(batch: UndecodableBatch, partition: number): object {
  const message = {
    offset: batch.lastOffset,
    key: null,
    value: null,
    headers: {},
    timestamp: '0',
    attributes: 0,
    isControlRecord: false,
  };
  undecodables.set(message, batch);
  const highWatermark = (BigInt(batch.lastOffset) + 1n).toString();
  return {
    partition,
    errorCode: 0,
    highWatermark,
    lastStableOffset: highWatermark,
    abortedTransactions: [],
    preferredReadReplica: -1,
    messages: [message],
  };
}
