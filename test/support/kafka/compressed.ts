/**
 * Compressed batches as a producer outside writes them, good ones and bombs.
 *
 * The broker is Java: with `compression.type` of a topic it compresses what it stores with the same code as Java's
 * producer.
 */
import { CompressionCodecs, CompressionTypes, ConfigResourceTypes, type Kafka, type Message } from 'kafkajs';
import { once } from 'node:events';
import { createGzip } from 'node:zlib';
import { compress as compressSnappy } from 'snappyjs';
import { registerCodecs } from '../../../bridge/kafka/kafkajs-codecs';

export const codecs = {
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const;
export type Codec = keyof typeof codecs;

/** Has the broker compress what it stores of a topic from now on; `producer`: it leaves it as it comes. */
export async function storeCompressed(kafka: Kafka, topic: string, type: Codec | 'producer'): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = [{ name: 'compression.type', value: type }];
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
  });
  await admin.disconnect();
}

/**
 * Writes a batch whose records are compressed to the bytes that `pack` makes.
 * @returns its first offset
 */
export async function writeBatch(
  kafka: Kafka,
  { topic, partition }: { topic: string; partition: number },
  codec: Codec,
  messages: Message[],
  pack: (records: Buffer) => Buffer,
): Promise<string> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  // Consumers of this process may fetch the batch before the producer has its answer: they unpack as ever.
  const registered: unknown = CompressionCodecs[codecs[codec]]();
  CompressionCodecs[codecs[codec]] = () =>
    Object.assign({}, registered, {
      compress: ({ buffer }: { buffer: Buffer }) => Promise.resolve(pack(buffer)),
    });
  try {
    const acks = -1;
    const placed = messages.map((message) => ({ ...message, partition }));
    const [written] = await producer.send({ topic, acks, compression: codecs[codec], messages: placed });
    return written?.baseOffset ?? '';
  } finally {
    registerCodecs();
    await producer.disconnect();
  }
}

/** Frames that a codec makes of what it cannot compress. */
export const packed = {
  snappy: (records: Buffer) => compressSnappy(records),
  lz4: (records: Buffer) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(2 ** 31 + records.length);
    // The magic, blocks of 64 KiB that are independent, the checksum of that.
    const start = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
    return Buffer.concat([start, size, records, Buffer.alloc(4)]);
  },
  zstd: (records: Buffer) => Buffer.concat([zstdStart, zstdBlock(0, records.length, records, true)]),
} satisfies Partial<Record<Codec, (records: Buffer) => Buffer>>;

/** A batch of one record whose value is so many zeros. */
export const bombs = {
  zstd: (bytes: number) => Promise.resolve(zstdOf(recordAround(bytes), bytes)),
  gzip: (bytes: number) => gzipOf(recordAround(bytes), bytes),
} satisfies Partial<Record<Codec, (bytes: number) => Promise<Buffer>>>;

/** What stands before and after the value of a record. */
function recordAround(valueBytes: number): { head: Buffer; tail: Buffer } {
  // Attributes, time and offset are those of the batch; the key is absent.
  const fields = Buffer.concat([Buffer.from([0, 0, 0]), varint(-1), varint(valueBytes)]);
  const tail = varint(0);
  return { head: Buffer.concat([varint(fields.length + valueBytes + tail.length), fields]), tail };
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value < 0 ? -2 * value - 1 : 2 * value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

const zstdBlockBytes = 128 * 1024;
/** The magic, a descriptor without anything, a window of 1 MiB. */
const zstdStart = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50]);

/** @param type 0: as it is; 1: one byte, repeated */
function zstdBlock(type: 0 | 1, size: number, content: Buffer, isLast = false): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE(size * 8 + type * 2 + Number(isLast), 0, 3);
  return Buffer.concat([header, content]);
}

/** One frame: the zeros are blocks of one byte each that is repeated. */
function zstdOf({ head, tail }: { head: Buffer; tail: Buffer }, zeros: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(zeros / zstdBlockBytes) }, (_, at) =>
    zstdBlock(1, Math.min(zstdBlockBytes, zeros - at * zstdBlockBytes), Buffer.from([0])),
  );
  return Buffer.concat([
    zstdStart,
    zstdBlock(0, head.length, head),
    ...blocks,
    zstdBlock(0, tail.length, tail, true),
  ]);
}

async function gzipOf({ head, tail }: { head: Buffer; tail: Buffer }, zeros: number): Promise<Buffer> {
  const stream = createGzip({ level: 9 });
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const write = (bytes: Buffer) =>
    new Promise<void>((resolve, reject) => {
      stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  await write(head);
  const chunk = Buffer.alloc(2 ** 20);
  for (let left = zeros; left > 0; left -= chunk.length)
    await write(chunk.subarray(0, Math.min(left, chunk.length)));
  await write(tail);
  stream.end();
  await once(stream, 'end');
  return Buffer.concat(chunks);
}
