/** Recorded histories as files: compressed JSON, one folder a release. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { temporal } from '@temporalio/proto';
import { repositoryFolder } from '../../../dev/platform/options';

export type History = temporal.api.history.v1.IHistory;
const { History: historyType } = temporal.api.history.v1;

export const historiesFolder = join(repositoryFolder(), 'test', 'workflow', 'histories');
/** The workflows of the next release. */
export const unreleased = 'unreleased';
const ending = '.json.gz';

/** The releases that have a folder. */
export const releases = (): string[] => readdirSync(historiesFolder).toSorted();

/** The names of a release's histories. */
export const historiesOf = (release: string): string[] =>
  readdirSync(join(historiesFolder, release))
    .map((file) => file.replace(ending, ''))
    .toSorted();

/** @param path of the file, without its ending */
export function writeHistory(path: string, history: History): void {
  mkdirSync(dirname(path), { recursive: true });
  // Stack traces of failures name files, which lie elsewhere on another machine.
  const json = JSON.stringify(historyToJson(history), null, 2).replaceAll(`${repositoryFolder()}/`, '');
  writeFileSync(`${path}${ending}`, gzipSync(`${json}\n`, { level: 9 }));
}

/** @param change of the file's text, before it is read as a history */
export function readHistory(
  release: string,
  name: string,
  change: (json: string) => string = (json) => json,
): History {
  const file = readFileSync(join(historiesFolder, release, `${name}${ending}`));
  return historyType.fromObject(JSON.parse(change(gunzipSync(file).toString())) as object);
}

/**
 * As `@temporalio/proto` reads and writes plain objects. The SDK's own `historyToJSON` needs one protobufjs for all of
 * its packages, and npm installs several beside each other.
 */
function historyToJson(history: History): object {
  return historyType.toObject(historyType.fromObject(history), {
    enums: String,
    longs: String,
    bytes: String,
  });
}
