/** A record of kafkajs as the port has it. */
import type { Batch, KafkaMessage } from 'kafkajs';
import { undecodableBatchOf } from './kafkajs-fetch-guard';
import type { ReceivedRecord, RecordHeaders } from './port';

/** The record in memory of its own: a fetch's answer of megabytes must not live as long as its slowest record. */
export function received({ topic, partition }: Batch, message: KafkaMessage): ReceivedRecord {
  const { offset, key, value, headers = {} } = message;
  const record = { topic, partition, offset };
  const batch = undecodableBatchOf(message);
  if (batch !== undefined) {
    const { firstOffset, reason } = batch;
    return { ...record, key: null, value: null, headers: {}, undecodable: { firstOffset, reason } };
  }
  return {
    ...record,
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    headers: copies(headers),
  };
}

/** A header that is named as a function of every object, such as `toString`, has that function among its values. */
function copies(headers: RecordHeaders): RecordHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, header]) => {
      const values = (Array.isArray(header) ? header : [header])
        .filter(isText)
        .map((value) => Buffer.from(value));
      return [name, Array.isArray(header) && values.length !== 1 ? values : values[0]];
    }),
  );
}

function isText(value: unknown): value is Buffer | string {
  return typeof value === 'string' || Buffer.isBuffer(value);
}
