/** Running the same thing many times, several at once, and what it took. */

export interface Figures {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** @param once is given the number of the run, from 0 */
export async function runMany(
  runs: number,
  concurrency: number,
  once: (index: number) => Promise<void>,
): Promise<Figures> {
  const tookMs: number[] = [];
  let next = 0;
  const beganMs = performance.now();
  const lane = async (): Promise<void> => {
    while (next < runs) {
      const index = next;
      next += 1;
      const startMs = performance.now();
      await once(index);
      tookMs.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  const seconds = (performance.now() - beganMs) / 1000;
  tookMs.sort((a, b) => a - b);
  const at = (part: number) => Math.round(tookMs[Math.floor((tookMs.length - 1) * part)] ?? 0);
  return { perSecond: runs / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

export function shown({ perSecond, p50Ms, p99Ms }: Figures): string {
  return `${perSecond.toFixed(1)}/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms`;
}
