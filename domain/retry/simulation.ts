/**
 * What a retry policy would have made of payments that failed.
 *
 * Owns: playing a policy over a history, and what is assumed about the world meanwhile. Does not own a rule of retrying:
 * every decision is the answer of `planNextAttempt`. Not for workflows: it computes dates. Invariants: the same history
 * and policy give the same result; payments are played side by side in the order of time, so that a card's budget counts
 * all of them.
 */
import type { DeclineCode } from '../payment/payment';
import { planNextAttempt, type FailedAttempt, type RetryPlan } from './planner';
import type { RetryPolicyDocument } from './policy';

export interface PastAttempt {
  /** RFC 3339. */
  at: string;
  outcome: DeclineCode | 'completed';
  payment_method_id: string;
  network: string | null;
}

/** A payment whose first attempt failed. */
export interface PastPayment {
  payment_id: string;
  /** IANA name. */
  time_zone: string;
  /** At least one, oldest first; the first failed; none comes after one that completed. */
  attempts: PastAttempt[];
}

export interface SimulatedPayment {
  payment_id: string;
  /** Why it failed first. */
  code: DeclineCode;
  /** Automatic attempts that the policy made. */
  attempts: number;
  /** Days from the first failure to the money; null: not recovered. */
  recovered_after_days: number | null;
}

/** Told with every result. */
export const assumptions: readonly string[] = [
  'An attempt succeeds from the instant on at which the payment was paid in the history, and fails before it for the ' +
    'reason of the latest attempt of the history before it. A payment that was never paid in the history is never recovered.',
  'So a policy is never credited with money that came in earlier than it did; what an earlier attempt would have found is not known.',
  'Another payment method comes when the history uses it first.',
  'While a policy waits for the customer, the customer does what he did in the history, if grace has not ended.',
  'Attempts are made at the planned instant and answered at once. Manual retries of the history are not repeated.',
  'Budgets count the first failures and the attempts of all payments of the file with one payment method, and nothing else.',
];

const dayMs = 86_400_000;
/** Beyond the longest ladder and every change of payment method. */
const maxSteps = 10_000;

interface Playing {
  payment: PastPayment;
  code: DeclineCode;
  failed: FailedAttempt[];
  /** Attempts of the policy. */
  made: number;
  recoveredMs: number | null;
}

interface Wake {
  ms: number;
  playing: Playing;
}

/** Plays the policy over every payment. The results are in the order of the payments. */
export function simulate(policy: RetryPolicyDocument, payments: readonly PastPayment[]): SimulatedPayment[] {
  const counted = new Map<string, { at: string }[]>();
  const games = payments.map(begun);
  const queue: Wake[] = games
    .map((playing) => ({ ms: startMs(playing), playing }))
    .sort((a, b) => b.ms - a.ms);
  for (let wake = queue.pop(), steps = 0; wake !== undefined; wake = queue.pop(), steps += 1) {
    if (steps > maxSteps * payments.length) throw new Error('the simulation does not end');
    const nextMs = step(policy, wake, counted);
    if (nextMs !== null) insert(queue, { ms: nextMs, playing: wake.playing });
  }
  return games.map(resultOf);
}

function begun(payment: PastPayment): Playing {
  const outcome = payment.attempts[0]?.outcome ?? 'completed';
  if (outcome === 'completed') throw new RangeError(`${payment.payment_id} did not fail`);
  return { payment, code: outcome, failed: [], made: 0, recoveredMs: null };
}

const startMs = ({ payment }: Playing): number => Date.parse(payment.attempts[0]?.at ?? '');

/** One look at a payment. @returns when to look again; null: never */
function step(
  policy: RetryPolicyDocument,
  { ms, playing }: Wake,
  counted: Map<string, { at: string }[]>,
): number | null {
  const { payment, failed } = playing;
  if (failed.length === 0) return attempt(playing, ms, counted);
  const method = methodAt(payment, ms);
  const plan = planNextAttempt({
    policy,
    attempts: failed,
    payment_method: { ...method, attempts: counted.get(method.id) ?? [] },
    time_zone: payment.time_zone,
    now: new Date(ms).toISOString(),
  });
  if (plan.kind === 'attempt') {
    const plannedMs = Date.parse(plan.at);
    return plannedMs <= ms ? attempt(playing, ms, counted) : Math.min(plannedMs, newMethodMs(payment, ms));
  }
  return waiting(playing, plan, ms);
}

/** No attempt is planned: the customer may act, another payment method may come, or grace ends. */
function waiting(playing: Playing, plan: Exclude<RetryPlan, { kind: 'attempt' }>, ms: number): number | null {
  const endMs = Date.parse(plan.kind === 'exhausted' ? plan.at : plan.until);
  const changeMs = newMethodMs(playing.payment, ms);
  const paidMs = plan.kind === 'wait_for_customer' ? completedMs(playing.payment) : Infinity;
  if (Math.min(changeMs, paidMs) >= endMs) return null;
  if (changeMs < paidMs) return changeMs;
  playing.recoveredMs = Math.max(paidMs, ms);
  return null;
}

/** Makes an attempt, the first one included. @returns when to plan; null: it was paid */
function attempt(playing: Playing, ms: number, counted: Map<string, { at: string }[]>): number | null {
  const { payment, failed } = playing;
  const { id } = methodAt(payment, ms);
  const at = new Date(ms).toISOString();
  const before = counted.get(id);
  if (before === undefined) counted.set(id, [{ at }]);
  else before.push({ at });
  if (failed.length > 0) playing.made += 1;
  const code = outcomeAt(payment, ms);
  if (code === 'completed') {
    playing.recoveredMs = ms;
    return null;
  }
  failed.push({
    number: failed.length + 1,
    trigger: failed.length === 0 ? 'renewal' : 'automatic_retry',
    at,
    code,
    payment_method_id: id,
  });
  return ms;
}

function outcomeAt({ attempts }: PastPayment, ms: number): PastAttempt['outcome'] {
  return attempts.findLast(({ at }) => Date.parse(at) <= ms)?.outcome ?? 'processing_error';
}

function methodAt({ attempts }: PastPayment, ms: number): { id: string; network: string | null } {
  const last = attempts.findLast(({ at }) => Date.parse(at) <= ms) ?? attempts[0];
  return { id: last?.payment_method_id ?? '', network: last?.network ?? null };
}

/** When the history next uses another payment method than at `ms`. */
function newMethodMs(payment: PastPayment, ms: number): number {
  const { id } = methodAt(payment, ms);
  const next = payment.attempts.find(
    ({ at, payment_method_id }) => Date.parse(at) > ms && payment_method_id !== id,
  );
  return next === undefined ? Infinity : Date.parse(next.at);
}

function completedMs({ attempts }: PastPayment): number {
  const paid = attempts.find(({ outcome }) => outcome === 'completed');
  return paid === undefined ? Infinity : Date.parse(paid.at);
}

/** Keeps the latest first, so that the earliest is taken from the end; of equal ones the one put in first. */
function insert(queue: Wake[], wake: Wake): void {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((queue[middle] as Wake).ms > wake.ms) low = middle + 1;
    else high = middle;
  }
  queue.splice(low, 0, wake);
}

function resultOf(playing: Playing): SimulatedPayment {
  const { payment, code, made, recoveredMs } = playing;
  return {
    payment_id: payment.payment_id,
    code,
    attempts: made,
    recovered_after_days: recoveredMs === null ? null : (recoveredMs - startMs(playing)) / dayMs,
  };
}
