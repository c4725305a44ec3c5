/**
 * What each token of the sandbox provider does. A new behaviour is a row of this table.
 *
 * Owns: the names of the tokens and the verdict on the k-th charge of a token. Pure. Does not own the counters
 * (`ledger.ts`), nor how an answer is lost or delayed (`charging.ts`).
 * Invariants: behaviour and counter belong to the whole token; what follows a `#` only tells tokens apart.
 */
import type { DeclineReason } from './charge';

export type FinalVerdict = { status: 'succeeded' } | { status: 'failed'; code: DeclineReason };
export type Verdict =
  | FinalVerdict
  | { status: 'succeeded'; surplusAmount: number }
  /** Disputed when a pending charge would settle. */
  | { status: 'succeeded'; lateDispute: true }
  /** Declined, and taken after all when a pending charge would settle. */
  | { status: 'failed'; code: DeclineReason; lateSuccess: true }
  | { status: 'pending'; settlesAs: FinalVerdict }
  | { status: 'requires_action' };

interface Situation {
  /** 1 for the token's first charge; technical repeats with the same key are one charge. */
  chargeNumber: number;
  /** The N of the token's name; 0 where it has none. */
  n: number;
  offSession: boolean;
}

export interface Behaviour {
  /** `N` stands for a number. */
  readonly name: string;
  verdict(situation: Situation): Verdict;
  /** The verdict depends on `chargeNumber`, so the charges of this token are counted. */
  readonly countsCharges?: true;
  /** Goes wrong before anything is processed; nothing is kept. */
  readonly fault?: { kind: 'connection_cut' | 'http_500' | 'rate_limited'; on: 'every' | 'first' };
  readonly processingMs?: number;
  /** Refunds of its charges succeed, and fail when a pending charge would settle. */
  readonly refundsFailLate?: true;
  /** The charge is made and its answer lost: the answer to the request that made it, or to every request. */
  readonly losesAnswer?: 'first' | 'every';
}

const succeeds = (): Verdict => ({ status: 'succeeded' });
const declines = (code: DeclineReason) => (): Verdict => ({ status: 'failed', code });
const insufficientFunds = declines('insufficient_funds');

const behaviours: readonly Behaviour[] = [
  { name: 'tok_ok', verdict: succeeds },
  { name: 'tok_insufficient_funds', verdict: insufficientFunds },
  { name: 'tok_do_not_honor', verdict: declines('do_not_honor') },
  { name: 'tok_expired_card', verdict: declines('expired_card') },
  { name: 'tok_stolen', verdict: declines('stolen_card') },
  { name: 'tok_processing_error', verdict: declines('processing_error') },
  {
    name: 'tok_authentication_required',
    verdict: ({ offSession }) =>
      offSession ? { status: 'failed', code: 'authentication_required' } : { status: 'requires_action' },
  },
  {
    name: 'tok_fail_N_then_ok',
    countsCharges: true,
    verdict: ({ chargeNumber, n }) => (chargeNumber <= n ? insufficientFunds() : succeeds()),
  },
  {
    name: 'tok_ok_then_fail_N',
    countsCharges: true,
    verdict: ({ chargeNumber, n }) =>
      chargeNumber > 1 && chargeNumber <= 1 + n ? insufficientFunds() : succeeds(),
  },
  {
    name: 'tok_pending_then_ok',
    verdict: () => ({ status: 'pending', settlesAs: { status: 'succeeded' } }),
  },
  {
    name: 'tok_pending_then_fail',
    verdict: () => ({ status: 'pending', settlesAs: { status: 'failed', code: 'insufficient_funds' } }),
  },
  {
    name: 'tok_declined_then_late_ok',
    verdict: () => ({ status: 'failed', code: 'do_not_honor', lateSuccess: true }),
  },
  { name: 'tok_ok_then_disputed', verdict: () => ({ status: 'succeeded', lateDispute: true }) },
  { name: 'tok_ok_refunds_fail', verdict: succeeds, refundsFailLate: true },
  { name: 'tok_lost_answer_ok', verdict: succeeds, losesAnswer: 'first' },
  { name: 'tok_lost_answers_ok', verdict: succeeds, losesAnswer: 'every' },
  { name: 'tok_lost_request', verdict: succeeds, fault: { kind: 'connection_cut', on: 'every' } },
  { name: 'tok_slow_ok', verdict: succeeds, processingMs: 30_000 },
  { name: 'tok_http_500_then_ok', verdict: succeeds, fault: { kind: 'http_500', on: 'first' } },
  { name: 'tok_rate_limited_then_ok', verdict: succeeds, fault: { kind: 'rate_limited', on: 'first' } },
  // More rather than less, so that the mismatch is there for the smallest amount, too.
  { name: 'tok_wrong_amount', verdict: () => ({ status: 'succeeded', surplusAmount: 1 }) },
];

const patterns = behaviours.map((behaviour) => ({
  behaviour,
  pattern: new RegExp(`^${behaviour.name.replace('_N', '_(\\d{1,4})')}(?:#[\\x21-\\x7e]{1,100})?$`),
}));

/** Names of all tokens, for people. */
export const knownTokens: readonly string[] = behaviours.map(({ name }) => name);

/** What a token does and its N, or undefined for a token that does not exist. */
export function behaviourOf(token: string): { behaviour: Behaviour; n: number } | undefined {
  for (const { behaviour, pattern } of patterns) {
    const match = pattern.exec(token);
    if (match) return { behaviour, n: Number(match[1] ?? 0) };
  }
  return undefined;
}
