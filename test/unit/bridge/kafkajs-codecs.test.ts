import { createRequire } from 'node:module';
import { CompressionTypes } from 'kafkajs';
import kafkajs from 'kafkajs/package.json';
import {
  maxRecords,
  maxUnpackedBytes,
  registerCodecs,
  UndecodableBatch,
  withBudget,
} from '../../../bridge/kafka/kafkajs-codecs';

interface Encoder {
  buffer: Buffer;
}
type Decoder = object;
interface Decoded {
  offset: string;
  value: Buffer | null;
}

const load = createRequire(__filename);
const protocol = 'kafkajs/src/protocol';
const Record = load(`${protocol}/recordBatch/record/v0`) as (record: object) => Encoder;
const { RecordBatch } = load(`${protocol}/recordBatch/v0`) as {
  RecordBatch: (batch: object) => Promise<Encoder>;
};
const decodeMessages = load(`${protocol}/requests/fetch/v4/decodeMessages`) as (
  decoder: Decoder,
) => Promise<Decoded[]>;
const DecoderOf = load(`${protocol}/decoder`) as new (bytes: Buffer) => Decoder;

beforeAll(registerCodecs);

/** A batch as it stands in an answer to a fetch. */
async function batch(firstOffset: number, values: (Buffer | null)[], edit?: (bytes: Buffer) => void) {
  const records = values.map((value, offsetDelta) =>
    Record({ offsetDelta, timestampDelta: 0, key: null, value }),
  );
  const { buffer } = await RecordBatch({
    compression: CompressionTypes.GZIP,
    firstOffset,
    firstTimestamp: 0,
    maxTimestamp: 0,
    lastOffsetDelta: values.length - 1,
    records,
  });
  const bytes = Buffer.from(buffer);
  edit?.(bytes);
  return bytes;
}

/** As kafkajs decodes the records of a partition. */
function decode(...batches: Buffer[]): Promise<Decoded[]> {
  const bytes = Buffer.concat(batches);
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return withBudget(() => decodeMessages(new DecoderOf(Buffer.concat([size, bytes]))));
}

const kilobytes = (count: number) => Buffer.alloc(count * 1_024, 'x');

describe('what kafkajs unpacks', () => {
  it('is for this version; another one has to be looked at again', () => {
    expect(kafkajs.version).toBe('2.2.4');
  });

  it('is a batch within the bounds', async () => {
    const decoded = await decode(await batch(7, [kilobytes(1), null, kilobytes(2)]));
    expect(decoded.map(({ offset, value }) => [offset, value?.length ?? null])).toEqual([
      ['7', 1_024],
      ['8', null],
      ['9', 2_048],
    ]);
  });

  it.each<[string, () => Promise<Buffer>, string]>([
    [
      'of too many bytes',
      () => batch(40, [kilobytes(20_000), kilobytes(20_000)]),
      'Cannot create a Buffer larger',
    ],
    [
      'of too many records',
      () =>
        batch(
          40,
          Array.from({ length: maxRecords + 1 }, () => null),
        ),
      'more than 50000',
    ],
    [
      'that is no gzip',
      () => batch(40, [null, null], (bytes) => bytes.fill(0xff, 61)),
      'incorrect header check',
    ],
    [
      'of fewer records than it says',
      () => batch(40, [null, null], (bytes) => bytes.writeInt32BE(3, 57)),
      'its records are cut off',
    ],
  ])('is not a batch %s: it knows its offsets and why', async (_, made, reason) => {
    const error = await decode(await made()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UndecodableBatch);
    expect(error).toMatchObject({ firstOffset: '40', reason: expect.stringContaining(reason) });
  });

  it('of one fetch is little more than a batch may be: the rest comes with the next', async () => {
    const half = Math.ceil(maxUnpackedBytes / 2 / 1_024);
    const batches = await Promise.all([1, 2, 3, 4].map((offset) => batch(offset, [kilobytes(half)])));
    expect((await decode(...batches)).map(({ offset }) => offset)).toEqual(['1', '2']);
    expect((await decode(...batches.slice(2))).map(({ offset }) => offset)).toEqual(['3', '4']);
  });

  it('of one fetch is little more than as many records as a batch may have', async () => {
    const nothing = Array.from({ length: maxRecords / 2 }, () => null);
    const batches = await Promise.all([0, 1, 2, 3].map((at) => batch((at * maxRecords) / 2, nothing)));
    expect(await decode(...batches)).toHaveLength(maxRecords);
  });
});
