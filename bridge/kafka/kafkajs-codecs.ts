/**
 * What kafkajs unpacks of a compressed batch, and no more: gzip, Snappy, LZ4 and zstd.
 *
 * kafkajs itself knows gzip alone, which it unpacks without a bound. Codecs are given to it by its public table.
 *
 * Invariants:
 * - A batch unpacks to at most `maxUnpackedBytes` and `maxRecords`, for kafkajs makes several objects of each record.
 * - Of one fetch, what exceeds the bound of a batch is left to the next fetch.
 * - A batch that cannot be unpacked, or is more, is an {@link UndecodableBatch}, which knows its offsets.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { promisify, types } from 'node:util';
import { gzip, unzip } from 'node:zlib';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { unpackLz4 } from './codecs/lz4';
import { unpackSnappy } from './codecs/snappy';
import { unpackZstd } from './codecs/zstd';

/** Of one batch. Topics take batches of a megabyte; what producers of JSON write shrinks by 10 to 20. */
export const maxUnpackedBytes = 32 * 2 ** 20;
/** Of one batch. */
export const maxRecords = 50_000;

/** A batch of which no record can be read. */
export class UndecodableBatch extends Error {
  override readonly name = 'UndecodableBatch';
  constructor(
    readonly firstOffset: string,
    readonly lastOffset: string,
    /** In words, for operators. */
    readonly reason: string,
  ) {
    super(`the batch of offsets ${firstOffset} to ${lastOffset} cannot be decoded: ${reason}`);
  }
}

/** kafkajs's own name for where an answer ends in the middle of a batch: the rest comes with the next fetch. */
class LeftToNextFetch extends Error {
  override readonly name = 'KafkaJSPartialMessageError';
}

/** What may still be unpacked for one fetch. */
interface Budget {
  bytes: number;
  records: number;
}

const budgets = new AsyncLocalStorage<Budget>();

/** Runs one fetch, which unpacks little more than one batch may be. */
export function withBudget<T>(fetch: () => Promise<T>): Promise<T> {
  return budgets.run({ bytes: maxUnpackedBytes, records: maxRecords }, fetch);
}

type Unpack = (bytes: Buffer, maxBytes: number) => Buffer | Promise<Buffer>;

const gzipAsync = promisify(gzip);
const unzipAsync = promisify(unzip);

const unpackGzip: Unpack = (bytes, maxOutputLength) => unzipAsync(bytes, { maxOutputLength });

/** Applied once per process; harmless when repeated. */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) => gzipAsync(buffer),
    decompress: boundedBy(unpackGzip),
  });
  CompressionCodecs[CompressionTypes.Snappy] = reader(unpackSnappy);
  CompressionCodecs[CompressionTypes.LZ4] = reader(unpackLz4);
  CompressionCodecs[CompressionTypes.ZSTD] = reader(unpackZstd);
}

const reader = (unpack: Unpack) => () => ({
  compress: () => Promise.reject(new Error('this is read only, never written')),
  decompress: boundedBy(unpack),
});

/** A codec's `decompress`, as kafkajs calls it with the records of a batch. */
function boundedBy(unpack: Unpack): (records: Buffer) => Promise<Buffer> {
  return async (records) => {
    const budget = budgets.getStore();
    if (budget !== undefined && (budget.bytes <= 0 || budget.records <= 0)) throw new LeftToNextFetch();
    const batch = headerBefore(records);
    if (batch === null) return unpack(records, maxUnpackedBytes);
    try {
      if (batch.count > maxRecords) throw new Error(`it has ${batch.count} records, more than ${maxRecords}`);
      const unpacked = await unpack(records, maxUnpackedBytes);
      const usedBytes = lengthOfRecords(unpacked, batch.count);
      if (budget !== undefined) {
        budget.bytes -= usedBytes;
        budget.records -= batch.count;
      }
      return unpacked;
    } catch (error) {
      const reason = types.isNativeError(error) ? error.message : String(error);
      throw new UndecodableBatch(batch.firstOffset.toString(), batch.lastOffset.toString(), reason);
    }
  };
}

/** Of a record batch (message format 2): from its first offset to its number of records, bytes. */
const headerBytes = 61;
/** Of the header, that is counted in the batch's own length. */
const countedHeaderBytes = 49;
const at = { firstOffset: 0, length: 8, magic: 16, lastOffsetDelta: 23, count: 57 } as const;

interface BatchHeader {
  firstOffset: bigint;
  lastOffset: bigint;
  count: number;
}

/**
 * The header of the batch whose records these are. kafkajs does not give it to codecs; it stands before them, in the
 * memory of the answer that both are parts of. Null: what stands there is no header, such as of older formats.
 */
function headerBefore(records: Buffer): BatchHeader | null {
  const start = records.byteOffset - headerBytes;
  if (start < 0) return null;
  const header = Buffer.from(records.buffer, start, headerBytes);
  const isHeader =
    header.readInt8(at.magic) === 2 && header.readInt32BE(at.length) === countedHeaderBytes + records.length;
  if (!isHeader) return null;
  const firstOffset = header.readBigInt64BE(at.firstOffset);
  const lastOffset = firstOffset + BigInt(header.readInt32BE(at.lastOffsetDelta));
  return { firstOffset, lastOffset, count: header.readInt32BE(at.count) };
}

/** How many bytes `count` records are, each of which begins with its length. @throws Error when one is cut off */
function lengthOfRecords(bytes: Buffer, count: number): number {
  let end = 0;
  for (let record = 0; record < count; record += 1) {
    let length = 0;
    for (let byte = 0x80, shift = 0; byte >= 0x80; shift += 7) {
      if (end >= bytes.length || shift > 28) throw new Error('its records are cut off');
      byte = bytes[end++] as number;
      length |= (byte & 0x7f) << shift;
    }
    // Zigzag, as all of Kafka's numbers of variable length.
    const recordBytes = (length >>> 1) ^ -(length & 1);
    if (recordBytes <= 0 || end + recordBytes > bytes.length) throw new Error('its records are cut off');
    end += recordBytes;
  }
  return end;
}
