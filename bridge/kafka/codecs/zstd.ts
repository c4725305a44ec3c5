/**
 * Zstandard (RFC 8878), as Kafka's clients write it: one frame without a dictionary.
 *
 * Invariant: the blocks' headers are read before anything is unpacked, so that a frame of a few kilobytes that unpacks to
 * a gigabyte costs nothing. What a frame states of its window and its content takes no memory.
 */
import { decompress } from 'fzstd';

const magic = 0xfd2fb528;
const maxBlockBytes = 128 * 1024;
/** Compressed blocks may hold less than a full block; so many times the bound are read. */
const blockAllowance = 4;
const blockTypes = { raw: 0, repeated: 1, compressed: 2 } as const;

/**
 * @returns what is unpacked, followed by zeros: a frame does not state how much it is
 * @throws Error when it is not such a frame, or may unpack to much more than `maxBytes`
 */
export function unpackZstd(bytes: Buffer, maxBytes: number): Buffer {
  const mostBytes = mostOf(bytes);
  const tooMuch = `it unpacks to more than its bound of ${maxBytes} bytes`;
  if (mostBytes > blockAllowance * maxBytes) throw new Error(tooMuch);
  const out = new Uint8Array(Math.min(mostBytes, maxBytes));
  try {
    // What is beyond the bound is an error, or not written: a record that ends there is found to be cut off.
    decompress(bytes, out);
  } catch (error) {
    throw mostBytes > maxBytes ? new Error(tooMuch, { cause: error }) : error;
  }
  return Buffer.from(out.buffer, 0, out.length);
}

/** The most bytes that the blocks of the frame can hold. @throws Error when it is not one whole frame */
function mostOf(bytes: Buffer): number {
  if (bytes.readUInt32LE(0) !== magic) throw new Error('it is not a zstd frame');
  const descriptor = bytes.readUInt8(4);
  if ((descriptor & 3) !== 0) throw new Error('it needs a dictionary');
  let mostBytes = 0;
  for (let at = blocksAt(descriptor), isLast = false; ;) {
    if (isLast) {
      const checksumBytes = (descriptor & 0x04) === 0 ? 0 : 4;
      if (at + checksumBytes !== bytes.length) throw new Error('it is not one whole zstd frame');
      return mostBytes;
    }
    const header = bytes.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    isLast = (header & 1) === 1;
    if (type > blockTypes.compressed || size > maxBlockBytes) throw new Error('it has an unknown block');
    mostBytes += type === blockTypes.compressed ? maxBlockBytes : size;
    at += 3 + (type === blockTypes.repeated ? 1 : size);
  }
}

/** Where the first block begins: behind magic, descriptor, window and the content's size. */
function blocksAt(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? Number(isSingleSegment) : 2 ** sizeFlag;
  return 4 + 1 + Number(!isSingleSegment) + sizeBytes;
}
