/**
 * The first period: its credit is set aside while its payment is open, and it opens once the payment is there.
 *
 * Pure. Invariant: what is declined never was: nothing is earned, and the credit comes back.
 */
import { floorToStep, type ChargeLimits } from '../money';
import { holdCredit } from './change';
import { creditOf } from './credit';
import { applyReceived } from './payment';
import { openPeriod, openWith } from './period';
import { netted, Posting, type Posted } from './posting';
import { chooseCredit, type UsableCredit } from './spend';
import { emptyState, type CreditPart, type LedgerState } from './state';

export interface FirstToPay {
  period: { start: string; end: string };
  /** Minor units. */
  price: number;
  credit: UsableCredit;
  limits: ChargeLimits;
}

export type BegunFirstPeriod = Posted & { customerCredit: CreditPart[] } & (
    | {
        /** The payment takes `charge`; `credit` is set aside for it. */
        kind: 'held';
        charge: number;
        credit: number;
      }
    /** Nothing is to be charged: the period is open. */
    | { kind: 'opened' }
  );

/** Decides who pays the first period of a subscription: the customer's credit, then a charge. */
export function beginFirstPeriod(
  { period, price, credit, limits }: FirstToPay,
  paymentId: string,
): BegunFirstPeriod {
  const taken = chooseCredit(new Posting(emptyState), credit, price);
  const used = creditOf(taken);
  const charge = floorToStep(price - used, limits);
  if (charge > 0) return { ...holdCredit(emptyState, paymentId, taken), kind: 'held', charge, credit: used };
  const opening = { period, price, paymentId, credit, limits, pausedAt: null };
  return { ...openPeriod(emptyState, opening), kind: 'opened' };
}

export interface FirstPeriod {
  period: { start: string; end: string };
  /** Minor units. */
  price: number;
  /**
   * What its payment charged, and what of it is there: less, when a part went back before it was applied. Credit that
   * was set aside pays before it; what is too small to be charged is owed.
   */
  payment: { id: string; charge: number; amount: number };
}

/**
 * Opens the first period once its payment is there: before that nothing is served, and what is declined never was.
 * Credit that was set aside for the payment pays its part.
 */
export function openFirstPeriod(state: LedgerState, first: FirstPeriod): Posted {
  const { period, price, payment } = first;
  const credit = { customer: [], blocked: [] };
  const opening = { period, price, paymentId: payment.id, credit, pausedAt: null };
  const opened = openWith(state, opening, (due) => Math.min(due, payment.charge));
  const paid = applyReceived(opened.state, payment, { at: period.start, runs: true });
  const { revision } = state;
  return {
    entries: netted([...opened.entries, ...paid.entries]),
    state: { ...paid.state, revision: revision + 1 },
  };
}
