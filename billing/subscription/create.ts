/**
 * Creates a subscription, from its first row to the conclusion, as far as that goes without waiting: two transactions
 * with the provider's call between them.
 *
 * Invariant: a repeat continues with what an earlier execution wrote.
 */
import type { SubscriptionCreation } from '../../contracts/workflows/commands';
import { inTransaction } from '../../prisma/client';
import type { AttemptDependencies } from '../payment/attempt';
import { findSubscription } from './store';
import { beginCreation, resumeCreation, type BegunCreation } from './begin';
import { callAndApply } from './charge';
import { applyFirst } from './first-payment';
import type { SubscriptionRecord } from './record';

/** `none`: there is no subscription, and there will be none; `open`: its first payment is to be followed up. */
export type Creation =
  | { kind: 'none' }
  | { kind: 'concluded'; record: SubscriptionRecord }
  | { kind: 'open'; record: SubscriptionRecord; paymentId: string; waitsForCustomer: boolean };

/** Creates the subscription. @throws CreationRefused when the plan or the customer is gone */
export async function createSubscription(
  deps: AttemptDependencies,
  creation: SubscriptionCreation,
): Promise<Creation> {
  return conclude(deps, await beginCreation(deps, creation));
}

/** Loads a subscription as it stands, and resumes a creation that was interrupted. */
export async function adoptSubscription(
  deps: AttemptDependencies,
  subscriptionId: string,
): Promise<Creation> {
  const begun = await inTransaction(deps.db, async (tx) => {
    const row = await findSubscription(tx, subscriptionId);
    return row === null ? null : resumeCreation(tx, row);
  });
  return begun === null ? { kind: 'none' } : conclude(deps, begun);
}

async function conclude(deps: AttemptDependencies, begun: BegunCreation): Promise<Creation> {
  if (begun.kind === 'too_late') return { kind: 'none' };
  if (begun.kind === 'concluded') return begun;
  const { record, answer } = await callAndApply(deps, begun, (tx, row, payment, times, received) =>
    applyFirst(tx, row, payment, times, received),
  );
  if (answer.status !== 'open') return { kind: 'concluded', record };
  const waitsForCustomer = answer.waits_for_customer === true;
  return { kind: 'open', record, paymentId: begun.paymentId, waitsForCustomer };
}
