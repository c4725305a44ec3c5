/** The questions that `payment/{id}` asks the provider about an open attempt, one when its time has come. */
import type { PaymentState } from '../../activities/payment';
import { isAttemptOpen } from '../../domain/payment/payment';
import {
  lookupLadderMs,
  nextQuestion,
  type Question,
  type QuestionProgress,
} from '../../domain/payment/unknown-outcome';
import { steps } from './activities';

export interface Questions {
  /** Null: nothing is left to ask, only a webhook or a person can tell. */
  next(state: PaymentState): Question | null;
  ask(question: Question): Promise<PaymentState>;
}

/** @param unknownSinceMs when the outcome became unknown, by the customer's time */
export function createQuestions(
  paymentId: string,
  incompleteHours: number,
  unknownSinceMs: number,
): Questions {
  let lookups = 0;
  const progress = (): QuestionProgress => ({ unknownSinceMs, lookups, incompleteHours });
  return {
    next({ kind, attempt, created_at }) {
      // The attempt's own state: the payment may have been paid by another one.
      if (attempt === null || !isAttemptOpen(attempt.status)) return null;
      const waiting = { kind, status: attempt.status, created_at };
      return nextQuestion(waiting, progress());
    },
    async ask(question) {
      if (question.last) return steps.endNotCompleted(paymentId, progress());
      lookups += 1;
      const after = await steps.lookUp(paymentId, question.provesAbsence, progress());
      const usedUp = lookups === lookupLadderMs.length;
      if (usedUp && after.attempt?.status === 'unknown') await steps.askOperator(paymentId);
      return after;
    },
  };
}
