/**
 * Limits that were found used up, until they hold again: what else comes is refused without being counted.
 *
 * Invariant: the memory is bounded; what is forgotten is counted and found again.
 */
import type { TooManyRequests } from '../contracts/problem-error';

/** Makes the refusal, given how long it holds. */
export type Refuse = (retryAfterSeconds: number) => TooManyRequests;

const most = 10_000;

export class UsedUp {
  private readonly until = new Map<string, { ms: number; refuse: Refuse }>();

  /** Remembers it. @returns its refusal */
  note(whose: string, leftMs: number, refuse: Refuse): TooManyRequests {
    this.until.delete(whose);
    this.until.set(whose, { ms: Date.now() + leftMs, refuse });
    const [oldest] = this.until.keys();
    if (this.until.size > most && oldest !== undefined) this.until.delete(oldest);
    return refuse(secondsOf(leftMs));
  }

  /** Whether there may be one. */
  isAny(): boolean {
    return this.until.size > 0;
  }

  /** null: it is to be counted. */
  refusal(whose: string): TooManyRequests | null {
    const found = this.until.get(whose);
    if (found === undefined) return null;
    const leftMs = found.ms - Date.now();
    if (leftMs > 0) return found.refuse(secondsOf(leftMs));
    this.until.delete(whose);
    return null;
  }
}

/** For a header: whole, and never none. */
export function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
