/**
 * Asks a provider what became of an open attempt; where its money is not wanted any more, to cancel it.
 *
 * Invariant: what is cancelled is an outcome like every other, so that whatever the provider reports is written by the
 * one settlement.
 */
import { failure } from '../../domain/payment/payment';
import type { CancelOutcome, LookupOutcome, LookupRequest, PaymentProvider } from '../../providers/port';
import type { AttemptRow } from '../rows';
import type { AttemptDependencies } from './attempt';
import { attemptOf } from './attempt-store';
import { providerCustomerOf } from './chargeable-method';
import { callTimeoutMs } from './no-clear-answer';
import type { PaymentState } from './payment-state';

/** Why an attempt is given up; null: it is wanted. */
export type GivenUp = 'not_wanted' | 'other_card' | 'not_completed' | null;

/** What a provider reported of an attempt. */
export interface ProviderAnswer {
  found: LookupOutcome;
  /** It was given up, and is open all the same: the provider cancels no charges, or not in this state. */
  keptOpen: boolean;
}

/** Null: there is nothing to ask about. */
export async function askProvider(
  { db, providers }: AttemptDependencies,
  { payment_id: paymentId, customer_id: customerId }: PaymentState,
  number: number,
  givenUp: GivenUp,
): Promise<ProviderAnswer | null> {
  const attempt = await attemptOf(db, paymentId, number);
  if (attempt.settled_at !== null) return null;
  const provider = providers.get(attempt.provider ?? '');
  if (provider === undefined) return answered({ status: 'unknown', reason: 'provider_not_configured' });
  const request = {
    idempotencyKey: attempt.idempotency_key,
    paymentId,
    amount: Number(attempt.amount),
    currency: attempt.currency,
    customerId,
    providerCustomer: await providerCustomerOf(db, attempt.payment_method_id),
    startedAt: attempt.started_at.toISOString(),
  };
  if (givenUp === null) return answered(await provider.lookup(request, callTimeoutMs));
  return cancelOrLookUp(provider, attempt, request, givenUp);
}

async function cancelOrLookUp(
  provider: PaymentProvider,
  { provider_reference: providerReference }: AttemptRow,
  request: LookupRequest,
  givenUp: NonNullable<GivenUp>,
): Promise<ProviderAnswer> {
  if (provider.cancel === undefined) {
    const found = await provider.lookup(request, callTimeoutMs);
    return { found, keptOpen: found.status === 'pending' || found.status === 'requires_action' };
  }
  return answerOfCancel(await provider.cancel({ ...request, providerReference }, callTimeoutMs), givenUp);
}

function answerOfCancel(outcome: CancelOutcome, givenUp: NonNullable<GivenUp>): ProviderAnswer {
  if (outcome.status === 'not_cancellable') return { found: outcome.standing, keptOpen: true };
  if (outcome.status !== 'cancelled') return answered(outcome);
  const { provider_reference } = outcome;
  return answered({
    status: 'failed',
    provider_reference,
    failure: failure('not_completed', reasons[givenUp]),
  });
}

const reasons: Record<NonNullable<GivenUp>, string> = {
  not_wanted: 'The charge was cancelled: it is not wanted any more.',
  other_card: 'The charge was cancelled: the customer gave another payment method.',
  not_completed: 'The customer did not complete the payment in time.',
};

const answered = (found: LookupOutcome): ProviderAnswer => ({ found, keptOpen: false });
