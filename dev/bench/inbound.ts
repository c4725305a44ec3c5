/**
 * From Kafka to Temporal: records per second that a consumer group of the product signals workflows for, as a ratio
 * to a bare loop over kafkajs in the same run; and the group's memory before a long backlog.
 *
 * Each side is a process of its own and reads the same records. Not measured: what workflows do when they are
 * signalled (nobody works for them here), handlers' statements in PostgreSQL, several brokers.
 */
import { derivedTrace } from '../../domain/trace';
import { fork } from 'node:child_process';
import { Client, Connection } from '@temporalio/client';
import { Kafka, logLevel } from 'kafkajs';
import { writeEnvelope } from '../../contracts/topics/envelope';
import type { System } from '../platform/system';
import { runMany } from './load';
import type { InboundFigures, InboundTask } from './inbound-process';

const keyCount = 1_000;
const recordCount = 10_000;
const topic = 'subscriptions.renew_required';
const backlogTopic = 'payments.retry.requested';

export async function benchInbound(
  system: System,
  backlog: number,
  report: (line: string) => void,
): Promise<void> {
  const kafka = new Kafka({
    brokers: (system.environment['KAFKA_BROKERS'] ?? '').split(','),
    logLevel: logLevel.ERROR,
  });
  await startSleepers(system);
  await fill(kafka, topic, recordCount, renewRequired);
  report(`  ${recordCount} records over ${keyCount} keys, each a signal`);
  const run = (task: InboundTask) => figuresOf(system, task);
  const bare = { kind: 'bare', topic, count: recordCount } as const;
  const before = await run({ ...bare, name: 'before' });
  report(`  bare loop: ${shown(before)}`);
  const ours = await run({ kind: 'group', topic, count: recordCount, isSignalling: true });
  report(`  consumer group: ${shown(ours)}`);
  const after = await run({ ...bare, name: 'after' });
  report(`  bare loop: ${shown(after)}`);
  const floor = (before.perSecond + after.perSecond) / 2;
  report(`  ratio ${(ours.perSecond / floor).toFixed(2)}`);

  await fill(kafka, backlogTopic, backlog, retryRequested);
  const read = await run({ kind: 'group', topic: backlogTopic, count: backlog, isSignalling: false });
  report(`  backlog of ${backlog} records, nothing done about them: ${shown(read)}`);
  const memory = [read.rssMib[0], read.rssMib[Math.floor(read.rssMib.length / 2)], read.rssMib.at(-1)];
  const shownMemory = memory.map((mib) => (mib ?? 0).toFixed(0)).join(' / ');
  report(
    `  memory at the start / middle / end: ${shownMemory} MiB, at most ${Math.max(...read.rssMib).toFixed(0)} MiB`,
  );
}

function shown({ perSecond, cpuMsPerRecord }: InboundFigures): string {
  return `${Math.round(perSecond)} records/s, ${cpuMsPerRecord.toFixed(3)} ms CPU for each`;
}

/** Workflows that take signals and that no worker works for. */
async function startSleepers(system: System): Promise<void> {
  const connection = await Connection.connect({ address: system.environment['TEMPORAL_ADDRESS'] ?? '' });
  const client = new Client({ connection });
  await runMany(keyCount, 20, async (index) => {
    const workflowId = `sleeper/sub_${index}`;
    await client.workflow.start('sleeper', { workflowId, taskQueue: 'nobody' });
  });
  await connection.close();
}

async function fill(kafka: Kafka, to: string, count: number, valueOf: (at: number) => string): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  const headers = { 'content-type': 'application/cloudevents+json' };
  for (let at = 0; at < count; at += 1_000) {
    const messages = Array.from({ length: Math.min(1_000, count - at) }, (_, index) => ({
      key: keyOf(at + index),
      value: valueOf(at + index),
      headers,
    }));
    await producer.send({ topic: to, messages });
  }
  await producer.disconnect();
}

const keyOf = (at: number): string => `sub_${at % keyCount}`;
const time = new Date('2027-01-15T12:00:00.000Z');
const trace = derivedTrace(['bench']);

function renewRequired(at: number): string {
  const key = keyOf(at);
  const about = { id: `${key}/period/${at}/v1`, source: '/retry-service', subject: key, key, trace } as const;
  const data = {
    subscription_id: key,
    customer_id: 'cus_1',
    period_index: at,
    due_at: time.toISOString(),
    cause: 'period_end' as const,
  };
  return writeEnvelope({ topic, ...about, data }, time);
}

function retryRequested(at: number): string {
  const key = keyOf(at);
  const about = {
    id: `pay_${at}/retry/1`,
    source: '/api-gateway',
    subject: `pay_${at}`,
    key,
    trace,
  } as const;
  const data = {
    payment_id: `pay_${at}`,
    subscription_id: key,
    customer_id: 'cus_1',
    retry_request_id: '1',
    payment_method_id: null,
    reason: 'the customer called',
    actor: { kind: 'operator' as const, id: 'key_1', reason: null },
  };
  return writeEnvelope({ topic: backlogTopic, ...about, data }, time);
}

function figuresOf(system: System, task: InboundTask): Promise<InboundFigures> {
  return new Promise((resolve, reject) => {
    const side = fork(require.resolve('./inbound-process'), { env: { ...system.environment } });
    let sent: InboundFigures | undefined;
    side.once('message', (figures: InboundFigures) => {
      sent = figures;
      side.disconnect();
    });
    side.once('exit', (code) => {
      if (sent === undefined) reject(new Error(`a side of the benchmark ended with ${code}`));
      else resolve(sent);
    });
    side.send(task);
  });
}
