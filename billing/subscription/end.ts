/**
 * Ends a subscription: cancelled, or expired when its dunning was exhausted.
 *
 * Invariants:
 * - From the commit on no attempt can begin: the transaction that begins one shares this row's lock.
 * - What goes back is counted from the ledger, and its refunds are reserved here; the event only names them.
 */
import type { CancelCommand } from '../../contracts/workflows/commands';
import { cancellationRefundId } from '../../domain/ids';
import { endMoney, type EndedMoney } from '../../domain/ledger/end';
import type { TakenParts } from '../../domain/ledger/refund';
import { isPaymentSource } from '../../domain/ledger/state';
import { moneyText } from '../../domain/money';
import type { Transaction } from '../../prisma/client';
import { addCustomerCredit, blockedSources } from '../ledger/credit';
import { ledgerOf } from '../ledger/opening';
import { moneyColumns } from '../ledger/money-columns';
import { enqueuePosting } from '../ledger/post';
import { enqueueOperatorTask } from '../operator-tasks';
import { lockOwnPayments } from '../payment/refundable';
import { enqueueRefund } from '../payment/refund-store';
import { releaseFailedOf } from '../payment/release-refund';
import type { AttemptRow, SubscriptionRow } from '../rows';
import { announceCancelled } from './events';
import { enqueueCancelledFailed, enqueueWithdrawnAttempts, unsettledPaymentIds } from './payment-store';
import { pausedSince } from './period';
import { pendingColumn, writeVersion, type Applied, type ChangeContext, type Patch } from './transition';

type Ending = Pick<CancelCommand, 'mode' | 'refund' | 'reason'>;

/** Cancels now, whatever mode led to it. @param at when the money is counted; left out: now */
export async function endSubscription(
  tx: Transaction,
  row: SubscriptionRow,
  ending: Ending,
  context: ChangeContext,
  at: Date = context.now,
): Promise<Applied> {
  const openPaymentIds = await unsettledPaymentIds(tx, row.id);
  const { patch: money, refunds } = await endItsMoney(tx, row, ending.refund, at, context);
  const patch: Patch = {
    ...endingColumns,
    ...money,
    cancel_refund: ending.refund,
    status: 'cancelled',
    cancelled_at: context.now,
  };
  const written = writeVersion(tx, row, patch, { ...context, changes: ['cancelled'] });
  enqueueReserved(tx, row, refunds, { ...ending, version: written.row.version }, context);
  enqueueCancelledFailed(tx, row.id, context.realNow);
  enqueueWithdrawnAttempts(tx, row.id);
  const list = refunds.map(({ attempt, amount }) => ({ payment_id: attempt.payment_id, amount }));
  announceCancelled(tx, written.subscription, { ...ending, refunds: list, openPaymentIds }, context);
  return written;
}

/** The columns that no ended subscription has. */
export const endingColumns: Patch = {
  ...pendingColumn(null),
  cancel_at: null,
  resume_at: null,
  paused_from: null,
  open_payment_id: null,
};

interface EndedWithRefunds {
  patch: Patch;
  refunds: { attempt: AttemptRow; amount: number; taken: TakenParts }[];
}

/** Ends the money of a subscription without a refund. @returns its columns */
export async function endWithoutRefund(
  tx: Transaction,
  row: SubscriptionRow,
  context: ChangeContext,
): Promise<Patch> {
  return (await endItsMoney(tx, row, 'none', context.now, context)).patch;
}

async function endItsMoney(
  tx: Transaction,
  row: SubscriptionRow,
  refund: Ending['refund'],
  at: Date,
  context: ChangeContext,
): Promise<EndedWithRefunds> {
  const entered = await ledgerOf(tx, row, context);
  // What earlier refunds could not give back is counted with the rest.
  const given = { actor: context.actor, reason: 'the cancellation gives it back' };
  const state = refund === 'none' ? entered : await releaseFailedOf(tx, row, entered, given, context.realNow);
  const sources = state.funds.map(({ source }) => source).filter(isPaymentSource);
  const payments = refund === 'none' ? [] : await lockOwnPayments(tx, row.id, sources);
  const own = new Map(payments.map((payment) => [payment.id, payment]));
  const money = endMoney(state, {
    at: at.toISOString(),
    pausedAt: pausedSince(row),
    refund,
    blocked: refund === 'none' ? [] : await blockedSources(tx, state.funds),
    refundable: Object.fromEntries(payments.map(({ id, left }) => [id, left])),
    floor: (paymentId, amount) => {
      const { step } = context.limitsOf(own.get(paymentId)?.attempt?.provider ?? null, row.currency);
      return amount - (amount % step);
    },
  });
  await addCustomerCredit(tx, row, money.customerCredit, 'returned');
  const cause = { id: `${row.id}/ended`, kind: 'subscription_ended' as const, actor: context.actor, at };
  enqueuePosting(tx, row, money, cause, context);
  if (money.withheld.length > 0) reportWithheld(tx, row, money.withheld, context);
  const refunds = money.refunds.flatMap(({ payment_id: id, amount, taken }) => {
    const attempt = own.get(id)?.attempt ?? null;
    return attempt === null ? [] : [{ attempt, amount, taken }];
  });
  return { patch: moneyColumns(money.state, [], at), refunds };
}

/** Reserves what goes back. Nobody waits for these refunds: an operator hears when one fails. */
function enqueueReserved(
  tx: Transaction,
  row: SubscriptionRow,
  refunds: EndedWithRefunds['refunds'],
  { version, reason }: { version: number; reason: string | null },
  { actor, now, realNow }: ChangeContext,
): void {
  const asked = { kind: 'system', id: 'payment-service', reason: actor.reason } as const;
  for (const { attempt, amount, taken } of refunds) {
    const id = cancellationRefundId(row.id, version, attempt.payment_id);
    const refund = { id, attempt, amount, reason: reason ?? 'subscription_cancelled' };
    enqueueRefund(tx, { ...refund, taken, actor: asked }, { now, realNow });
  }
}

function reportWithheld(
  tx: Transaction,
  row: SubscriptionRow,
  withheld: EndedMoney['withheld'],
  { realNow }: ChangeContext,
): void {
  const parts = withheld.map(({ source, amount }) => `${moneyText(amount, row.currency)} of ${source}`);
  const detail = `The cancellation asks to give back what is under dispute: ${parts.join(', ')}. It is the customer's credit, which no charge uses until the dispute is decided. Won, it stays credit: pay it out.`;
  enqueueOperatorTask(tx, 'refund_failed', { type: 'subscription', id: row.id }, detail, realNow);
}
