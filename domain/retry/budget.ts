/**
 * Budgets of card networks: how often one payment method may be tried, over all its payments.
 *
 * Owns: counting. Windows roll and are exact: a day is 24 hours. Pure; safe for workflows. Invariant: an attempt at the
 * instant that {@link earliestWithinMs} names, or later, is within every budget, as long as none comes in between.
 */
import { budgetWords, budgetsOf, type NetworkBudget, type RetryPolicyDocument } from './policy';

const dayMs = 86_400_000;

/** An attempt that counts, whatever payment it was for and whatever became of it. */
export interface CountedAttempt {
  /** RFC 3339 instant. */
  at: string;
}

/** From when on the budgets allow an attempt, and which one was the last to allow it. */
export interface Allowance {
  ms: number;
  /** null: nothing was in the way. */
  because: string | null;
}

/**
 * The first instant at `fromMs` or later at which the budgets of a network allow another attempt.
 * @param attempts with the payment method, over all its payments, in any order
 */
export function earliestWithinMs(
  policy: RetryPolicyDocument,
  network: string | null,
  attempts: readonly CountedAttempt[],
  fromMs: number,
): Allowance {
  const newestFirst = attempts.map(({ at }) => Date.parse(at)).sort((a, b) => b - a);
  let allowance: Allowance = { ms: fromMs, because: null };
  for (const { network: name, budget } of budgetsOf(policy, network)) {
    for (const { most, windowMs } of windowsOf(budget)) {
      // The attempt that has to have left the window: with it there would be as many as are allowed.
      const oldest = newestFirst[most - 1];
      const ms = oldest === undefined ? -Infinity : oldest + windowMs;
      if (ms > allowance.ms) allowance = { ms, because: `${name} allows ${budgetWords(budget)}` };
    }
  }
  return allowance;
}

function windowsOf({ attempts, days, per_day }: NetworkBudget): { most: number; windowMs: number }[] {
  return [
    ...(attempts === undefined || days === undefined ? [] : [{ most: attempts, windowMs: days * dayMs }]),
    ...(per_day === undefined ? [] : [{ most: per_day, windowMs: dayMs }]),
  ];
}
