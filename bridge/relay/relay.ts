/**
 * Publishes the outbox to Kafka; the only producer of the product's topics.
 *
 * Owns: a lane of work for each shard that this relay holds. Invariants:
 * - One relay at a time works on a shard; several share the shards evenly.
 * - A lane sends the rows of its shard one batch after another, in parallel with the other lanes.
 * - After any failure the relay gives up its shards and restarts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../../prisma/client';
import { outboxChannel } from '../../billing/outbox';
import type { KafkaClient, RecordProducer } from '../kafka/port';
import { publishBatch, shardsWithRows, type BatchDependencies } from './outbox-batch';
import { openRelayConnection } from './relay-connection';
import { announcePresence, giveBackShard, shardsDue, takeShards } from './shard-shares';
import type { Pulse } from '../pulse';
import { within } from '../within';

/**
 * How often shards are taken and given back, and looked into: the floor under the hints, a lost one delays a record so
 * long. Keeps the connection from being silent, too.
 */
const roundMs = 1_000;
const reconnectMs = 1_000;
const closeWithinMs = 5_000;
/** With the silence that a pulse allows, within a minute. */
const stuckMs = 10_000;

export interface RelayDependencies {
  /** For a connection of the relay's own. */
  databaseUrl: string;
  /** For what has to be written together: parking a row. */
  db: Database;
  kafka: KafkaClient;
  log: Logger;
  /** Is given a sign of life with each round in which no lane is stuck, and each failure. */
  pulse?: Pulse;
}

export interface Relay {
  /** Finishes the batches in progress and gives the shards to others. */
  close(): Promise<void>;
}

/** Starts relaying; it restarts after every failure of PostgreSQL or Kafka until it is closed. */
export function startRelay(deps: RelayDependencies): Relay {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await relayUntilFailure(deps, stopping.signal);
      } catch (error) {
        deps.pulse?.fail();
        deps.log.warn({ err: error }, 'relay lost its connection, restarting');
        await pause(reconnectMs, stopping.signal);
      }
    }
  })();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}

async function relayUntilFailure(deps: RelayDependencies, stopping: AbortSignal): Promise<void> {
  // Kafka first: who cannot publish holds no shard and does not count.
  const producer = await deps.kafka.producer();
  try {
    await relayOver(producer, deps, stopping);
  } finally {
    await closed(producer.close());
  }
}

async function relayOver(
  producer: RecordProducer,
  { databaseUrl, db, log, pulse }: RelayDependencies,
  stopping: AbortSignal,
): Promise<void> {
  let hint: (shard: number) => void = () => undefined;
  const connection = await openRelayConnection(databaseUrl, outboxChannel, (shard) => hint(Number(shard)));
  const lanes = new Lanes({ connection, producer, db, log }, pulse);
  hint = (shard) => lanes.hint(shard);
  try {
    await announcePresence(connection);
    await Promise.race([lanes.share(stopping), lanes.failed, connection.lost]);
  } finally {
    // What is sent should be marked, too; a peer that has vanished does not answer a farewell.
    await closed(lanes.stop());
    await closed(connection.close());
  }
}

/** The lanes of the shards that this relay holds. */
class Lanes {
  private readonly running = new Map<number, Lane>();
  private stopped = false;
  private fail: (error: unknown) => void = () => undefined;
  /** Rejects when a lane has failed; never resolves. */
  readonly failed = new Promise<never>((_, reject) => {
    this.fail = reject;
  });

  constructor(
    private readonly deps: BatchDependencies,
    private readonly pulse: Pulse | undefined,
  ) {
    this.failed.catch(() => undefined);
  }

  /** Something was committed in a shard. */
  hint(shard: number): void {
    this.running.get(shard)?.hint();
  }

  /** Holds as many shards as are due, until `stopping` and until the batches in hand are done. */
  async share(stopping: AbortSignal): Promise<void> {
    const { connection, log } = this.deps;
    while (!stopping.aborted && !this.stopped) {
      const due = await shardsDue(connection);
      const held = [...this.running.keys()];
      for (const shard of held.slice(due)) this.giveBack(shard);
      for (const shard of await shardsWithRows(connection, held)) this.hint(shard);
      for (const shard of await takeShards(connection, new Set(held), due - held.length)) {
        // Taken while the relay was stopping: the lock goes with the connection.
        if (this.stopped) return;
        this.running.set(
          shard,
          startLane(() => publishBatch(this.deps, shard), this.fail),
        );
        log.debug({ shard }, 'relay acquired shard');
      }
      if (![...this.running.values()].some((lane) => lane.isStuck())) this.pulse?.beat();
      await pause(roundMs, stopping);
    }
    await this.stop();
  }

  /** Returns when every lane has ended, by itself or by a failure; none is started any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.running.values()].map((lane) => lane.stop()));
  }

  /** After the batch in progress, which may take its time; the shares are looked after meanwhile. */
  private giveBack(shard: number): void {
    const lane = this.running.get(shard);
    if (lane === undefined || lane.isLeaving()) return;
    const { connection, log } = this.deps;
    lane
      .stop()
      .then(() => giveBackShard(connection, shard))
      .then(() => {
        this.running.delete(shard);
        log.debug({ shard }, 'relay released shard');
      }, this.fail);
  }
}

interface Lane {
  isLeaving(): boolean;
  /** Whether the batch in progress takes longer than any should. */
  isStuck(): boolean;
  hint(): void;
  /** Returns when the batch in progress is done. */
  stop(): Promise<void>;
}

/** @param work publishes a batch and says whether more are known to wait */
function startLane(work: () => Promise<boolean>, fail: (error: unknown) => void): Lane {
  const leaving = new AbortController();
  let hinted = false;
  let workSinceMs: number | undefined;
  let wake: () => void = () => undefined;
  const nextHint = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const ended = (async () => {
    while (!leaving.signal.aborted) {
      hinted = false;
      workSinceMs = performance.now();
      const more = await work();
      workSinceMs = undefined;
      if (!more && !hinted && !leaving.signal.aborted) await nextHint();
    }
  })().catch(fail);
  return {
    isLeaving: () => leaving.signal.aborted,
    isStuck: () => workSinceMs !== undefined && performance.now() - workSinceMs > stuckMs,
    hint() {
      hinted = true;
      wake();
    },
    async stop() {
      leaving.abort();
      wake();
      await ended;
    },
  };
}

/** Waits for the time to pass, or for the signal. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** Waits for the end of the work, well or ill, but not for ever. */
async function closed(work: Promise<unknown>): Promise<void> {
  await within(closeWithinMs, work).catch(() => undefined);
}
