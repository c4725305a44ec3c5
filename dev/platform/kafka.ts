/**
 * The platform's Kafka: one node that is broker and controller (KRaft).
 *
 * Owns: its jars, its properties, how one knows that it answers. Does not own topics (`bin/migrate` makes them).
 * Invariants: it listens on the loopback interface only; topics are never made by accident; it counts as started
 * when the coordinator of consumer groups answers, which is later than when its port opens.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { copyJars, type BuildContext } from './builds';
import { ensureCached, type CacheEntry, type CacheOptions } from './cache';
import { PlatformError } from './errors';
import type { NativeServer } from './server';
import { environmentWithHome, runLong } from './tools';
import { canConnect } from './waiting';

const kafkaVersion = '4.1.0';
const title = `Kafka ${kafkaVersion}`;

/** The name of Kafka's jars in the cache. */
export const kafkaCache = { component: 'kafka', version: kafkaVersion } as const;

export interface KafkaOptions {
  /** The platform's folder. */
  readonly dir: string;
  readonly port: number;
  /** Where the node talks to itself as controller. */
  readonly controllerPort: number;
  /** The folder with lib/. */
  readonly programs: string;
  /** The program `java`. */
  readonly java: string;
  readonly signal?: AbortSignal;
}

/** Kafka's jars in the cache. */
function kafkaEntry(context: BuildContext): CacheEntry {
  return {
    ...kafkaCache,
    build: (folder) =>
      copyJars(
        {
          title,
          variable: 'KAFKA_BROKERS',
          // Kafka is compiled against the 1.7 line of slf4j, which does not see a provider of the 2.0 line.
          artefacts: [`org.apache.kafka:kafka_2.13:${kafkaVersion}`, 'org.slf4j:slf4j-simple:1.7.36'],
        },
        folder,
        context,
      ),
  };
}

/** The folder with Kafka's jars, fetched when it is not there. */
export function kafkaPrograms(context: BuildContext, options: CacheOptions): Promise<string> {
  return ensureCached(kafkaEntry(context), options);
}

function properties(options: KafkaOptions, data: string): string {
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${options.controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${options.port},CONTROLLER://127.0.0.1:${options.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${options.port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': data,
    'auto.create.topics.enable': false,
    'delete.topic.enable': true,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // A killed broker may register again only when its last session has ended; the default makes that 9 s.
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 3_000,
    'num.network.threads': 2,
    'num.io.threads': 4,
    // Index files are made at full length; with a hundred partitions the default takes gigabytes of address space.
    'log.index.size.max.bytes': 1_048_576,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function javaArguments(programs: string, heap: string[], main: string): string[] {
  return [
    ...heap,
    '-XX:+UseSerialGC',
    '-Djava.awt.headless=true',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
    '-cp',
    join(programs, 'lib', '*'),
    main,
  ];
}

/**
 * A cluster id for a folder: 16 bytes in base64url, derived, so that formatting again after an interruption agrees.
 * Like Kafka's own it never begins with a dash, which the tool would take for an option.
 */
export function clusterIdOf(folder: string): string {
  return createHash('sha256')
    .update(folder)
    .digest()
    .subarray(0, 16)
    .toString('base64url')
    .replace(/^-/, 'A');
}

async function format(options: KafkaOptions, folder: string, propertiesFile: string): Promise<void> {
  const clusterId = clusterIdOf(folder);
  const lines: string[] = [];
  const code = await runLong({
    command: options.java,
    args: [
      ...javaArguments(options.programs, ['-Xmx128m', '-XX:TieredStopAtLevel=1'], 'kafka.tools.StorageTool'),
      'format',
      '--ignore-formatted',
      '-t',
      clusterId,
      '-c',
      propertiesFile,
    ],
    cwd: folder,
    env: environmentWithHome(),
    logFile: join(folder, 'format.log'),
    onLine: (line) => lines.push(line),
    signal: options.signal,
  });
  if (code === 0) return;
  throw new PlatformError(
    'start_failed',
    `Kafka could not make its data in ${folder}:\n${lines
      .slice(-6)
      .map((line) => `    ${line}`)
      .join('\n')}`,
  );
}

/** @throws until the broker, and the coordinator of consumer groups, answer. */
async function answers(port: number): Promise<void> {
  // KafkaJS takes a second to give up on a closed port; this takes none.
  await canConnect('127.0.0.1', port);
  const kafka = new Kafka({
    clientId: 'perennial-platform',
    brokers: [`127.0.0.1:${port}`],
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    // A fresh connection learns of its brokers by failing once.
    retry: { retries: 3, initialRetryTime: 30, maxRetryTime: 100 },
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.fetchOffsets({ groupId: 'perennial-platform-probe' });
  } finally {
    await admin.disconnect();
  }
}

/** How the platform runs Kafka. */
export function kafkaServer(options: KafkaOptions): NativeServer {
  const folder = join(options.dir, 'kafka');
  const data = join(folder, 'data');
  const formatted = join(folder, 'formatted');
  const propertiesFile = join(folder, 'server.properties');
  return {
    name: 'kafka',
    title: 'Kafka',
    version: kafkaVersion,
    address: `127.0.0.1:${options.port}`,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 15_000,
    startTimeoutMs: 60_000,
    plan: async () => {
      mkdirSync(data, { recursive: true });
      writeFileSync(propertiesFile, properties(options, data));
      if (!existsSync(formatted)) {
        await format(options, folder, propertiesFile);
        writeFileSync(formatted, '');
      }
      return {
        command: options.java,
        args: [...javaArguments(options.programs, ['-Xms64m', '-Xmx512m'], 'kafka.Kafka'), propertiesFile],
        cwd: folder,
        env: environmentWithHome(),
        logFile: join(folder, 'kafka.log'),
        orphanSignal: 'SIGKILL',
      };
    },
    answers: () => answers(options.port),
  };
}
