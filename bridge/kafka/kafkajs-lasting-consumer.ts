/**
 * A consumer that outlives kafkajs's: kafkajs ends its own for good on errors that it does not retry, among them its
 * own slips while a broker goes away and comes back, or waits for ever for what does not come.
 *
 * Owns: beginning anew, and when to give up. Invariants: what an ended membership had in hand is put down before the
 * next one begins, so that no key is handled twice at once; only a member that never gets as far as its partitions is
 * given up, so that a Kafka that is away, however long, ends no process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import { joinGroup } from './kafkajs-consumer';
import { usualSilentMs } from './kafkajs-life';
import type { ConsumerOptions, RecordConsumer } from './port';

const shortestPauseMs = 1_000;
const longestPauseMs = 4_000;
/** So often in a row may kafkajs end a member that was not handed any partitions: it will never be. */
const maxVainMemberships = 5;

/**
 * @param silentMs a membership in which nothing happens for so long has ended
 * @throws when Kafka does not answer at the start; later failures are the consumer's own to make good
 */
export async function consume(
  kafka: Kafka,
  options: ConsumerOptions,
  log: Logger,
  silentMs = usualSilentMs,
): Promise<RecordConsumer> {
  const closing = new AbortController();
  let vainMemberships = 0;
  let current: RecordConsumer | undefined;
  let renewal: Promise<void> = Promise.resolve();

  function join(): Promise<RecordConsumer> {
    return joinGroup(
      kafka,
      options,
      {
        onJoined: () => {
          vainMemberships = 0;
        },
        onGivenUp: replace,
      },
      log,
      silentMs,
    );
  }

  /** kafkajs may end the first membership before it says that it has begun: one step at a time. */
  function replace(fault: Error): void {
    vainMemberships += 1;
    if (vainMemberships >= maxVainMemberships) options.onFatal(fault);
    else renewal = renewal.then(renew);
  }

  async function renew(): Promise<void> {
    await current?.close().catch((error: unknown) => log.debug({ err: error }, 'consumer already closed'));
    current = undefined;
    while (current === undefined && !closing.signal.aborted) {
      const pauseMs = Math.min(shortestPauseMs * 2 ** Math.max(vainMemberships - 1, 0), longestPauseMs);
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
