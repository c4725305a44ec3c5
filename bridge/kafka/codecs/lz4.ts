/**
 * LZ4 frames (the LZ4 Frame Format 1.6), as Kafka's clients write them: one frame, its blocks independent or linked, with
 * or without checksums.
 *
 * The package `lz4js` is not used: it looks for a block's checksum before the block, and trusts lengths and distances.
 * Checksums are skipped, for the broker has verified what it stores. Invariant: nothing is read or written outside of
 * what was received and what was unpacked so far.
 */

const magic = 0x184d2204;
/** Bits of the frame's descriptor. */
const flags = { blockChecksums: 0x10, contentSize: 0x08, dictionary: 0x01 } as const;
const version = 0x40;
const versionMask = 0xc0;
const uncompressedBit = 0x80000000;
/** By the code in the descriptor, bytes. */
const blockSizes: Readonly<Record<number, number>> = { 4: 2 ** 16, 5: 2 ** 18, 6: 2 ** 20, 7: 2 ** 22 };
const minMatch = 4;
/** A length of so many continues in the bytes that follow. */
const moreFollows = 15;

interface Frame {
  /** Where its first block begins. */
  blocksAt: number;
  maxBlockBytes: number;
  checksumBytes: number;
}

/** @throws Error when it is not an LZ4 frame, or unpacks to more than `maxBytes` */
export function unpackLz4(bytes: Buffer, maxBytes: number): Buffer {
  const { blocksAt, maxBlockBytes, checksumBytes } = readHeader(bytes);
  let out = Buffer.allocUnsafe(0);
  let length = 0;
  for (let at = blocksAt; ;) {
    const word = bytes.readUInt32LE(at);
    if (word === 0) return out.subarray(0, length);
    const size = word % uncompressedBit;
    const from = at + 4;
    const end = from + size;
    if (size > maxBlockBytes || end > bytes.length) throw new Error('a block ends beyond the frame');
    const limit = Math.min(length + maxBlockBytes, maxBytes);
    if (out.length < limit) out = grown(out, length, Math.min(Math.max(limit, 2 * out.length), maxBytes));
    const block = { bytes, from, end };
    const unpack = word >= uncompressedBit ? copyBlock : unpackBlock;
    length = unpack(block, out.subarray(0, limit), length);
    at = end + checksumBytes;
  }
}

function readHeader(bytes: Buffer): Frame {
  if (bytes.readUInt32LE(0) !== magic) throw new Error('it is not an LZ4 frame');
  const flag = bytes.readUInt8(4);
  if ((flag & versionMask) !== version) throw new Error('the frame has an unknown version');
  if ((flag & flags.dictionary) !== 0) throw new Error('the frame needs a dictionary');
  const maxBlockBytes = blockSizes[(bytes.readUInt8(5) >> 4) & 7];
  if (maxBlockBytes === undefined) throw new Error('the frame has an unknown size of blocks');
  const sizeBytes = (flag & flags.contentSize) === 0 ? 0 : 8;
  return {
    // Magic, two bytes of descriptor, the content's size, the header's checksum.
    blocksAt: 4 + 2 + sizeBytes + 1,
    maxBlockBytes,
    checksumBytes: (flag & flags.blockChecksums) === 0 ? 0 : 4,
  };
}

function grown(bytes: Buffer, used: number, size: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(size);
  bytes.copy(larger, 0, 0, used);
  return larger;
}

interface Block {
  bytes: Buffer;
  from: number;
  end: number;
}

/** @returns the length of what is unpacked then */
function copyBlock({ bytes, from, end }: Block, out: Buffer, length: number): number {
  const grows = end - from;
  mustFit(length + grows, out);
  bytes.copy(out, length, from, end);
  return length + grows;
}

/** @returns the length of what is unpacked then */
function unpackBlock({ bytes, from, end }: Block, out: Buffer, start: number): number {
  let at = from;
  let length = start;

  function lengthOf(short: number): number {
    let total = short;
    if (short !== moreFollows) return total;
    for (let byte = 255; byte === 255; total += byte) {
      if (at >= end) throw new Error('a block is cut off');
      byte = bytes[at++] as number;
    }
    return total;
  }

  while (at < end) {
    const token = bytes[at++] as number;
    const literals = lengthOf(token >> 4);
    if (at + literals > end) throw new Error('a block is cut off');
    length = copyBlock({ bytes, from: at, end: at + literals }, out, length);
    at += literals;
    // The last sequence has literals only.
    if (at === end) break;
    if (at + 2 > end) throw new Error('a block is cut off');
    const distance = bytes.readUInt16LE(at);
    at += 2;
    const matched = lengthOf(token & moreFollows) + minMatch;
    if (distance === 0 || distance > length) throw new Error('a match begins before the data');
    mustFit(length + matched, out);
    // Byte by byte where it repeats what it is writing.
    if (distance >= matched) out.copyWithin(length, length - distance, length - distance + matched);
    else for (let to = length; to < length + matched; to += 1) out[to] = out[to - distance] as number;
    length += matched;
  }
  return length;
}

function mustFit(length: number, out: Buffer): void {
  if (length > out.length) throw new Error(`it unpacks to more than its bound of ${out.length} bytes`);
}
