/** Calls at fixed instants beside something else, whether those before them are answered or not. */

export interface BesideFigures {
  calls: number;
  refused: number;
  p50Ms: number;
  p99Ms: number;
}

export interface Beside {
  /** Begins no more of them. */
  stop(): void;
  /** Stops, and waits for those that are under way. */
  end(): Promise<BesideFigures>;
}

/** @param call answers whether it was served; what it throws counts as refused */
export function beside(everyMs: number, call: () => Promise<boolean>): Beside {
  const tookMs: number[] = [];
  const calls: Promise<void>[] = [];
  let refused = 0;
  const once = async (): Promise<void> => {
    const beganMs = performance.now();
    const isServed = await call().catch(() => false);
    tookMs.push(performance.now() - beganMs);
    if (!isServed) refused += 1;
  };
  const timer = setInterval(() => void calls.push(once()), everyMs);
  const stop = (): void => clearInterval(timer);
  return {
    stop,
    async end() {
      stop();
      await Promise.all(calls);
      tookMs.sort((a, b) => a - b);
      const at = (part: number) => Math.round(tookMs[Math.floor((tookMs.length - 1) * part)] ?? 0);
      return { calls: calls.length, refused, p50Ms: at(0.5), p99Ms: at(0.99) };
    },
  };
}

/** For people. */
export function shownBeside({ calls, refused, p50Ms, p99Ms }: BesideFigures): string {
  return `${calls}, ${refused} refused, p50 ${p50Ms} ms, p99 ${p99Ms} ms`;
}
