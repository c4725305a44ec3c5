/**
 * Applies the first payment to its subscription: when the creation is concluded, and when the payment settles later.
 *
 * Invariants:
 * - The payment is read under its lock, so an outcome written a moment ago is never overlooked.
 * - It waits on while its customer has given another card: `payment/{id}` charges that once the attempt before has failed.
 * - A declined creation is published on no topic; a paid one on `subscriptions.created` alone.
 */
import type { FirstPayment, Subscription } from '../../contracts/http/subscriptions';
import { endMoney } from '../../domain/ledger/end';
import { openFirstPeriod } from '../../domain/ledger/first-period';
import { decideFirstPayment, type SubscriptionChange } from '../../domain/subscription/subscription';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../clock';
import { lockPayment } from '../locks';
import { announceCreated, announceUpdated } from './events';
import { paymentsOfOtherCard } from '../payment/other-card-store';
import type { ReceivedCharge } from '../payment/received-charge';
import { addCustomerCredit } from '../ledger/credit';
import { ledgerOf } from '../ledger/opening';
import { moneyColumns } from '../ledger/money-columns';
import { enqueuePosting } from '../ledger/post';
import { enqueueUnapplied } from '../ledger/state-store';
import { toFacts, type PaymentRow } from '../rows';
import { traceOfPayment } from '../traces';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import {
  lockOrThrow,
  subscriptionService as actor,
  unchanged,
  writeVersion,
  type Applied,
  type Patch,
} from './transition';

/**
 * Concludes a creation (version 0), or settles a subscription that waits as `incomplete`; anything else is left.
 * @returns the record as it stands
 */
export async function applyFirstPayment(db: Database, subscriptionId: string): Promise<SubscriptionRecord> {
  return inTransaction(db, async (tx) => {
    const { row, realNow } = await lockOrThrow(tx, subscriptionId);
    if (row.status !== 'incomplete') return toRecord(row);
    if (row.first_payment_id === null) throw new Error(`subscription ${subscriptionId} has no first payment`);
    const payment = await lockPayment(tx, row.first_payment_id);
    if (payment === null) throw new Error(`payment ${row.first_payment_id} does not exist`);
    const times = await timesFor(tx, row.test_clock_id, realNow);
    return (await applyFirst(tx, row, payment, times)).record;
  });
}

/**
 * Applies the first payment.
 * @param payment its locked row
 * @param received what was received in this transaction; null: it is written already
 */
export async function applyFirst(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  times: Times,
  received: ReceivedCharge | null = null,
): Promise<Applied> {
  if (row.status !== 'incomplete') return unchanged(row);
  const decision = decideFirstPayment(payment.status);
  if (decision.status === 'incomplete' && row.version > 0) return unchanged(row);
  const waits = { payment_id: payment.id };
  if (decision.status === 'expired' && (await paymentsOfOtherCard(tx, waits)).length > 0)
    return unchanged(row);
  const patch = await moneyOf(tx, row, payment, decision.status, { times, charge: received });
  return write(tx, row, payment, { decision, patch }, times);
}

/** The first period opens with the money that pays it; credit that was set aside for a decline comes back. */
async function moneyOf(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  status: ReturnType<typeof decideFirstPayment>['status'],
  { times, charge }: { times: Times; charge: ReceivedCharge | null },
): Promise<Patch> {
  const state = await ledgerOf(tx, row, times);
  const cause = { actor, paymentId: payment.id, periodIndex: row.period_index };
  if (status === 'active') {
    const { period, amount } = toFacts(row);
    if (period === null) return {};
    const { id: paymentId, amount: asked, unapplied_amount: unapplied } = payment;
    const received = { id: paymentId, charge: Number(asked), amount: Number(unapplied) };
    const opened = openFirstPeriod(state, { period, price: amount, payment: received });
    if (charge === null) enqueueUnapplied(tx, payment.id, 0);
    else charge.writeBefore(tx);
    const at = new Date(period.start);
    enqueuePosting(tx, row, opened, { ...cause, id: `${row.id}/period/1`, kind: 'period_opened', at }, times);
    return moneyColumns(opened.state, row.waiting_lines, at);
  }
  if (status === 'incomplete' || state.held_for !== payment.id) return {};
  const released = endMoney(state, { at: times.now.toISOString(), ...nothingToRefund });
  await addCustomerCredit(tx, row, released.customerCredit, 'returned');
  const id = `${payment.id}/released`;
  enqueuePosting(tx, row, released, { ...cause, id, kind: 'credit_released' }, times);
  return moneyColumns(released.state, [], times.now);
}

const nothingToRefund = {
  pausedAt: null,
  refund: 'none' as const,
  blocked: [],
  refundable: {},
  floor: (_paymentId: string, amount: number) => amount,
};

function write(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  { decision, patch }: { decision: ReturnType<typeof decideFirstPayment>; patch: Patch },
  times: Times,
): Applied {
  const paid = decision.status === 'active';
  const creating = row.version === 0;
  const changes: SubscriptionChange[] =
    'change' in decision && !creating ? [decision.change] : creating ? ['created'] : [];
  const commandId = `${row.id}/first-payment/v${row.version + 1}`;
  const trace = traceOfPayment(payment);
  const {
    record,
    subscription,
    row: after,
    previous,
  } = writeVersion(
    tx,
    row,
    {
      ...patch,
      status: decision.status,
      period_paid: paid,
      open_payment_id: decision.status === 'incomplete' ? payment.id : null,
    },
    { ...times, commandId, changes, actor, trace, paidPeriod: paid ? row.period_index : null },
  );
  if (creating) announceCreation(tx, subscription, payment, times.realNow);
  else announceUpdated(tx, subscription, changes, previous, { actor, trace, realNow: times.realNow });
  return { record, row: after };
}

function announceCreation(tx: Transaction, subscription: Subscription, payment: PaymentRow, now: Date): void {
  // Only its caller knows of a creation whose payment was declined.
  if (subscription.status === 'expired') return;
  const firstPayment: FirstPayment = {
    payment_id: payment.id,
    status: payment.status,
    amount: Number(payment.amount),
    currency: payment.currency,
  };
  announceCreated(tx, subscription, firstPayment, now, traceOfPayment(payment));
}
