/**
 * The state of one failed payment's retry, and its steps: executes manual requests, reports to the subscription,
 * attempts, waits. The customer's notifications are requested with the plan.
 *
 * Owns: whether a signal has arrived since the turn began. Invariant: every wait ends when a signal arrives.
 */
import { condition } from '@temporalio/workflow';
import type { RetryState } from '../../activities/retry';
import { database, provider } from './activities';

export interface RetryProcess {
  /** A signal arrived: what is waited for may have come. */
  wake(): void;
  /** Begins a turn. */
  beginTurn(): void;
  wasWoken(): boolean;
  /** Executes the oldest manual request, whatever is planned. @returns whether there was one */
  executeRequest(): Promise<boolean>;
  /** Takes the next step of the plan, or waits for it. @returns whether nothing is left to retry */
  execute(state: RetryState): Promise<boolean>;
}

const minuteMs = 60_000;
const shortestWaitMs = 1_000;
/** The rows are read again after so long at most, also without a signal. */
const longestPollMs = 60 * minuteMs;

export function createRetryProcess(paymentId: string): RetryProcess {
  let woken = false;
  let polls = 0;
  let dunningReported = false;

  async function waitForSignal(ms: number): Promise<void> {
    await condition(() => woken, ms);
  }

  /**
   * Waits until a signal, the instant, or the customer's next notification; a test clock signals when it gets there.
   * @param at null: no instant is known
   */
  async function untilInstant(
    { clock_now: clockNow, notice_at: noticeAt }: RetryState,
    at: string | null,
  ): Promise<void> {
    if (clockNow !== null) return condition(() => woken);
    const instants = [at, noticeAt].filter((instant) => instant !== null).map((text) => Date.parse(text));
    if (instants.length === 0) return waitForSignal(longestPollMs);
    // PostgreSQL's clock, which decides, may be a little behind this one.
    return waitForSignal(Math.max(shortestWaitMs, Math.min(...instants) - Date.now()));
  }

  async function attempt({ next_number: number }: RetryState): Promise<void> {
    const answer = await provider.attempt({ payment_id: paymentId, number, trigger: 'automatic_retry' });
    if (answer.status === 'open') await database.startFollowUp(paymentId);
    // The rows say what stands in the way; where they do not, the same would be refused again at once.
    if (answer.status === 'refused') await waitForSignal(minuteMs);
  }

  /** Waits for the outcome of an open attempt: its follow-up signals, and polling makes a lost signal harmless. */
  function pollOpenAttempt(): Promise<void> {
    polls += 1;
    return waitForSignal(Math.min(minuteMs * 2 ** (polls - 1), longestPollMs));
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

    async executeRequest() {
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
        await pollOpenAttempt();
        return false;
      }
      polls = 0;
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
