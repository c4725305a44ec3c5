/**
 * `attemptPayment`: the one way in which money is asked for.
 *
 * Three steps: the attempt's row, the provider's call, the outcome. Invariant: whatever happens between them, running
 * it again continues the same attempt with the same key; taking too long or throwing means `open`, never failed.
 */
import type { AttemptOutcome } from '../../domain/payment/payment';
import { isClear } from '../../domain/payment/settlement';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { lockAttempt, settleForCaller, type LockedAttempt, type Settlement } from './settle-attempt';
import type { ProviderRegistry } from '../../providers/port';
import {
  beginAttempt,
  settledAnswer,
  type AttemptAnswer,
  type AttemptCall,
  type AttemptRequest,
} from './begin-attempt';
import { chargeableMethod } from './chargeable-method';
import { isRefusedByClock, refusedByClock } from './live-provider';
import { enqueueCallEnded } from './attempt-store';

export interface AttemptDependencies {
  db: Database;
  providers: ProviderRegistry;
}

/** How long the first call of an attempt may take; a caller is waiting. */
export const firstCallTimeoutMs = 4_000;

/** Begins attempt `number` (or continues it) and says what it came to. */
export async function attemptPayment(
  deps: AttemptDependencies,
  request: AttemptRequest,
): Promise<AttemptAnswer> {
  const begun = await beginAttempt(deps.db, request, false);
  return begun.kind === 'answer' ? begun.answer : callAndRecord(deps, request, begun, firstCallTimeoutMs);
}

/** Calls the provider with the attempt's key and records what it says. */
export async function callAndRecord(
  deps: AttemptDependencies,
  { payment_id: paymentId, number }: Pick<AttemptRequest, 'payment_id' | 'number'>,
  begun: AttemptCall,
  timeoutMs: number,
): Promise<AttemptAnswer> {
  const outcome = await callProvider(deps, begun, timeoutMs);
  const { attempt } = await inTransaction(deps.db, async (tx) => {
    const recorded = await recordAnswer(tx, await lockAttempt(tx, paymentId, number), outcome);
    recorded.received?.writeUnapplied(tx);
    return recorded;
  });
  return answerOf(attempt);
}

/** Records what the provider's call said. The caller writes what was received by it. */
export async function recordAnswer(
  tx: Transaction,
  locked: LockedAttempt,
  outcome: AttemptOutcome,
): Promise<Pick<Settlement, 'attempt' | 'payment' | 'received'>> {
  if (isClear(outcome)) return settleForCaller(tx, locked, outcome, 'answer');
  // The payment stays in processing until its follow-up gives up repeating the call.
  const { payment, attempt, realNow } = locked;
  return { payment, attempt: enqueueCallEnded(tx, attempt, realNow), received: null };
}

/** What an attempt has come to so far. */
export function answerOf(attempt: Settlement['attempt']): AttemptAnswer {
  if (attempt.settled_at !== null) return settledAnswer(attempt);
  return attempt.status === 'requires_action'
    ? { status: 'open', waits_for_customer: true }
    : { status: 'open' };
}

/** Asks the provider for the money. @returns what it said; an adapter that fails has said nothing */
export async function callProvider(
  { db, providers }: AttemptDependencies,
  begun: AttemptCall,
  timeoutMs: number,
): Promise<AttemptOutcome> {
  const provider = providers.get(begun.provider);
  if (provider === undefined) return { status: 'unknown', reason: 'provider_not_configured' };
  if (await isRefusedByClock(db, provider, begun.charge.customerId)) return refusedByClock;
  const made = await chargeableMethod(db, provider, begun, timeoutMs);
  return made.status === 'ready' ? provider.charge(made.charge, timeoutMs) : made;
}
