/** Outcomes, and the rows of an attempt that is open and of one that failed. */
import { failure, type AttemptOutcome } from '../../../domain/payment/payment';
import type { SettlementFacts } from '../../../domain/payment/settlement';

export const declined = failure('insufficient_funds', 'Not enough money.');
export const next_action = { type: 'redirect', url: 'https://bank.example/1', expires_at: null };
export const completed = { status: 'completed', provider_reference: 'ch_1' } as const;
export const failed = { status: 'failed', provider_reference: 'ch_1', failure: declined } as const;
export const mismatch = { status: 'unknown', reason: 'amount_mismatch' } as const;

export const outcomes = {
  completed,
  failed,
  requires_action: { status: 'requires_action', provider_reference: 'ch_1', next_action },
  pending: { status: 'pending', provider_reference: 'ch_1' },
  no_answer: { status: 'unknown', reason: 'timeout' },
  mismatch,
} as const satisfies Record<string, AttemptOutcome>;

export const known: SettlementFacts = {
  attempt: {
    number: 1,
    status: 'processing',
    provider_reference: null,
    settled_by: null,
    provider: 'sandbox',
  },
  payment: { kind: 'renewal', status: 'processing', announced: true, cancelRequested: false },
  subscription: 'active',
};
export const failedBefore: SettlementFacts = {
  ...known,
  attempt: { ...known.attempt, status: 'failed', provider_reference: 'ch_1', settled_by: 'answer' },
  payment: { ...known.payment, status: 'failed' },
};
