/** Whether a consumer of kafkajs still does anything: one that waits for an answer that never comes says nothing. */
import type { Consumer } from 'kafkajs';

/**
 * Longer than anything that a working member does between two signs: putting its records down (10 s), joining while
 * the others of its group put theirs down (15 s), a request that is not answered (10 s).
 */
export const usualSilentMs = 45_000;

export interface Life {
  /** Resolves when the consumer has neither fetched, nor sent a heartbeat, nor joined, nor crashed for `silentMs`. */
  silence: Promise<Error>;
  stopWatching(): void;
}

/** While Kafka is away a consumer may be silent, too; it is no loss to begin it anew then. */
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
