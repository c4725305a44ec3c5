/**
 * What the collection of one failed payment does at a turn: fulfils a person's wish, tells its subscription, attempts,
 * waits. What the customer is told is asked for with the plan.
 *
 * Owns: whether somebody has spoken since the turn began. Invariant: every wait ends when somebody speaks.
 */
import { condition } from '@temporalio/workflow';
import type { RetryState } from '../../activities/retry';
import { database, provider } from './activities';

export interface RetryProcess {
  /** Somebody spoke: what is waited for may have come. */
  wake(): void;
  /** Begins a turn. */
  beginTurn(): void;
  wasWoken(): boolean;
  /** Fulfils the oldest wish of a person, whatever is planned. @returns whether there was one */
  fulfilRequest(): Promise<boolean>;
  /** Does what the state asks for, or waits for it. @returns whether nothing is left to collect */
  execute(state: RetryState): Promise<boolean>;
}

const minuteMs = 60_000;
const shortestWaitMs = 1_000;
/** What nobody tells of is looked at again after so long at most. */
const longestPollMs = 60 * minuteMs;

export function createRetryProcess(paymentId: string): RetryProcess {
  let woken = false;
  let looks = 0;
  let dunningReported = false;

  async function wokenWithin(ms: number): Promise<void> {
    await condition(() => woken, ms);
  }

  /**
   * Until somebody speaks, the instant, or something has to be said; a test clock speaks when it gets there. Null: until
   * somebody speaks.
   */
  async function untilInstant(
    { clock_now: clockNow, notice_at: noticeAt }: RetryState,
    at: string | null,
  ): Promise<void> {
    if (clockNow !== null) return condition(() => woken);
    const instants = [at, noticeAt].filter((instant) => instant !== null).map((text) => Date.parse(text));
    if (instants.length === 0) return wokenWithin(longestPollMs);
    // PostgreSQL's clock, which decides, may be a little behind this one.
    return wokenWithin(Math.max(shortestWaitMs, Math.min(...instants) - Date.now()));
  }

  async function attempt({ next_number: number }: RetryState): Promise<void> {
    const answer = await provider.attempt({ payment_id: paymentId, number, trigger: 'automatic_retry' });
    if (answer.status === 'open') await database.startFollowUp(paymentId);
    // What stands in the way is in the rows; if they do not say so, trying at once again would find the same.
    if (answer.status === 'refused') await wokenWithin(minuteMs);
  }

  /** An attempt has no outcome yet: who follows it up tells, and nothing rests on that. */
  function look(): Promise<void> {
    looks += 1;
    return wokenWithin(Math.min(minuteMs * 2 ** (looks - 1), longestPollMs));
  }

  async function reportStarted({ subscription_id: id, period_index: index }: RetryState): Promise<void> {
    if (dunningReported || id === null || index === null) return;
    await database.signalDunningStarted(id, { payment_id: paymentId, period_index: index });
    dunningReported = true;
  }

  return {
    wake() {
      woken = true;
    },
    beginTurn() {
      woken = false;
    },
    wasWoken: () => woken,

    async fulfilRequest() {
      const wanted = await database.nextRequest(paymentId);
      if (wanted === null) return false;
      const { retry_request_id: requestId, number, payment_method_id } = wanted;
      const request = { payment_id: paymentId, number, trigger: 'manual_retry' as const, payment_method_id };
      const answer = await provider.attempt(request);
      await database.concludeRequest(requestId, answer);
      if (answer.status === 'open') await database.startFollowUp(paymentId);
      return true;
    },

    async execute(state) {
      const { next } = state;
      if (next.kind === 'done') return true;
      if (next.kind === 'open') {
        await look();
        return false;
      }
      looks = 0;
      await reportStarted(state);
      if (next.kind === 'wait' || !isDue(state, next.at)) {
        await untilInstant(state, next.kind === 'wait' ? next.until : next.at);
        return false;
      }
      if (next.kind === 'attempt') {
        await attempt(state);
        return false;
      }
      await reportExhausted(paymentId, state, next.final_action);
      return true;
    },
  };
}

function isDue({ clock_now: clockNow }: RetryState, at: string): boolean {
  return Date.parse(at) <= (clockNow === null ? Date.now() : Date.parse(clockNow));
}

async function reportExhausted(
  paymentId: string,
  { subscription_id: id, period_index: index }: RetryState,
  action: Extract<RetryState['next'], { kind: 'exhausted' }>['final_action'],
): Promise<void> {
  if (id === null || index === null) return;
  await database.signalDunningExhausted(id, {
    payment_id: paymentId,
    period_index: index,
    final_action: action,
  });
}
