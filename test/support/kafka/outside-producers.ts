/**
 * Producers that are not ours, as other teams use them: Java's console producer, and kcat.
 *
 * Java's is of the version that the platform runs; its jars are fetched when it is first used, which needs Maven.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { copyJars } from '../../../dev/platform/builds';
import { cacheRoot, ensureCached } from '../../../dev/platform/cache';
import { kafkaCache } from '../../../dev/platform/kafka';
import { machineTools } from '../../../dev/platform/tools';
import type { Codec } from './compressed';
import { structured } from './consuming';

export interface Line {
  key: string;
  value: Buffer | null;
}

export interface OutsideProducer {
  name: string;
  /** Whether it can write such a record at all. */
  carries(line: Line): boolean;
  write(topic: string, codec: Codec, lines: readonly Line[]): Promise<void>;
}

const brokers = () => process.env['TEST_KAFKA_BROKERS'] ?? '';
const [[headerName, headerValue] = ['', '']] = Object.entries(structured);
/** What a record may be of with headers and key; the broker judges what is stored. */
const largestRequestBytes = 4_000_000;

/** Undefined on a machine without Java or Maven. */
export async function javaProducer(report: (line: string) => void): Promise<OutsideProducer | undefined> {
  const java = await machineTools.find('java');
  if (java === undefined || (await machineTools.find('mvn')) === undefined) return undefined;
  const { version } = kafkaCache;
  const artefacts = [`org.apache.kafka:kafka-tools:${version}`, 'org.slf4j:slf4j-simple:1.7.36'];
  const build = (folder: string) =>
    copyJars({ title: `Kafka's tools ${version}`, artefacts }, folder, { report, tools: machineTools });
  const entry = { component: 'kafka-tools', version, build };
  const folder = await ensureCached(entry, { root: cacheRoot(), report });
  const runtime = [
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Xmx256m',
    '-cp',
    join(folder, 'lib', '*'),
  ];
  return {
    name: `Java's console producer ${version}`,
    // It reads lines of text and parts them at tabs.
    carries: ({ value }) => value !== null && !/[\n\r\t\ufffd]/.test(value.toString()),
    write: (topic, codec, lines) =>
      run(
        java,
        [
          ...runtime,
          'org.apache.kafka.tools.ConsoleProducer',
          '--bootstrap-server',
          brokers(),
          '--topic',
          topic,
          '--compression-codec',
          codec,
          '--property',
          'parse.headers=true',
          '--property',
          'parse.key=true',
          '--producer-property',
          `max.request.size=${largestRequestBytes}`,
        ],
        lines.map((line) => [`${headerName}:${headerValue}\t${line.key}\t`, line.value]),
      ),
  };
}

/** Undefined on a machine without kcat. */
export async function kcatProducer(): Promise<OutsideProducer | undefined> {
  const kcat = await machineTools.find('kcat');
  if (kcat === undefined) return undefined;
  return {
    name: 'kcat',
    // Of an empty value it makes none.
    carries: ({ value }) => value === null || (value.length > 0 && !value.includes('\n')),
    write: (topic, codec, lines) =>
      run(
        kcat,
        [
          '-P',
          '-q',
          '-b',
          brokers(),
          '-t',
          topic,
          '-z',
          codec,
          '-K',
          '\\t',
          '-Z',
          '-H',
          `${headerName}=${headerValue}`,
          '-X',
          `message.max.bytes=${largestRequestBytes}`,
        ],
        lines.map((line) => [`${line.key}\t`, line.value]),
      ),
  };
}

async function run(
  program: string,
  args: readonly string[],
  lines: readonly (readonly [string, Buffer | null])[],
): Promise<void> {
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  const printed = buffer(child.stderr);
  const ended = once(child, 'close') as Promise<[number | null]>;
  child.stdin.end(
    Buffer.concat(
      lines.flatMap(([head, value]) => [Buffer.from(head), value ?? Buffer.alloc(0), Buffer.from('\n')]),
    ),
  );
  const [code] = await ended;
  const complaints = (await printed).toString();
  // Java's says it, and ends with 0.
  if (code !== 0 || /ERROR|Exception/.test(complaints))
    throw new Error(`${program} ended with ${code}: ${complaints.slice(0, 2_000)}`);
}
