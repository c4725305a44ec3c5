/**
 * What the bridge needs of a Kafka client, and nothing more: another client could take kafkajs's place.
 *
 * Owns no behaviour. Offsets are decimal text, for they exceed what a number holds exactly.
 */

import type { Pulse } from '../pulse';

/** As Kafka has them: bytes, and a name may be given several times. */
export type RecordHeaders = Record<string, Buffer | string | (Buffer | string)[] | undefined>;

export interface ReceivedRecord {
  topic: string;
  partition: number;
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: RecordHeaders;
  /** Left out: it is a record. Otherwise it stands for a batch of records up to `offset`, none of which can be read. */
  undecodable?: { firstOffset: string; reason: string };
}

export interface OutgoingRecord {
  topic: string;
  /** Left out: by the hash of the key. */
  partition?: number;
  key: Buffer | string | null;
  value: Buffer | string | null;
  headers: RecordHeaders;
}

/** Where a record was written. */
export interface WrittenAt {
  partition: number;
  offset: string;
}

/**
 * Kafka will never take what was sent: one of the records, or all of them at once, are larger than it allows. Which
 * of them is found out by sending fewer; a record that is refused alone is the one. `reason` is a stable code.
 */
export class RecordRefused extends Error {
  override readonly name = 'RecordRefused';
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`Kafka refuses it: ${reason}`, options);
  }
}

export interface RecordProducer {
  /** The largest value that is sent at all, bytes; whatever the broker allows. */
  readonly maxValueBytes: number;
  /**
   * Writes records in the given order (for one partition), acknowledged by all in-sync replicas. When it fails some
   * may have been written; what is sent next is never taken for them.
   * @returns their places, in the given order
   * @throws RecordRefused when sending the same again is of no use
   */
  send(records: readonly OutgoingRecord[]): Promise<WrittenAt[]>;
  /** The partition of a key, as every Kafka client computes it (murmur2). */
  partitionOf(topic: string, key: Buffer | string): Promise<number>;
  close(): Promise<void>;
}

export interface RecordConsumer {
  /** Stops taking records, finishes those in progress, commits, leaves the group. */
  close(): Promise<void>;
}

export interface ConsumerOptions {
  group: string;
  topics: readonly string[];
  /** Records are fetched after half a second, or when there are many: no caller waits for this group. */
  unhurried?: boolean;
  /**
   * True when the record's effect is durable; the offset may be committed then. Must not reject. When `signal` aborts
   * (closing, or the group took the partition away) it resolves soon, with false when it was not finished. Records
   * with the same key are handled in order, others side by side.
   */
  handle(record: ReceivedRecord, signal: AbortSignal): Promise<boolean>;
  /** Is given the signs of life of the membership, and its crashes. */
  pulse?: Pulse;
  /** The client library gives up again and again; the process must end, so that a supervisor restarts it. */
  onFatal(error: Error): void;
  /** The client library gave up a membership, which is begun again. */
  onCrash?(): void;
}

export interface TopicState {
  name: string;
  partitions: number;
  retentionMs: number;
}

export interface KafkaAdmin {
  /** Creates what is missing; what exists stays as it is. @returns the names of the created topics */
  createTopics(
    topics: readonly { name: string; retentionMs: number }[],
    settings: { partitions: number; replicationFactor: number; minInsyncReplicas?: number },
  ): Promise<string[]>;
  /** The topics of `names` that exist. */
  describeTopics(names: readonly string[]): Promise<TopicState[]>;
  close(): Promise<void>;
}

export interface KafkaClient {
  producer(): Promise<RecordProducer>;
  consumer(options: ConsumerOptions): Promise<RecordConsumer>;
  admin(): Promise<KafkaAdmin>;
}
