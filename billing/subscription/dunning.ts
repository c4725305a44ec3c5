/** Records what the Retry Service reports about the dunning of a period: started, or exhausted. */
import type { DunningExhausted, DunningStarted } from '../../contracts/workflows/commands';
import { writeOff } from '../../domain/ledger/payment';
import { notifiesCustomers } from '../../domain/retry/dunning-notices';
import type { FinalAction } from '../../domain/retry/policy';
import {
  decideDunningExhausted,
  decideDunningStarted,
  dunningEffect,
  type DunningDecision,
} from '../../domain/subscription/commands';
import { inTransaction, type Transaction } from '../../prisma/client';
import { timesFor } from '../clock';
import { lockPayment } from '../locks';
import { requestNotification } from '../notification/request-notification';
import { isRetriedAfterAll } from '../payment/card-store';
import { policyOf } from '../payment/retry-facts';
import { ledgerOf } from '../ledger/opening';
import { limitsOfProviders } from '../ledger/limits';
import { moneyColumns } from '../ledger/money-columns';
import { enqueuePosting } from '../ledger/post';
import type { AttemptDependencies } from '../payment/attempt';
import { applyUnapplied } from './apply-payment';
import { endingColumns, endSubscription, endWithoutRefund } from './end';
import { toFacts, type PaymentRow } from '../rows';
import { traceOfPayment } from '../traces';
import { enqueueCancelledFailed, enqueueCancelRequest, enqueueWriteOff } from './payment-store';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import {
  lockWithUnapplied,
  subscriptionService as actor,
  writeUpdated,
  type ChangeContext,
  type Patch,
} from './transition';

/** The period's payment failed and is retried. */
export function recordDunningStarted(
  deps: AttemptDependencies,
  subscriptionId: string,
  { payment_id: paymentId, period_index: index }: DunningStarted,
): Promise<SubscriptionRecord> {
  const decide = (row: SubscriptionRow) => decideDunningStarted(toFacts(row), index);
  return recordDunning(deps, subscriptionId, `${paymentId}/collection-started`, decide, paymentId);
}

/** Nothing more is attempted: the policy's final action is taken. */
export function recordDunningExhausted(
  deps: AttemptDependencies,
  subscriptionId: string,
  { payment_id: paymentId, period_index: index, final_action: action }: DunningExhausted,
): Promise<SubscriptionRecord> {
  const decide = async (row: SubscriptionRow, tx: Transaction): Promise<DunningDecision> =>
    // A method that came while this message was on its way is tried first.
    (await isRetriedAfterAll(tx, paymentId))
      ? { kind: 'nothing' }
      : decideDunningExhausted(toFacts(row), index, action);
  return recordDunning(deps, subscriptionId, `${paymentId}/collection-exhausted`, decide, paymentId);
}

/** @param paymentId the payment of the period; written off when the decision ends or pauses the subscription */
async function recordDunning(
  deps: AttemptDependencies,
  subscriptionId: string,
  what: string,
  decide: (row: SubscriptionRow, tx: Transaction) => DunningDecision | Promise<DunningDecision>,
  paymentId: string,
): Promise<SubscriptionRecord> {
  return inTransaction(deps.db, async (tx) => {
    const { unapplied, ...locked } = await lockWithUnapplied(tx, subscriptionId);
    const { realNow } = locked;
    const times = await timesFor(tx, locked.row.test_clock_id, realNow);
    const base = { ...times, limitsOf: limitsOfProviders(deps.providers) };
    const row = await applyUnapplied(tx, locked.row, unapplied, base);
    const payment = await lockPayment(tx, paymentId);
    const { decision, writeOff: writesOff } = dunningEffect(await decide(row, tx), payment?.status ?? null);
    if (decision.kind === 'nothing') return toRecord(row);
    const trace = traceOfPayment(payment ?? { id: paymentId, trace: null });
    const context: ChangeContext = {
      ...base,
      commandId: `${what}/v${row.version}`,
      changes: [],
      actor,
      trace,
    };
    if (writesOff) enqueueWriteOff(tx, paymentId, realNow);
    const record = await execute(tx, row, decision, paymentId, context);
    if (writesOff && payment !== null && decision.kind !== 'past_due') {
      await requestEndNotification(tx, row, payment, decision.kind, context);
    }
    return record;
  });
}

async function execute(
  tx: Transaction,
  row: SubscriptionRow,
  decision: Exclude<DunningDecision, { kind: 'nothing' }>,
  paymentId: string,
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
      return (
        await endSubscription(
          tx,
          row,
          { mode: 'now', refund: 'none', reason: 'collection_exhausted' },
          context,
        )
      ).record;
    case 'expire': {
      const money = await endWithoutRefund(tx, row, context);
      const patch: Patch = { ...endingColumns, ...money, status: 'expired' };
      enqueueCancelledFailed(tx, row.id, context.realNow);
      return writeUpdated(tx, row, patch, { ...context, changes: ['expired'] }).record;
    }
    case 'pause': {
      // Written off: resuming opens a new period.
      const money = writeOff(await ledgerOf(tx, row, context), context.now.toISOString());
      const id = `${paymentId}/written-off/${row.version}`;
      enqueuePosting(tx, row, money, { id, kind: 'written_off', actor, paymentId }, context);
      // An attempt may be open: its failure is not retried, and money that still comes goes back.
      enqueueCancelRequest(tx, paymentId, 'collection_exhausted', context.realNow);
      const patch: Patch = {
        ...moneyColumns(money.state, row.waiting_lines, context.now),
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
