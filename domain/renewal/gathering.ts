/**
 * When subscriptions that are due become a renewal run: many at once where many are due, soon where few are.
 *
 * A run of one costs more than the renewal itself, so a handful waits for company; nobody waits longer than `longestMs`.
 */

/** Members of a run at most. */
export const runSize = 200;
/** From so many on a run is worth starting at once. */
const worthwhile = 20;
const shortMs = 200;

/**
 * Decides when what waits becomes a run.
 * @param waiting how many wait
 * @param oldestMs since when the oldest waits
 * @param longestMs how long a few may wait
 * @returns on the clock of `oldestMs`; an instant that has passed means now
 */
export function runStartsAtMs(waiting: number, oldestMs: number, longestMs: number): number {
  if (waiting >= runSize) return oldestMs;
  return oldestMs + (waiting >= worthwhile ? Math.min(shortMs, longestMs) : longestMs);
}
