/** Records what the Retry Service reports about the dunning of a period: started, or exhausted. */
import type { DunningExhausted, DunningStarted } from '../../contracts/workflows/commands';
import { notifiesCustomers } from '../../domain/retry/dunning-notices';
import type { FinalAction } from '../../domain/retry/policy';
import {
  decideDunningExhausted,
  decideDunningStarted,
  dunningEffect,
  type DunningDecision,
} from '../../domain/subscription/commands';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor } from '../clock';
import { lockPayment } from '../locks';
import { requestNotification } from '../notification/request-notification';
import { policyOf } from '../payment/retry-facts';
import { endingColumns, endSubscription } from './end';
import { toFacts, type PaymentRow } from '../rows';
import { enqueueWriteOff } from './payment-store';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import {
  lockOrThrow,
  subscriptionService as actor,
  writeUpdated,
  type ChangeContext,
  type Patch,
} from './transition';

/** The period's payment failed and is retried. */
export function recordDunningStarted(
  db: Database,
  subscriptionId: string,
  { payment_id: paymentId, period_index: index }: DunningStarted,
): Promise<SubscriptionRecord> {
  const decide = (row: SubscriptionRow) => decideDunningStarted(toFacts(row), index);
  return recordDunning(db, subscriptionId, `${paymentId}/collection-started`, decide, paymentId);
}

/** Nothing more is attempted: the policy's final action is taken. */
export function recordDunningExhausted(
  db: Database,
  subscriptionId: string,
  { payment_id: paymentId, period_index: index, final_action: action }: DunningExhausted,
): Promise<SubscriptionRecord> {
  const decide = (row: SubscriptionRow) => decideDunningExhausted(toFacts(row), index, action);
  return recordDunning(db, subscriptionId, `${paymentId}/collection-exhausted`, decide, paymentId);
}

/** @param paymentId the payment of the period; written off when the decision ends or pauses the subscription */
async function recordDunning(
  db: Database,
  subscriptionId: string,
  what: string,
  decide: (row: SubscriptionRow) => DunningDecision,
  paymentId: string,
): Promise<SubscriptionRecord> {
  return inTransaction(db, async (tx) => {
    const { row, realNow } = await lockOrThrow(tx, subscriptionId);
    const payment = await lockPayment(tx, paymentId);
    const { decision, writeOff } = dunningEffect(decide(row), payment?.status ?? null);
    if (decision.kind === 'nothing') return toRecord(row);
    const times = await timesFor(tx, row.test_clock_id, realNow);
    const context: ChangeContext = { ...times, commandId: `${what}/v${row.version}`, changes: [], actor };
    if (writeOff) enqueueWriteOff(tx, paymentId, realNow);
    const record = await execute(tx, row, decision, context);
    if (writeOff && payment !== null && decision.kind !== 'past_due') {
      await requestEndNotification(tx, row, payment, decision.kind, context);
    }
    return record;
  });
}

async function execute(
  tx: Transaction,
  row: SubscriptionRow,
  decision: Exclude<DunningDecision, { kind: 'nothing' }>,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  switch (decision.kind) {
    case 'past_due': {
      const patch: Patch = {
        status: decision.status,
        ...(decision.status === 'paused' && { paused_from: 'past_due' }),
      };
      return writeUpdated(tx, row, patch, { ...context, changes: ['past_due'] }).record;
    }
    case 'cancel':
      return endSubscription(
        tx,
        row,
        { mode: 'now', refund: 'none', reason: 'collection_exhausted' },
        context,
      );
    case 'expire': {
      const patch: Patch = { ...endingColumns, status: 'expired' };
      return writeUpdated(tx, row, patch, { ...context, changes: ['expired'] }).record;
    }
    case 'pause': {
      // Written off: resuming opens a new period.
      const patch: Patch = {
        status: 'paused',
        paused_at: context.now,
        paused_from: null,
        open_payment_id: null,
      };
      return writeUpdated(tx, row, patch, { ...context, changes: ['paused'] }).record;
    }
  }
}

/** Notifies the customer of the final action, where the payment's policy notifies customers at all. */
async function requestEndNotification(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  final_action: FinalAction,
  context: ChangeContext,
): Promise<void> {
  const { document } = await policyOf(tx, payment, row);
  if (!notifiesCustomers(document)) return;
  const wanted = { template: 'final_action_taken', about: final_action, data: { final_action } } as const;
  requestNotification(tx, { type: 'payment', payment }, wanted, context, '/subscription-service');
}
