/**
 * Restarts the consumer of kafkajs, which ends for good on errors that it does not retry (some of them its own, while a
 * broker restarts) or stalls.
 *
 * Invariants:
 * - The records in progress of an ended membership are drained before the next one begins: no key is handled twice at
 *   once.
 * - Only a member that is never assigned partitions is given up: an unavailable Kafka ends no process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import { joinGroup } from './kafkajs-consumer';
import { defaultSilentMs } from './kafkajs-life';
import type { ConsumerOptions, RecordConsumer } from './port';

const shortestPauseMs = 1_000;
const longestPauseMs = 4_000;
/** In a row; a member that was never assigned partitions by then will never be. */
const maxUnassignedMemberships = 5;

/**
 * @param silentMs a membership in which nothing happens for so long has ended
 * @throws when Kafka does not answer at the start; later failures are the consumer's own to make good
 */
export async function consume(
  kafka: Kafka,
  options: ConsumerOptions,
  log: Logger,
  silentMs = defaultSilentMs,
): Promise<RecordConsumer> {
  const closing = new AbortController();
  let unassignedMemberships = 0;
  let current: RecordConsumer | undefined;
  let renewal: Promise<void> = Promise.resolve();

  function join(): Promise<RecordConsumer> {
    return joinGroup(
      kafka,
      options,
      {
        onJoined: () => {
          unassignedMemberships = 0;
        },
        onGivenUp: replace,
      },
      log,
      silentMs,
    );
  }

  /** kafkajs may end the first membership before it says that it has begun: one step at a time. */
  function replace(fault: Error): void {
    unassignedMemberships += 1;
    if (unassignedMemberships >= maxUnassignedMemberships) options.onFatal(fault);
    else renewal = renewal.then(renew);
  }

  async function renew(): Promise<void> {
    await current?.close().catch((error: unknown) => log.debug({ err: error }, 'consumer already closed'));
    current = undefined;
    while (current === undefined && !closing.signal.aborted) {
      const pauseMs = Math.min(shortestPauseMs * 2 ** Math.max(unassignedMemberships - 1, 0), longestPauseMs);
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
