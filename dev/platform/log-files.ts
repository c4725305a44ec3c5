/**
 * The servers' log files: one per process, appended to by every run, bounded in size.
 */
import { createReadStream, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';

const rotateAtBytes = 20 * 1024 * 1024;

/**
 * Opens a log for appending and returns its file descriptor, which the caller closes. A log that has grown beyond
 * 20 MiB is moved to `<path>.1` first.
 */
export function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  if (sizeOf(path) > rotateAtBytes) renameSync(path, `${path}.1`);
  return openSync(path, 'a');
}

/** How long a file is, in bytes; 0 when there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * The last lines of a text file, of what stands after `fromByte`; empty when it cannot be read. Reads at most its
 * last 64 KiB.
 */
export async function lastLines(path: string, count: number, fromByte = 0): Promise<string> {
  try {
    const { size } = await lstat(path);
    let text = '';
    for await (const part of createReadStream(path, {
      encoding: 'utf8',
      start: Math.max(Math.min(fromByte, size), size - 65_536),
    })) {
      text += part as string;
    }
    return text
      .trimEnd()
      .split('\n')
      .slice(-count)
      .map((line) => (line.length > 500 ? `${line.slice(0, 500)} ...` : line))
      .join('\n');
  } catch {
    return '';
  }
}
