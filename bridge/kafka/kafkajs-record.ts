/** A record of kafkajs as the port has it. */
import type { Batch, KafkaMessage } from 'kafkajs';
import type { ReceivedRecord, RecordHeaders } from './port';

/** The record in memory of its own: a fetch's answer of megabytes must not live as long as its slowest record. */
export function received(batch: Batch, { offset, key, value, headers = {} }: KafkaMessage): ReceivedRecord {
  const copies: RecordHeaders = {};
  for (const [name, header] of Object.entries(headers))
    copies[name] = Array.isArray(header) ? header.map(copied) : header && copied(header);
  return {
    topic: batch.topic,
    partition: batch.partition,
    offset,
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    headers: copies,
  };
}

function copied(header: Buffer | string): Buffer | string {
  return typeof header === 'string' ? header : Buffer.from(header);
}
