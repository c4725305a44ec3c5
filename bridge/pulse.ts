/**
 * Whether work that is to go on for ever does: when it last gave a sign of life, and how often it failed lately.
 *
 * Invariant: what goes silent, or restarts again and again with signs of life between, has a fault within a minute, and
 * has none a minute after it is well again.
 */

export interface PulseLimits {
  /** Longer than everything that working work does between two signs of life. */
  silentMs: number;
  /** So many failures within {@link withinMs} are a fault. */
  failures: number;
  withinMs: number;
}

/** A member of a group may drain its records (10 s), join (15 s) and wait for an answer (10 s) without a sign. */
export const usualPulseLimits: PulseLimits = { silentMs: 45_000, failures: 3, withinMs: 60_000 };

export class Pulse {
  private lastBeatMs: number | undefined;
  private failedMs: number[] = [];

  /** @param nowMs a clock that only goes forward */
  constructor(
    private readonly nowMs: () => number = () => performance.now(),
    private readonly limits: PulseLimits = usualPulseLimits,
  ) {}

  /** Notes a sign of life. */
  beat(): void {
    this.lastBeatMs = this.nowMs();
  }

  /** Notes that the work ended by a failure and begins again. */
  fail(): void {
    this.failedMs = [...this.failedMs, this.nowMs()].slice(-this.limits.failures);
  }

  /** Returns what is wrong; null: nothing. */
  fault(): string | null {
    const { silentMs, failures, withinMs } = this.limits;
    if (this.lastBeatMs === undefined) return 'it has not begun yet';
    const silence = this.nowMs() - this.lastBeatMs;
    if (silence >= silentMs) return `no sign of life for ${Math.floor(silence / 1_000)} s`;
    const recent = this.failedMs.filter((at) => this.nowMs() - at < withinMs);
    return recent.length >= failures ? `it failed ${recent.length} times within ${withinMs / 1_000} s` : null;
  }
}
