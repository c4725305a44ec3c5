/**
 * A creation from its first row to its conclusion, as far as it goes without waiting: two transactions with the
 * provider's call between them.
 *
 * Invariant: run again, it goes on with what an earlier run left.
 */
import type { SubscriptionCreation } from '../../contracts/workflows/commands';
import { inTransaction } from '../../prisma/client';
import type { AttemptDependencies } from '../payment/attempt';
import { subscriptionRow } from '../rows';
import { beginCreation, resumeCreation, type BegunCreation } from './begin';
import { collect } from './charge';
import { applyFirst } from './first-payment';
import type { SubscriptionRecord } from './record';

/** `none`: there is no subscription, and there will be none; `open`: its first payment is to be followed up. */
export type Creation =
  | { kind: 'none' }
  | { kind: 'concluded'; record: SubscriptionRecord }
  | { kind: 'open'; record: SubscriptionRecord; paymentId: string; waitsForCustomer: boolean };

/** @throws ApplicationFailure `validation_failed`, not retryable, when what the creation names is gone */
export async function createSubscription(
  deps: AttemptDependencies,
  creation: SubscriptionCreation,
): Promise<Creation> {
  const begun = await beginCreation(deps.db, creation);
  return conclude(deps, begun, creation.traceparent);
}

/** The subscription as it stands; a creation that was lost on its way is carried on. */
export async function adoptSubscription(
  deps: AttemptDependencies,
  subscriptionId: string,
): Promise<Creation> {
  const begun = await inTransaction(deps.db, async (tx) => {
    const row = await tx.subscription.findUnique({ where: { id: subscriptionId } });
    return row === null ? null : resumeCreation(tx, subscriptionRow(row));
  });
  return begun === null ? { kind: 'none' } : conclude(deps, begun);
}

async function conclude(
  deps: AttemptDependencies,
  begun: BegunCreation,
  traceparent?: string,
): Promise<Creation> {
  if (begun.kind === 'too_late') return { kind: 'none' };
  if (begun.kind === 'concluded') return begun;
  const { record, answer } = await collect(deps, begun, (tx, row, payment, times) =>
    applyFirst(tx, row, payment, times, traceparent),
  );
  if (answer.status !== 'open') return { kind: 'concluded', record };
  const waitsForCustomer = answer.waits_for_customer === true;
  return { kind: 'open', record, paymentId: begun.paymentId, waitsForCustomer };
}
