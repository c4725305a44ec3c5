/**
 * Gives money back: reserves it under the payment's lock, asks the provider, records the answer.
 *
 * Invariants: the row is there before the provider is asked; a refund is asked for with its own key, again and again if
 * need be, and its outcome is written once.
 */
import type { RefundCommand } from '../../contracts/workflows/commands';
import type { Refund } from '../../contracts/http/refunds';
import type { NamedMoney } from '../../contracts/problems';
import { minorUnitsText } from '../../domain/money';
import type { RefundOutcome, RefundRefusal } from '../../domain/payment/refund';
import { databaseNow, inTransaction } from '../../prisma/client';
import { enqueueOperatorTask } from '../operator-tasks';
import { toRefund, type RefundRow } from '../rows';
import type { AttemptDependencies } from './attempt';
import { UnknownPayment } from './payment-state';
import { refundOf } from './refund-store';
import { reserveRefund as reserve, type RefusedRefund } from './reserve-refund';
import { settleAnsweredRefund } from './settle-refund';
import { attemptOf } from './attempt-store';
import { findPayment } from './store';

/** How long one call may take; shorter than what a caller of the API waits. */
const callTimeoutMs = 8_000;

/** What histories hold of a refund: free text lies in its row only. */
export type HeldRefund = Omit<Refund, 'reason'>;

/** `detail` and `available` were left out by older versions, whose answers histories hold. */
export type ReservedRefund =
  | { kind: 'reserved'; refund: HeldRefund }
  | { kind: 'refused'; reason: RefundRefusal; detail?: string; available?: NamedMoney };

/** Reserves a refund; with the same id again it finds the one that is reserved. @throws UnknownPayment */
export async function reserveRefund(
  deps: AttemptDependencies,
  paymentId: string,
  command: RefundCommand,
): Promise<ReservedRefund> {
  if ((await findPayment(deps.db, paymentId)) === null) throw new UnknownPayment(paymentId);
  const reservation = await inTransaction(deps.db, (tx) =>
    reserve(tx, { ...command, payment_id: paymentId }),
  );
  return reservation.kind === 'refused'
    ? refusalOf(reservation)
    : { kind: 'reserved', refund: heldRefund(reservation.refund) };
}

function refusalOf({ reason, left }: RefusedRefund): Extract<ReservedRefund, { kind: 'refused' }> {
  const detail = `The payment cannot be refunded: ${refusalTexts[reason](left)}.`;
  const isOfAmount = reason === 'nothing_left' || reason === 'more_than_left';
  return { kind: 'refused', reason, detail, ...(isOfAmount ? { available: left } : {}) };
}

const refusalTexts: Readonly<Record<RefundRefusal, (left: NamedMoney) => string>> = {
  not_paid: () => 'it is not paid',
  disputed: () => 'it is under dispute, and the bank decides about its money, or has taken all of it',
  nothing_left: () => 'nothing of it is left',
  more_than_left: ({ amount, currency }) => `${minorUnitsText(amount, currency)} of it are left`,
};

/** Asks the provider for a reserved refund, once; `pending` when it gave no final answer. */
export async function payRefund(deps: AttemptDependencies, refundId: string): Promise<HeldRefund> {
  const row = await refundOf(deps.db, refundId);
  if (row.settled_at !== null) return heldRefund(row);
  const outcome = await askProvider(deps, row);
  const { refund } = await inTransaction(deps.db, (tx) => settleAnsweredRefund(tx, refundId, outcome));
  return heldRefund(refund);
}

function heldRefund(row: RefundRow): HeldRefund {
  const { reason: _, ...held } = toRefund(row);
  return held;
}

async function askProvider(
  { db, providers }: AttemptDependencies,
  refund: RefundRow,
): Promise<RefundOutcome> {
  const attempt = await attemptOf(db, refund.payment_id, refund.attempt);
  const provider = providers.get(attempt.provider ?? '');
  if (provider === undefined) return { status: 'unknown', reason: 'provider_not_configured' };
  const charge = refund.charge_reference ?? attempt.provider_reference;
  if (charge === null) return { status: 'unknown', reason: 'charge_not_known' };
  const request = {
    idempotencyKey: refund.idempotency_key,
    providerReference: charge,
    amount: Number(refund.amount),
    currency: refund.currency,
    paymentId: refund.payment_id,
  };
  return provider.refund(request, callTimeoutMs);
}

/** Raises a task: more than a day of asking brought no final answer. */
export async function requestRefundDecision(deps: AttemptDependencies, refundId: string): Promise<void> {
  await inTransaction(deps.db, async (tx) => {
    const { settled_at } = await refundOf(tx, refundId);
    if (settled_at !== null) return;
    const subject = { type: 'refund', id: refundId } as const;
    const detail = 'The provider has given no final answer about the refund for more than a day.';
    enqueueOperatorTask(tx, 'unknown_outcome', subject, detail, await databaseNow(tx));
  });
}
