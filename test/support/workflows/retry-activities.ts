/** The plans and attempts of a failed payment, played: what `retry/{payment_id}` is told, and what it did and when. */
import type { AttemptActivities, AttemptAnswer } from '../../../activities/payment';
import type { RetryActivities, RetryState } from '../../../activities/retry';
import type { SkippedTime } from './skipped-time';

export interface ScriptedRetry {
  activities: Partial<RetryActivities> & AttemptActivities;
  log: { what: string; afterHours: number }[];
  /** What comes next, one after the other; the last for ever. */
  plans: RetryState['next'][];
  /** When the customer is to be told something next, one after the other; then never. */
  notices: string[];
  /** When it was asked what comes next. */
  plannedAfterHours: number[];
  /** What attempts come to, one after the other. */
  answers: AttemptAnswer[];
  /** Wishes that wait. */
  requests: string[];
  /** What happens while an attempt is on its way. */
  during: () => Promise<void>;
  /** What happens while the end of dunning is being reported. */
  duringEnd: () => Promise<void>;
}

export function scriptRetry(time: SkippedTime, beganMs: number): ScriptedRetry {
  const played: ScriptedRetry = {
    activities: {} as never,
    log: [],
    plans: [],
    notices: [],
    plannedAfterHours: [],
    answers: [],
    requests: [],
    during: () => Promise.resolve(),
    duringEnd: () => Promise.resolve(),
  };
  let number = 1;
  const hoursNow = async () => Math.round(((await time.env.currentTimeMs()) - beganMs) / 3_600_000);
  const note = async (what: string): Promise<void> => {
    played.log.push({ what, afterHours: await hoursNow() });
  };
  played.activities = {
    async planRetry(paymentId) {
      const next = played.plans.length > 1 ? played.plans.shift() : played.plans[0];
      if (next === undefined) return null;
      played.plannedAfterHours.push(await hoursNow());
      return {
        payment_id: paymentId,
        subscription_id: 'sub_1',
        period_index: 2,
        next_number: number + 1,
        clock_now: null,
        notice_at: played.notices.shift() ?? null,
        next,
      };
    },
    async nextRequest() {
      const request = played.requests.shift();
      return request === undefined
        ? null
        : { retry_request_id: request, number: number + 1, payment_method_id: null };
    },
    concludeRequest: (id, { status }) => note(`${id} ${status}`),
    startFollowUp: () => note('follow up'),
    signalDunningStarted: () => note('collection started'),
    async signalDunningExhausted(_, { final_action: action }) {
      await note(`exhausted: ${action}`);
      await played.duringEnd();
    },
    async attemptPayment({ trigger }) {
      number += 1;
      await note(trigger);
      await played.during();
      return played.answers.shift() ?? { status: 'completed' };
    },
  };
  return played;
}
