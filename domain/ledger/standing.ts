/** What a subscription's money stands at by an instant, without writing it down. Pure. */
import { earnUntil } from './earn';
import { Posting } from './posting';
import { totalOf, type LedgerState } from './state';

/** Sums over all sources, minor units. */
export interface Standing {
  /** Owed for periods and changes. */
  receivable: number;
  /** Paid or owed for service still to come. */
  unearned: number;
  /** Kept for later charges. */
  credit: number;
  /** Set aside for a charge that is open. */
  credit_held: number;
}

/** Reckons what a state stands at by `at`: what its period has earned until then is not unearned any more. */
export function standingAt(state: LedgerState, at: string): Standing {
  const posting = new Posting(state);
  earnUntil(posting, at);
  return {
    receivable: totalOf(posting, 'receivable'),
    unearned: totalOf(posting, 'unearned'),
    credit: totalOf(posting, 'credit'),
    credit_held: totalOf(posting, 'held'),
  };
}
