/**
 * Restarts the consumer of kafkajs, which ends for good on errors that it does not retry (some of them its own, while a
 * broker restarts) or stalls.
 *
 * Invariants:
 * - The records in progress of an ended membership are drained before the next one begins: no key is handled twice at
 *   once.
 * - A member that is never assigned partitions, or crashes soon after each time, is given up, within minutes. An
 *   unavailable Kafka ends no process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import { joinGroup } from './kafkajs-consumer';
import { defaultSilentMs, isKafkaUnavailable } from './kafkajs-life';
import type { ConsumerOptions, RecordConsumer } from './port';

const shortestPauseMs = 1_000;
const longestPauseMs = 4_000;
/** In a row; a member that was not assigned partitions by then, or did not keep them, never will. */
const maxFailures = 5;
/** A membership that lasts so long has not failed. */
const usualLastingMs = 60_000;

export interface LastingTimes {
  /** A membership in which nothing happens for so long has ended. */
  silentMs?: number;
  lastingMs?: number;
}

/**
 * @throws when Kafka does not answer at the start; later failures are the consumer's own to make good
 */
export async function consume(
  kafka: Kafka,
  options: ConsumerOptions,
  log: Logger,
  { silentMs = defaultSilentMs, lastingMs = usualLastingMs }: LastingTimes = {},
): Promise<RecordConsumer> {
  const closing = new AbortController();
  let failures = 0;
  let joinedMs: number | undefined;
  let current: RecordConsumer | undefined;
  let renewal: Promise<void> = Promise.resolve();

  function join(): Promise<RecordConsumer> {
    return joinGroup(
      kafka,
      options,
      {
        onJoined: () => {
          joinedMs ??= performance.now();
        },
        onCrashed: countFailure,
        onGivenUp: replace,
      },
      log,
      silentMs,
    );
  }

  /** @returns whether another membership is of use */
  function countFailure(fault: Error): boolean {
    const didLast = joinedMs !== undefined && performance.now() - joinedMs >= lastingMs;
    if (didLast || (joinedMs !== undefined && isKafkaUnavailable(fault))) failures = 0;
    joinedMs = undefined;
    failures += 1;
    options.onCrash?.();
    if (failures < maxFailures) return true;
    options.onFatal(fault);
    return false;
  }

  /** kafkajs may end the first membership before it says that it has begun: one step at a time. */
  function replace(fault: Error): void {
    if (countFailure(fault)) renewal = renewal.then(renew);
  }

  async function renew(): Promise<void> {
    await current?.close().catch((error: unknown) => log.debug({ err: error }, 'consumer already closed'));
    current = undefined;
    while (current === undefined && !closing.signal.aborted) {
      const pauseMs = Math.min(shortestPauseMs * 2 ** Math.max(failures - 1, 0), longestPauseMs);
      await sleep(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined);
      if (closing.signal.aborted) return;
      current = await join().catch((error: unknown) => {
        log.warn({ err: error, group: options.group }, 'consumer not restarted');
        return undefined;
      });
    }
  }

  const first = join().then((consumer) => {
    current = consumer;
  });
  renewal = first.catch(() => undefined);
  await first;
  return {
    async close() {
      closing.abort();
      await renewal;
      await current?.close();
    },
  };
}
