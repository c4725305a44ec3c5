/**
 * A consumer group: takes records, hands each to its topic's handler, and never loses or blocks one for ever.
 *
 * Invariants: what is down is waited for in place (lag grows, nothing is lost); what can never be handled goes to the
 * group's dead letters with its origin and reason, then counts as handled; handlers judge by rows, so a repeat is harmless.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { readEnvelope, UnreadableEvent, type ReadEvent } from '../../contracts/topics/envelope';
import type { EventTopic } from '../../contracts/topics/events';
import type { ConsumerGroup } from '../../contracts/topics/topics';
import type { Database } from '../../prisma/client';
import {
  headerTexts,
  isWithoutContent,
  lettersToRedrive,
  noteRedrive,
  recordOf,
  writeDeadLetter,
  type DeadLetterDependencies,
  type Letter,
} from './dead-letters';
import { failureKind, Failures, refusalOf, usualLimits, type Limits, type Refusal } from './failure';
import type { KafkaClient, ReceivedRecord } from '../kafka/port';
import type { Pulse } from '../pulse';
import { Slots } from './slots';

/** Where a record was read, and until when it is this member's. */
export interface Delivery {
  /** Topic, partition and offset. */
  place: string;
  /** Aborted: the partition is lost, or the member closes. */
  signal: AbortSignal;
}

export type Handlers = { [T in EventTopic]?: (event: ReadEvent<T>) => Promise<void> };
/** Of records that wait for each other: they take no part in the bound of records that are handled at once. */
export type GatheringHandlers = {
  [T in EventTopic]?: (event: ReadEvent<T>, delivery: Delivery) => Promise<void>;
};

export interface GroupDependencies {
  kafka: KafkaClient;
  db: Database;
  log: Logger;
  onFatal(error: Error): void;
  /** Is given the group's signs of life and crashes. */
  pulse?: Pulse;
  /** Nobody waits for what the group does. */
  unhurried?: boolean;
  /** Topics whose records are gathered, beside those that are handled one by one. */
  gathering?: GatheringHandlers;
  /** For how long failures are repeated; see {@link usualLimits}. */
  limits?: Partial<Limits>;
  /** A record waits for its next try, or does so no more. */
  onWaiting?(reason: WaitingReason, change: 1 | -1): void;
  /** The group's Kafka client gave up a membership. */
  onCrash?(): void;
}

/** Why a record waits: something is down, what it is about is not there yet, or it fails. */
export type WaitingReason = 'unavailable' | 'absent' | 'failing';

export interface RunningGroup {
  close(): Promise<void>;
}

const firstRetryMs = 200;
const longestRetryMs = 10_000;
const redrivePollMs = 1_000;
/** Records that a group handles at once. One that waits for its next try is none of them. */
const parallelRecords = 128;
/** While something is down thousands of records may be waiting; one line tells of them all. */
const troubleEveryMs = 5_000;

/** Starts consuming as `group`; each topic needs its handler. */
export async function runGroup(
  deps: GroupDependencies,
  group: ConsumerGroup,
  handlers: Handlers,
): Promise<RunningGroup> {
  const log = deps.log.child({ group });
  const limits = { ...usualLimits, ...deps.limits };
  const producer = await deps.kafka.producer();
  const slots = new Slots(parallelRecords);
  const trouble = { waiting: 0, loggedMs: -Infinity };
  const onWaiting = deps.onWaiting ?? (() => undefined);
  const gathering = deps.gathering ?? {};
  const handling = {
    group,
    handlers,
    gathering,
    db: deps.db,
    producer,
    log,
    limits,
    slots,
    trouble,
    onWaiting,
  };
  const topics = Object.keys({ ...handlers, ...gathering }) as EventTopic[];
  const consumer = await deps.kafka.consumer({
    group,
    topics,
    unhurried: deps.unhurried,
    onFatal: deps.onFatal,
    onCrash: deps.onCrash,
    pulse: deps.pulse,
    handle: (record, signal) => handleRecord(handling, record, signal),
  });
  const closing = new AbortController();
  const redriving = redriveUntilClosed(handling, closing.signal);
  return {
    async close() {
      closing.abort();
      await Promise.all([consumer.close(), redriving]);
      await producer.close();
    },
  };
}

interface Handling extends DeadLetterDependencies {
  handlers: Handlers;
  gathering: GatheringHandlers;
  limits: Limits;
  slots: Slots;
  /** How many records wait for their next try, and when that was logged. */
  trouble: { waiting: number; loggedMs: number };
  onWaiting(reason: WaitingReason, change: 1 | -1): void;
}

async function handleRecord(
  handling: Handling,
  record: ReceivedRecord,
  signal: AbortSignal,
): Promise<boolean> {
  const failures = new Failures(handling.limits);
  for (let waitMs = firstRetryMs; !signal.aborted; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
    try {
      const handle = async (): Promise<boolean> => {
        if (signal.aborted) return false;
        await handleOrBury(handling, record, failures, signal);
        return true;
      };
      // oxlint-disable-next-line no-loop-func -- the retries follow each other
      return await (record.topic in handling.gathering ? handle() : handling.slots.run(handle));
    } catch (error) {
      await waitForNextTry(handling, record, error, waitMs, signal);
    }
  }
  return false;
}

async function waitForNextTry(
  { log, trouble, onWaiting }: Handling,
  { topic, partition, offset }: ReceivedRecord,
  error: unknown,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const kind = failureKind(error);
  const reason = kind === 'unavailable' || kind === 'absent' ? kind : 'failing';
  trouble.waiting += 1;
  onWaiting(reason, 1);
  if (performance.now() - trouble.loggedMs > troubleEveryMs) {
    trouble.loggedMs = performance.now();
    log.warn(
      { err: error, reason, topic, partition, offset, records_waiting: trouble.waiting },
      'record not handled yet, retrying',
    );
  }
  await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  trouble.waiting -= 1;
  onWaiting(reason, -1);
}

/** @throws what is to be tried again */
async function handleOrBury(
  handling: Handling,
  record: ReceivedRecord,
  failures: Failures,
  signal: AbortSignal,
): Promise<void> {
  const failure = await failureOf(handling, record, signal);
  if (failure === null) return;
  const { error } = failure;
  // What is another member's now is no failure of the record.
  if (signal.aborted) throw error;
  if (failures.isToBeRepeated(failureKind(error), performance.now())) throw error;
  await writeDeadLetter(handling, record, refusalOf(error));
}

/** Null when the record was handled. */
async function failureOf(
  handling: Handling,
  record: ReceivedRecord,
  signal: AbortSignal,
): Promise<{ error: unknown } | null> {
  try {
    await dispatch(handling, record, signal);
    return null;
  } catch (error) {
    return { error };
  }
}

/** Takes up, one after the other, what operators want handled again; one that cannot be yet holds up no other. */
async function redriveUntilClosed(handling: Handling, signal: AbortSignal): Promise<void> {
  const { db, group, log } = handling;
  while (!signal.aborted) {
    const letters = await lettersToRedrive(db, group).catch((error: unknown) => {
      log.warn({ err: error }, 'dead letters not polled');
      return [];
    });
    for (const letter of letters) {
      if (signal.aborted) return;
      await redrive(handling, letter, signal).catch((error: unknown) => {
        log.warn({ err: error, dead_letter_id: letter.id }, 'dead letter not redriven');
      });
    }
    await sleep(redrivePollMs, undefined, { signal }).catch(() => undefined);
  }
}

/** @throws what is unavailable; the letter is tried again later */
async function redrive(handling: Handling, letter: Letter, signal: AbortSignal): Promise<void> {
  await noteRedrive(handling.db, letter, await refusalOfRedrive(handling, letter, signal));
  handling.log.info({ dead_letter_id: letter.id }, 'dead letter redriven');
}

/** Null when the record was handled. @throws what is unavailable */
async function refusalOfRedrive(
  handling: Handling,
  letter: Letter,
  signal: AbortSignal,
): Promise<Refusal | null> {
  if (isWithoutContent(letter)) {
    const { topic, partition, offset, error_code: code } = letter;
    const original = `${topic}, partition ${partition}, offset ${offset}`;
    return { code, message: `what it held is not kept here: write it again from ${original}` };
  }
  const failure = await failureOf(handling, recordOf(letter), signal);
  if (failure === null) return null;
  if (signal.aborted || failureKind(failure.error) === 'unavailable') throw failure.error;
  return refusalOf(failure.error);
}

async function dispatch(
  { handlers, gathering }: Handling,
  record: ReceivedRecord,
  signal: AbortSignal,
): Promise<void> {
  if (record.undecodable !== undefined) {
    const { firstOffset, reason } = record.undecodable;
    const words = `offsets ${firstOffset} to ${record.offset} cannot be decoded: ${reason}`;
    throw new UnreadableEvent('batch_not_decodable', words);
  }
  const topic = record.topic as EventTopic;
  const handler = (gathering[topic] ?? handlers[topic]) as
    ((event: ReadEvent<EventTopic>, delivery: Delivery) => Promise<void>) | undefined;
  if (handler === undefined) return;
  const { partition, offset } = record;
  const delivery = { place: `${topic}/${partition}/${offset}`, signal };
  await handler(readEnvelope(topic, { ...record, headers: headerTexts(record.headers) }), delivery);
}
