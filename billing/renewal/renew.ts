/**
 * Renews a subscription: opens what is due and charges the period's payment, in two transactions with the provider's
 * call between them.
 *
 * Invariants: a repeat by who began the attempt continues it, another one waits for its answer; a failed attempt belongs
 * to the Retry Service, which the topic notifies.
 */
import type { Traced } from '../../contracts/workflows/commands';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { inTransaction, type Transaction } from '../../prisma/client';
import { limitsOfProviders } from '../ledger/limits';
import { lockPaymentInOrder } from '../locks';
import { sentTrace } from '../traces';
import type { AttemptDependencies } from '../payment/attempt';
import { beginLocked, type AttemptAnswer } from '../payment/begin-attempt';
import { wakeAfterPause } from '../payment/wake-retries';
import { applyPeriodPayment } from '../subscription/apply-payment';
import { callAndApply, type BegunCharge } from '../subscription/charge';
import { openDue, showsOtherwise, type OpenedDue } from '../subscription/open-due';
import type { SubscriptionRecord } from '../subscription/record';

/** `followUp`: a payment whose attempt has no clear answer. `charged`: the payment that was attempted, and its answer. */
export type Renewal = OpenedDue & {
  followUp: string | null;
  charged?: { payment_id: string; status: AttemptAnswer['status'] };
};

/**
 * Renews what is due.
 * @param prompt with the trace that it brought, if it did
 * @param renewalRunId the run that does it; left out: none
 * @returns what became of it, and what is to be sent
 */
export async function renewSubscription(
  deps: AttemptDependencies,
  subscriptionId: string,
  prompt: Traced = {},
  renewalRunId?: string,
): Promise<Renewal & { messages: WorkflowMessage[] }> {
  const limitsOf = limitsOfProviders(deps.providers);
  const { opened, charge } = await inTransaction(deps.db, async (tx) => {
    const due = await openDue(tx, subscriptionId, limitsOf, { trace: sentTrace(prompt), renewalRunId });
    return { opened: due, charge: await beginCharge(tx, due.record, renewalRunId) };
  });
  const underWayMs = othersCallMs(charge);
  if (underWayMs !== null && !opened.resumed)
    return { ...opened, kind: 'early', wait_ms: underWayMs, messages: [], followUp: null };
  const messages = opened.resumed ? await wakeAfterPause(deps.db, subscriptionId) : [];
  if (charge === null) return { ...opened, messages, followUp: null };
  const { record, answer } = await callAndApply(deps, charge, (tx, row, payment, times, received) =>
    applyPeriodPayment(tx, row, payment, { ...times, limitsOf }, received),
  );
  const charged = { payment_id: charge.paymentId, status: answer.status };
  return {
    ...opened,
    record,
    shows: opened.shows || showsOtherwise(opened.record.subscription, record.subscription),
    messages,
    charged,
    followUp: answer.status === 'open' ? charge.paymentId : null,
  };
}

/** Milliseconds until the provider's call is over that another one makes for the payment; null: none does. */
function othersCallMs(charge: BegunCharge | null): number | null {
  if (charge === null || charge.attempt.kind === 'call') return null;
  const { answer } = charge.attempt;
  return (answer.status === 'open' ? answer.under_way_ms : null) ?? null;
}

/** Begins the first attempt of the open period's payment. @returns null when nothing is to be charged here */
async function beginCharge(
  tx: Transaction,
  record: SubscriptionRecord,
  renewalRunId: string | undefined,
): Promise<BegunCharge | null> {
  const { open_payment_id: paymentId, status } = record.subscription;
  if (paymentId === null || (status !== 'active' && status !== 'past_due')) return null;
  const locked = await lockPaymentInOrder(tx, paymentId);
  // Past due, a payment that was attempted belongs to its follow-up or to dunning.
  if (status === 'past_due' && locked.payment.status !== 'requested') return null;
  const request = {
    payment_id: paymentId,
    number: 1,
    trigger: 'renewal',
    renewal_run_id: renewalRunId,
  } as const;
  return { record, paymentId, attempt: await beginLocked(tx, locked, request, false) };
}
