import { types } from 'node:util';
import fc from 'fast-check';
import { compress } from 'snappyjs';
import { unpackLz4 } from '../../../bridge/kafka/codecs/lz4';
import { unpackSnappy } from '../../../bridge/kafka/codecs/snappy';
import { unpackZstd } from '../../../bridge/kafka/codecs/zstd';
import samples from '../../support/kafka/compressed-samples.json';

/** What the programs `lz4` 1.9.4 and `zstd` 1.5.4 were given. */
const text = Buffer.from(
  Array.from({ length: 8_000 }, (_, at) => `record ${at % 50} of ${at % 3} in a batch\n`).join(''),
).subarray(0, 150_000);
const bound = 1_000_000;

const xerialHeader = Buffer.from('82534e41505059000000000100000001', 'hex');
const xerialBlock = (bytes: Buffer): Buffer => {
  const packed = compress(bytes);
  const length = Buffer.alloc(4);
  length.writeInt32BE(packed.length);
  return Buffer.concat([length, packed]);
};
const xerial = Buffer.concat([
  xerialHeader,
  ...Array.from({ length: 5 }, (_, at) => xerialBlock(text.subarray(at * 30_000, (at + 1) * 30_000))),
]);

type Unpack = (bytes: Buffer, maxBytes: number) => Buffer;
const unpackers = new Map<string, Unpack>([
  ['lz4', unpackLz4],
  ['zstd', unpackZstd],
]);
const valid: [string, Unpack, Buffer][] = [
  ...samples.map(({ codec, how, base64 }): [string, Unpack, Buffer] => [
    `${codec} with ${how}`,
    unpackers.get(codec) ?? unpackSnappy,
    Buffer.from(base64, 'base64'),
  ]),
  ['snappy of Java', unpackSnappy, xerial],
  ['snappy of librdkafka', unpackSnappy, compress(text)],
];

describe.each(valid)('%s', (_, unpack, packed) => {
  it('is unpacked', () => {
    expect(unpack(packed, bound).subarray(0, text.length).equals(text)).toBe(true);
  });

  it('is never more than its bound', () => {
    const most = 100_000;
    const unpacked = () => {
      const bytes = unpack(packed, most);
      // Of a zstd frame what is beyond the bound may be left out: its records are counted afterwards.
      if (unpack !== unpackZstd || bytes.length > most) return;
      throw new Error('cut off');
    };
    expect(unpacked).toThrow(/./);
  });

  it('ends, within its bound, whatever is broken in it', () => {
    const broken = fc
      .tuple(fc.nat(packed.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(packed.length))
      .map(([at, byte, end]) => {
        const bytes = Buffer.from(packed);
        bytes[at] = byte;
        return bytes.subarray(0, end);
      });
    fc.assert(
      fc.property(broken, (bytes) => {
        try {
          return unpack(bytes, bound).length <= bound;
        } catch (error) {
          return types.isNativeError(error);
        }
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});

const hex = (...parts: string[]) => Buffer.from(parts.join(''), 'hex');
const zeros = (count: number) => '00'.repeat(count);

describe('what is refused', () => {
  it.each<[string, Unpack, Buffer]>([
    ['an LZ4 frame that is none', unpackLz4, hex('04224d19', '6040', '82', zeros(4))],
    ['an LZ4 frame of another version', unpackLz4, hex('04224d18', '2040', '82', zeros(4))],
    ['an LZ4 frame that needs a dictionary', unpackLz4, hex('04224d18', '6140', zeros(4), '82', zeros(4))],
    [
      'an LZ4 block larger than blocks are',
      unpackLz4,
      hex('04224d18', '6040', '82', '01000180', zeros(65_537)),
    ],
    ['an LZ4 match before the data', unpackLz4, hex('04224d18', '6040', '82', '04000000', '10ff0200')],
    ['an LZ4 match at no distance', unpackLz4, hex('04224d18', '6040', '82', '04000000', '10ff0000')],
    ['LZ4 literals beyond the block', unpackLz4, hex('04224d18', '6040', '82', '02000000', 'f0ff')],
    ['an LZ4 frame without an end', unpackLz4, hex('04224d18', '6040', '82', '01000080', 'ff')],
    ['a zstd frame that is none', unpackZstd, hex('28b52ffe', '00', '50', '010000')],
    ['a zstd frame that needs a dictionary', unpackZstd, hex('28b52ffd', '01', '50', '07', '010000')],
    ['a zstd block of the reserved kind', unpackZstd, hex('28b52ffd', '00', '50', '070000')],
    [
      'a zstd frame behind another',
      unpackZstd,
      hex('28b52ffd', '00', '50', '010000', '28b52ffd', '00', '50', '010000'),
    ],
    ['a zstd frame without an end', unpackZstd, hex('28b52ffd', '00', '50', '000000')],
    ['a Snappy block beyond its frame', unpackSnappy, Buffer.concat([xerialHeader, hex('00000010', '0100')])],
    ['a Snappy block of no length', unpackSnappy, Buffer.concat([xerialHeader, hex('ffffffff')])],
    ['a Snappy block that says 4 GB', unpackSnappy, hex('ffffffff0f', '00')],
  ])('%s', (_, unpack, bytes) => {
    expect(() => unpack(bytes, bound)).toThrow(/./);
  });

  it('a zstd frame of a gigabyte, by its blocks alone', () => {
    const block = '02001000';
    const bomb = hex('28b52ffd', '00', '50', block.repeat(16_384), '010000');
    const begunMs = performance.now();
    expect(() => unpackZstd(bomb, 2 ** 25)).toThrow('unpacks to more than');
    expect(performance.now() - begunMs).toBeLessThan(500);
  });

  it('takes no memory for what a zstd frame says of its size and window', () => {
    // A window of 2 GB, a content of 1 TB, one block of one byte.
    const frame = hex('28b52ffd', 'c0', 'a0', '0000000000010000', '090000', '41');
    expect(unpackZstd(frame, bound).toString()).toBe('A');
  });
});
