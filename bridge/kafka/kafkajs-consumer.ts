/**
 * Consumes over kafkajs: reading continues beside handling, so that a stuck partition delays no other.
 *
 * Owns: membership of the group, pausing and resuming, commits. Invariants:
 * - An offset is committed only after the effects of all records up to it are durable.
 * - A member joins again only when no record is in progress, so that no other member handles one of its keys.
 * - A partition without room is paused; records that were not taken are read again later.
 * - The owner is notified when kafkajs has stopped or stalled (`kafkajs-lasting-consumer.ts` restarts it).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  PartitionAssigners,
  type Consumer,
  type ConsumerConfig,
  type EachBatchPayload,
  type Kafka,
  type PartitionAssigner,
} from 'kafkajs';
import type { Logger } from 'pino';
import { HeldPartitions, type HeldPartition } from '../consumer/held-partitions';
import { within } from '../within';
import { guardFetches } from './kafkajs-fetch-guard';
import { isKafkaUnavailable, passPulse, watchLife } from './kafkajs-life';
import { received } from './kafkajs-record';
import type { ConsumerOptions, RecordConsumer } from './port';

const heartbeatMs = 1_500;
const commitMs = 500;
/** For a group without hurry it pays to fetch so many at once. */
const manyBytes = 64 * 1024;
const retry = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 10 };
/** A partition that finishes nothing for so long is paused; what was fetched with it waits for it until then. */
const timeoutMs = 1_000;
/** A member that joins again later than the group waits (`rebalanceTimeout`) is left out. */
const drainWithinMs = 10_000;
/** kafkajs may never answer; closing a member continues without it then. */
const answerWithinMs = 10_000;

/** What becomes of a membership while it lasts. */
export interface MembershipEvents {
  /** Partitions were handed out to this member. */
  onJoined(): void;
  /** kafkajs has stopped on an error that does not mean that Kafka is unavailable, and restarts by itself. */
  onCrashed(error: Error): void;
  /** Called once: kafkajs has stopped on an error that it does not retry, or has stalled. */
  onGivenUp(error: Error): void;
}

/** Becomes a member of the group and handles its records. @throws when Kafka does not answer */
export async function joinGroup(
  kafka: Kafka,
  options: Omit<ConsumerOptions, 'onFatal'>,
  events: MembershipEvents,
  log: Logger,
  silentMs: number,
): Promise<RecordConsumer> {
  const groupLog = log.child({ group: options.group });
  const held = new HeldPartitions((record, signal) => options.handle(record, signal));
  const consumer = kafka.consumer({
    ...consumerConfig(options),
    retry: { ...retry, restartOnFailure: () => Promise.resolve(!member.isClosing) },
    partitionAssigners: [assignerOf(() => member.drain(), groupLog)],
  });
  const member = new Member(consumer, held, groupLog);
  const life = watchLife(consumer, silentMs);
  passPulse(consumer, options.pulse);
  let isGivenUp = false;
  function giveUp(error: Error): void {
    if (isGivenUp || member.isClosing) return;
    isGivenUp = true;
    events.onGivenUp(error);
  }
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    groupLog.error({ err: error, restart }, 'consumer crashed');
    if (!restart) giveUp(error);
    else if (!isKafkaUnavailable(error)) events.onCrashed(error);
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.joined(payload.memberAssignment);
    events.onJoined();
  });
  consumer.on(consumer.events.FETCH_START, () => member.resume());
  async function end(): Promise<void> {
    life.stopWatching();
    // A consumer that is being disconnected commits nothing any more, and does not say so.
    await member.close();
    // One that comes back to life later would hold partitions and handle nothing.
    consumer.on(consumer.events.FETCH, () => void consumer.disconnect().catch(() => undefined));
    await within(answerWithinMs, consumer.disconnect()).catch((error: unknown) => {
      groupLog.warn({ err: error }, 'consumer did not leave its group');
    });
  }
  try {
    const silent = life.silence.then((error) => Promise.reject(error));
    await Promise.race([begin(consumer, options.topics, member), silent]);
  } catch (error) {
    await end();
    throw error;
  }
  void life.silence.then((error) => {
    groupLog.error({ err: error }, 'consumer stalled, restarting');
    giveUp(error);
  });
  // What is committed now is not handled again after a crash; the next commit makes up for a failed one.
  const commits = setInterval(() => member.commitUnlessBusy(), commitMs);
  return {
    async close() {
      clearInterval(commits);
      await end();
    },
  };
}

function consumerConfig({ group, unhurried }: Pick<ConsumerOptions, 'group' | 'unhurried'>): ConsumerConfig {
  return {
    groupId: group,
    sessionTimeout: 6_000,
    heartbeatInterval: heartbeatMs,
    rebalanceTimeout: 15_000,
    allowAutoTopicCreation: false,
    // An idle fetch cannot be broken off: closing, heartbeats and joining again wait for it.
    maxWaitTimeInMs: 500,
    minBytes: unhurried === true ? manyBytes : 1,
    // An answer is taken apart in one go, during which nothing else happens in the process.
    maxBytes: 4 * 1024 * 1024,
    maxBytesPerPartition: 512 * 1024,
  };
}

async function begin(consumer: Consumer, topics: readonly string[], member: Member): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 64,
    eachBatch: (payload) => member.takeBatch(payload),
  });
}

class Member {
  isClosing = false;
  /** Between two memberships positions are not known, and nothing is taken. */
  private isJoining = true;
  private heartbeat: () => Promise<void> = () => Promise.resolve();
  private committing: Promise<void> | undefined;

  constructor(
    private readonly consumer: Consumer,
    private readonly held: HeldPartitions,
    private readonly log: Logger,
  ) {}

  /** Takes what there is room for; the rest is read again, for its offsets are not resolved. */
  async takeBatch({ batch, resolveOffset, heartbeat }: EachBatchPayload): Promise<void> {
    this.heartbeat = heartbeat;
    if (this.isJoining || this.isClosing) return;
    const partition = this.held.of(batch);
    const skippedFrom = this.held.takeLeftOver(partition, batch.messages[0]?.offset);
    if (skippedFrom !== undefined) {
      // Read for an earlier membership, by a fetch to another broker that was under way while joining.
      this.consumer.seek({ ...placeOf(batch), offset: skippedFrom });
      return;
    }
    for (const message of batch.messages) {
      if (!partition.window.hasRoom && !(await this.roomIn(partition, heartbeat))) return;
      if (partition.window.isStopped) return;
      partition.window.take(received(batch, message));
      resolveOffset(message.offset);
    }
  }

  /** False: read on later. @throws when the group goes on without this member, for kafkajs to join again */
  private async roomIn(partition: HeldPartition, heartbeat: () => Promise<void>): Promise<boolean> {
    while (!partition.window.isStopped) {
      if (partition.window.hasRoom) return true;
      if (!(await partition.window.progress(timeoutMs))) {
        this.pause(partition);
        return false;
      }
      // Handlers that wait for nothing would keep timers and sockets from their turn.
      await nextTurn();
      await heartbeat();
    }
    return false;
  }

  private pause(partition: HeldPartition): void {
    const { topic, window } = partition;
    const paused = [{ topic, partitions: [partition.partition] }];
    this.consumer.pause(paused);
    this.log.info(placeOf(partition), 'partition paused');
    void window
      .mostlyFree()
      .then(() => {
        if (window.isStopped) return;
        this.consumer.resume(paused);
        this.log.info(placeOf(partition), 'partition resumed');
      })
      // kafkajs is between a crash and its restart, which forgets what was paused.
      .catch((error: unknown) => this.log.debug({ err: error }, 'partition not resumed'));
  }

  commitUnlessBusy(): void {
    if (this.committing === undefined) void this.commit().catch(() => undefined);
  }

  /** Commits how far each partition is done without a hole. @throws what the next one makes good */
  async commit(): Promise<void> {
    while (this.committing !== undefined) await this.committing.catch(() => undefined);
    const news = this.held.uncommitted();
    if (news.length === 0) return;
    this.committing = this.consumer
      .commitOffsets(
        news.map(({ partition, doneUpTo }) => ({
          ...placeOf(partition),
          offset: (BigInt(doneUpTo) + 1n).toString(),
        })),
      )
      .then(() => {
        for (const { partition, doneUpTo } of news) partition.committed = doneUpTo;
      })
      .finally(() => {
        this.committing = undefined;
      });
    await this.committing;
  }

  /** Before the group assigns its partitions again: finishes what is in progress and commits it. */
  async drain(): Promise<void> {
    this.isJoining = true;
    if (this.held.isEmpty) return;
    const beating = setInterval(() => void this.heartbeat().catch(() => undefined), heartbeatMs);
    try {
      await within(
        drainWithinMs,
        this.held.stop().then(() => this.commit()),
      );
    } catch (error) {
      this.log.info({ err: error }, 'offsets not committed');
    } finally {
      clearInterval(beating);
      for (const { topic, partition } of this.held.clear())
        this.consumer.resume([{ topic, partitions: [partition] }]);
    }
  }

  joined(assignment: Record<string, number[]>): void {
    this.held.keepLeftOver(assignment);
    this.isJoining = false;
  }

  /**
   * When the broker that was to join it goes away, kafkajs reads on as the member that it was, and may stay so: a broker
   * that is started again knows its members. One that does not tells kafkajs to join. It begins no reading while it joins.
   */
  resume(): void {
    if (!this.isJoining) return;
    this.isJoining = false;
    // kafkajs does not read again what was drained without being finished.
    for (const left of this.held.takeLeftOvers()) this.consumer.seek(left);
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await this.held.stop();
    await within(answerWithinMs, this.commit()).catch((error: unknown) => {
      this.log.info({ err: error }, 'offsets not committed');
    });
  }
}

/**
 * kafkajs's own assigner, with a guard of the consumer's fetches, and a notification before each joining. kafkajs has no
 * hook for either; it passes its cluster to assigners, asks it for the brokers that it fetches from, and before it joins
 * for the group's coordinator.
 */
function assignerOf(notify: () => Promise<void>, log: Logger): PartitionAssigner {
  return (config) => {
    const { cluster } = config;
    guardFetches(cluster, log);
    const find = cluster.findGroupCoordinator.bind(cluster);
    cluster.findGroupCoordinator = async (group) => {
      await notify();
      return find(group);
    };
    return PartitionAssigners.roundRobin(config);
  };
}

function placeOf({ topic, partition }: { topic: string; partition: number }) {
  return { topic, partition };
}
