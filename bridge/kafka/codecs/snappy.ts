/**
 * Snappy as Kafka's clients write it: Java's in the frames of `snappy-java` (xerial), librdkafka's as one bare block.
 *
 * Invariant: a block's declared length is counted before memory is taken for it.
 */
import { uncompress } from 'snappyjs';

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
/** The magic, and two versions of four bytes. */
const xerialHeaderBytes = 16;
const lengthBytes = 4;

/** @throws Error when it is not Snappy, or unpacks to more than `maxBytes` */
export function unpackSnappy(bytes: Buffer, maxBytes: number): Buffer {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) return uncompress(bytes, maxBytes);
  const parts: Buffer[] = [];
  let leftBytes = maxBytes;
  for (let at = xerialHeaderBytes; at < bytes.length;) {
    const length = bytes.readInt32BE(at);
    at += lengthBytes;
    if (length <= 0 || at + length > bytes.length) throw new Error('a block ends beyond the frame');
    const part = uncompress(bytes.subarray(at, at + length), leftBytes);
    leftBytes -= part.length;
    parts.push(part);
    at += length;
  }
  return Buffer.concat(parts);
}
