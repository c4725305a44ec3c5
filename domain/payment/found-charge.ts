/**
 * What a person has found in the provider's records about an attempt, as its outcome.
 *
 * Pure. Rules: a payment is paid as a whole or not at all; what was charged beside it is written down and goes back, so
 * that what we have is what the provider holds.
 */
import { moneyText } from '../money';
import { failure, type AttemptOutcome, type AttemptStatus, type NamedCharge } from './payment';

/** The attempt as it stands. */
export interface AskedAttempt {
  status: AttemptStatus;
  amount: bigint;
  currency: string;
  provider_reference: string | null;
  /** What the provider has named as charged in place of the amount; null: nothing. */
  named: Pick<NamedCharge, 'amount' | 'currency'> | null;
}

export interface FoundCharge {
  outcome: 'succeeded' | 'failed' | null;
  provider_reference: string | null;
  /** Minor units; null: it was not said. */
  amount: number | null;
  /** Whether the provider is known to have charged another amount than was asked. */
  isMismatch: boolean;
}

export type FoundOutcome =
  | { kind: 'outcome'; outcome: AttemptOutcome }
  /** What of the decision cannot be, and why. */
  | { kind: 'refused'; path: 'outcome' | 'amount' | 'provider_reference'; message: string };

export function chargeFound(asked: AskedAttempt, found: FoundCharge): FoundOutcome {
  return found.outcome === 'succeeded' ? succeeded(asked, found) : failed(asked, found);
}

function succeeded(asked: AskedAttempt, { amount, isMismatch, ...found }: FoundCharge): FoundOutcome {
  const { named, currency } = asked;
  if (amount === null && named !== null && named.currency !== currency) {
    const message = `cannot be succeeded: ${moneyText(named.amount, named.currency)} were charged, and the payment is in ${currency}. Give them back at the provider, and resolve the task as failed`;
    return refused('outcome', message);
  }
  const charged = amount ?? named?.amount ?? (isMismatch ? null : Number(asked.amount));
  if (charged === null) return refused('amount', 'is required: what the provider has charged');
  const beside = charged - Number(asked.amount);
  if (beside < 0) {
    const message = `is less than the ${moneyText(Number(asked.amount), currency)} that were asked, and a payment is paid as a whole. Resolve the task as failed with this amount: it goes back`;
    return refused('amount', message);
  }
  return withBeside(asked, found.provider_reference, beside, (provider_reference, more) => ({
    status: 'completed',
    provider_reference,
    ...more,
  }));
}

function failed(asked: AskedAttempt, { amount, provider_reference: reference }: FoundCharge): FoundOutcome {
  const isCharged = amount !== null && amount > 0;
  if (isCharged && asked.status === 'completed') {
    return refused('amount', 'goes with succeeded: the attempt is completed. Refund the payment instead');
  }
  const why = isCharged
    ? 'The provider charged another amount than was asked; it is given back.'
    : 'The provider’s records say that nothing was taken.';
  return withBeside(asked, reference, amount ?? 0, (provider_reference, more) => ({
    status: 'failed',
    provider_reference,
    failure: failure('processing_error', why),
    ...more,
  }));
}

/** What goes back needs the provider's name of the charge that it was taken with. */
function withBeside(
  asked: AskedAttempt,
  given: string | null,
  beside: number,
  outcome: (reference: string | null, more: { beside?: number }) => AttemptOutcome,
): FoundOutcome {
  const reference = given ?? asked.provider_reference;
  if (beside > 0 && reference === null) {
    return refused('provider_reference', 'is required: what goes back is refunded to that charge');
  }
  return { kind: 'outcome', outcome: outcome(reference, beside > 0 ? { beside } : {}) };
}

function refused(path: Extract<FoundOutcome, { kind: 'refused' }>['path'], message: string): FoundOutcome {
  return { kind: 'refused', path, message };
}
