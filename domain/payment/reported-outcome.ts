/**
 * What a webhook's word means for an attempt. Pure.
 *
 * Invariant: another amount or currency than was asked is never a success nor a failure, whatever else is told.
 */
import { amountMismatch, type AttemptOutcome, type AttemptStatus, type Failure } from './payment';

interface Reported {
  status: AttemptStatus;
  amount: number;
  currency: string;
  provider_reference: string | null;
  failure: Failure | null;
}

/** Null: nothing that anybody has to write down; the follow-up asks the provider itself. */
export function outcomeOfReport(
  reported: Reported,
  asked: { amount: number; currency: string },
): AttemptOutcome | null {
  if (reported.amount !== asked.amount || reported.currency !== asked.currency) {
    const { amount, currency, provider_reference } = reported;
    return reported.status === 'completed'
      ? amountMismatch({ amount, currency, provider_reference })
      : amountMismatch();
  }
  const { provider_reference } = reported;
  switch (reported.status) {
    case 'completed':
      return provider_reference === null ? null : { status: 'completed', provider_reference };
    case 'failed':
      return reported.failure === null
        ? null
        : { status: 'failed', provider_reference, failure: reported.failure };
    case 'processing':
    case 'pending':
    case 'requires_action':
    case 'unknown':
      return null;
  }
}
