/** What the Retry Service tells about the collection of a period: begun, or given up. */
import type { DunningExhausted, DunningStarted } from '../../contracts/workflows/commands';
import { notifiesCustomers } from '../../domain/retry/dunning-notices';
import { isPaymentPaid, type PaymentStatus } from '../../domain/payment/payment';
import type { FinalAction } from '../../domain/retry/policy';
import {
  decideDunningExhausted,
  decideDunningStarted,
  type DunningDecision,
} from '../../domain/subscription/commands';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor } from '../clock';
import { lockPayment } from '../locks';
import { requestNotification } from '../notification/request-notification';
import { policyOf } from '../payment/retry-facts';
import { announceUpdated } from './events';
import { endingColumns, endSubscription } from './end';
import { toFacts, type PaymentRow } from '../rows';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import {
  lockOrThrow,
  subscriptionService as actor,
  writeUpdated,
  writeVersion,
  type ChangeContext,
  type Patch,
} from './transition';

export function recordDunningStarted(
  db: Database,
  subscriptionId: string,
  { payment_id: paymentId, period_index: index }: DunningStarted,
): Promise<SubscriptionRecord> {
  const decide = (row: SubscriptionRow) => decideDunningStarted(toFacts(row), index);
  return recordDunning(db, subscriptionId, `${paymentId}/collection-started`, decide, paymentId);
}

export function recordDunningExhausted(
  db: Database,
  subscriptionId: string,
  { payment_id: paymentId, period_index: index, final_action: action }: DunningExhausted,
): Promise<SubscriptionRecord> {
  const decide = (row: SubscriptionRow) => decideDunningExhausted(toFacts(row), index, action);
  return recordDunning(db, subscriptionId, `${paymentId}/collection-exhausted`, decide, paymentId);
}

/** @param paymentId what was collected; written off when the decision ends or pauses */
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
    const decision = decide(row);
    // Money that has come meanwhile makes the message void; whoever tells of it pays the period.
    const isPaid = payment !== null && isPaymentPaid(payment.status as PaymentStatus);
    if (decision.kind === 'nothing' || isPaid) return toRecord(row);
    const times = await timesFor(tx, row.test_clock_id, realNow);
    const context: ChangeContext = { ...times, commandId: `${what}/v${row.version}`, changes: [], actor };
    const ended = decision.kind !== 'past_due' && payment?.status === 'failed' ? payment : null;
    if (ended !== null) await writeOff(tx, paymentId, context);
    const record = await execute(tx, row, decision, context);
    if (ended !== null && decision.kind !== 'past_due')
      await raiseEnded(tx, row, ended, decision.kind, context);
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
      return writeUpdated(tx, row, patch, { ...context, changes: ['past_due'] });
    }
    case 'cancel':
      return endSubscription(
        tx,
        row,
        { mode: 'now', refund: 'none', reason: 'collection_exhausted' },
        context,
      );
    case 'expire': {
      const { record, previous } = await writeVersion(
        tx,
        row,
        { ...endingColumns, status: 'expired' },
        { ...context, changes: ['expired'] },
      );
      announceUpdated(tx, record.subscription, ['expired'], previous, actor, context.realNow);
      return record;
    }
    case 'pause': {
      // Written off: resuming opens a new period.
      const patch: Patch = {
        status: 'paused',
        paused_at: context.now,
        paused_from: null,
        open_payment_id: null,
      };
      return writeUpdated(tx, row, patch, { ...context, changes: ['paused'] });
    }
  }
}

/** The customer, where the policy of this collection tells customers anything. */
async function raiseEnded(
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

async function writeOff(tx: Transaction, paymentId: string, { realNow }: ChangeContext): Promise<void> {
  await tx.payment.update({
    where: { id: paymentId },
    data: {
      status: 'uncollectible',
      version: { increment: 1 },
      next_attempt_at: null,
      next_notice_at: null,
      updated_at: realNow,
    },
  });
}
