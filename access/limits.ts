/**
 * Limits of what callers may ask for: requests in a time, requests in progress, failed authentications, webhooks.
 *
 * Owns the counts, in the memory of one process. Does not own who a caller is. Invariants:
 * - A limit of 0 is none.
 * - What is refused costs no query and leaves no row.
 * - The memory is bounded: windows end by themselves, and tokens that were valid lately are at most 1,000.
 * - Nothing here lets a caller in: a token that was valid lately is looked up all the same.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { TooManyRequests } from '../contracts/problem-error';
import { secondsOf, UsedUp } from './used-up';

export interface LimitSettings {
  /** Of one caller. */
  requestsPerSecond: number;
  /** Of one caller at once; 0: as many as in a second. */
  burst: number;
  /** Of one caller, in progress. */
  inFlight: number;
  /** Of one network address. */
  failedAuthenticationsPerMinute: number;
  /** Of one provider, verified. */
  webhooksPerSecond: number;
}

export const noLimits: LimitSettings = {
  requestsPerSecond: 0,
  burst: 0,
  inFlight: 0,
  failedAuthenticationsPerMinute: 0,
  webhooksPerSecond: 0,
};

/** A request that was let in. */
export interface Admission {
  /** What the caller has left. */
  headers: Readonly<Record<string, string>>;
  /** Ends it; again: nothing. */
  release(): void;
}

const maxKnownTokens = 1_000;

export class Limits {
  private readonly requests: RateLimiterMemory | null;
  private readonly failures: RateLimiterMemory | null;
  private readonly webhooks: RateLimiterMemory | null;
  private readonly inFlight = new Map<string, number>();
  /** By a hash of the token, oldest use first: the id of its API key. */
  private readonly knownTokens = new Map<string, string>();
  private readonly policy: string;
  /** By caller, and by `failures/{address}`. */
  readonly usedUp = new UsedUp();

  constructor(private readonly settings: LimitSettings) {
    const { requestsPerSecond, failedAuthenticationsPerMinute, webhooksPerSecond } = settings;
    const burst = settings.burst || requestsPerSecond;
    // As many as the burst in the time that they take at the rate: both hold.
    const window = requestsPerSecond === 0 ? 0 : burst / requestsPerSecond;
    this.requests = limiter(requestsPerSecond === 0 ? 0 : burst, window);
    this.failures = limiter(failedAuthenticationsPerMinute, 60);
    this.webhooks = limiter(webhooksPerSecond, 1);
    this.policy = `${burst};w=${Math.ceil(window)}`;
  }

  /**
   * Lets a request in.
   * @param caller an API key, or an address
   * @throws TooManyRequests
   */
  async admit(caller: string): Promise<Admission> {
    const headers = await this.countRequest(caller);
    return { headers, release: this.takeSlot(caller) };
  }

  /** Takes one of the caller's requests in progress. @returns what gives it back @throws TooManyRequests */
  takeSlot(caller: string): () => void {
    const taken = this.inFlight.get(caller) ?? 0;
    const { inFlight: most } = this.settings;
    if (most > 0 && taken >= most) throw new TooManyRequests(`At most ${most} requests at once.`, 1);
    this.inFlight.set(caller, taken + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.inFlight.get(caller) ?? 1) - 1;
      if (left === 0) this.inFlight.delete(caller);
      else this.inFlight.set(caller, left);
    };
  }

  /** Counts a webhook that was verified. @throws TooManyRequests */
  async admitWebhook(provider: string): Promise<void> {
    const state = await consume(this.webhooks, provider);
    if (state === null || !state.isRefused) return;
    const detail = 'So many webhooks of this provider are not taken at once.';
    throw new TooManyRequests(detail, secondsOf(state.msBeforeNext));
  }

  /** Refuses an address from which too many authentications have failed. @throws TooManyRequests */
  async requireFewFailures(address: string): Promise<void> {
    const state = await this.failures?.get(address);
    if (!this.failures || !state || state.consumedPoints < this.failures.points || state.msBeforeNext <= 0)
      return;
    const detail = 'Too many authentications from this address have failed.';
    throw this.usedUp.note(
      `failures/${address}`,
      state.msBeforeNext,
      (seconds) => new TooManyRequests(detail, seconds),
    );
  }

  async countFailure(address: string): Promise<void> {
    await this.failures?.penalty(address);
  }

  /** The API key whose token this was when it was last looked up. */
  knownKey(tokenHash: string): string | undefined {
    return this.knownTokens.get(tokenHash);
  }

  rememberToken(tokenHash: string, apiKeyId: string): void {
    this.knownTokens.delete(tokenHash);
    this.knownTokens.set(tokenHash, apiKeyId);
    const [oldest] = this.knownTokens.keys();
    if (this.knownTokens.size > maxKnownTokens && oldest !== undefined) this.knownTokens.delete(oldest);
  }

  forgetToken(tokenHash: string): void {
    this.knownTokens.delete(tokenHash);
  }

  private async countRequest(caller: string): Promise<Record<string, string>> {
    const state = await consume(this.requests, caller);
    if (state === null) return {};
    const headersOf = (seconds: number) => this.headersOf(state.remainingPoints, seconds);
    if (!state.isRefused) return headersOf(secondsOf(state.msBeforeNext));
    const detail = 'Too many requests in this time.';
    throw this.usedUp.note(
      caller,
      state.msBeforeNext,
      (seconds) => new TooManyRequests(detail, seconds, headersOf(seconds)),
    );
  }

  /** As drafts of RateLimit headers for HTTP have them, in the form that clients know. */
  private headersOf(remaining: number, resetSeconds: number): Record<string, string> {
    return {
      'RateLimit-Limit': String(this.requests?.points ?? 0),
      'RateLimit-Remaining': String(remaining),
      'RateLimit-Reset': String(resetSeconds),
      'RateLimit-Policy': this.policy,
    };
  }
}

function limiter(points: number, seconds: number): RateLimiterMemory | null {
  return points === 0 ? null : new RateLimiterMemory({ points, duration: seconds });
}

interface Consumed {
  isRefused: boolean;
  remainingPoints: number;
  msBeforeNext: number;
}

/** Counts one. @returns null where there is no limit */
async function consume(of: RateLimiterMemory | null, key: string): Promise<Consumed | null> {
  if (of === null) return null;
  try {
    const { remainingPoints, msBeforeNext } = await of.consume(key);
    return { isRefused: false, remainingPoints, msBeforeNext };
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused;
    return { isRefused: true, remainingPoints: 0, msBeforeNext: refused.msBeforeNext };
  }
}
