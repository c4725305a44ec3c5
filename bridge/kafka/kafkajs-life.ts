/** What ends a consumer of kafkajs: it may stall, waiting for ever for an answer, without an event; or it crashes. */
import { KafkaJSError, type Consumer } from 'kafkajs';
import type { Pulse } from '../pulse';

/**
 * Longer than anything that a working member does between two events: draining its records (10 s), joining while the
 * others of its group drain theirs (15 s), a request that is not answered (10 s).
 */
export const defaultSilentMs = 45_000;

export interface Life {
  /** Resolves when the consumer has neither fetched, nor sent a heartbeat, nor joined, nor crashed for `silentMs`. */
  silence: Promise<Error>;
  stopWatching(): void;
}

/** Passes the signs of life of a consumer on, and its crashes: kafkajs restarts after most of them by itself. */
export function passPulse(consumer: Consumer, pulse: Pulse | undefined): void {
  if (pulse === undefined) return;
  const { CRASH, FETCH, GROUP_JOIN, HEARTBEAT } = consumer.events;
  for (const sign of [FETCH, GROUP_JOIN, HEARTBEAT]) consumer.on(sign, () => pulse.beat());
  consumer.on(CRASH, () => pulse.fail());
}

/** While Kafka is unavailable a consumer may be silent, too; restarting it then does no harm. */
export function watchLife(consumer: Consumer, silentMs: number): Life {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<Error>((resolve) => {
    const notify = () => resolve(new Error(`kafkajs has done nothing for ${silentMs / 1000} s`));
    timer = setTimeout(notify, silentMs).unref();
  });
  const { CRASH, FETCH, GROUP_JOIN, HEARTBEAT } = consumer.events;
  const removals = [CRASH, FETCH, GROUP_JOIN, HEARTBEAT].map((sign) =>
    consumer.on(sign, () => void timer?.refresh()),
  );
  return {
    silence,
    stopWatching() {
      clearTimeout(timer);
      for (const remove of removals) remove();
    },
  };
}

/** Whether a consumer crashed because Kafka did not answer, or not as it should. */
export function isKafkaUnavailable(error: Error): boolean {
  let root = error;
  while (root.cause instanceof Error) root = root.cause;
  return root instanceof KafkaJSError && root.retriable;
}
