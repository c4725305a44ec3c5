/**
 * A customer's bank takes the money of a charge back, or decides about it.
 *
 * Invariants: disputed money funds nothing new and is not refunded (the bank decides about it), and an operator is told;
 * each event may be the first that comes, and told again nothing changes; what was never paid cannot be disputed.
 */
import { disputeId, unwantedChargeRefundId } from '../../domain/ids';
import { cashAccount } from '../../domain/ledger/accounts';
import {
  decideDispute,
  disputeDetail,
  type DisputeEvent,
  type DisputeStatus,
  type DisputeStep,
} from '../../domain/ledger/dispute';
import { nothingTaken, openDispute, type Taken } from '../../domain/ledger/refund';
import { moneyText } from '../../domain/money';
import { isPaymentPaid } from '../../domain/payment/payment';
import { refundedStatus } from '../../domain/payment/refund';
import type { Transaction } from '../../prisma/client';
import type { DisputeRow } from '../ledger-rows';
import { lockPaymentWithSubscription } from '../locks';
import { enqueueAnsweredTask, enqueueNewDetail, enqueueReopenedTask } from '../operator-tasks';
import type { AttemptRow, PaymentRow } from '../rows';
import { enqueuePaymentPosting, enqueueState } from './books';
import { enqueueDispute, findDispute, findDisputes } from './dispute-store';
import { findPayingAttempt } from './attempt-store';
import { enqueueRefund } from './refund-store';
import { isDisputed } from './refundable';
import { reserveUnwanted, unwantedAfterDispute } from './reserve-refund';
import { beyondNow, shareLoss } from './shared-charge';
import { enqueueDisputed } from './store';
import { openBooks, putBackLoss, takeForLoss, takeForRefund, type OpenBooks } from './take-money';

export interface ReportedDispute {
  provider: string;
  /** The provider's name of the dispute. */
  reference: string;
  event: DisputeEvent;
  /** Minor units: the provider's, which may be a part of the charge. */
  amount: number;
}

const actor = { kind: 'system', id: 'payment-service', reason: null } as const;

/** @returns whether this call changed anything. @throws when there is no such payment */
export async function recordDispute(
  tx: Transaction,
  attempt: AttemptRow,
  reported: ReportedDispute,
): Promise<{ recorded: boolean; payment: PaymentRow }> {
  const locked = await lockPaymentWithSubscription(tx, attempt.payment_id);
  const { payment } = locked;
  const id = disputeId(payment.id, reported.provider, reported.reference);
  const known = await findDispute(tx, id);
  const paying = await findPayingAttempt(tx, payment.id);
  const steps = decideDispute(known?.status ?? null, reported.event);
  const isOfPayment = isPaymentPaid(payment.status) && paying?.number === attempt.number;
  if (steps.length > 0 && !isOfPayment && attempt.status === 'completed') {
    askAboutOtherCharge(tx, attempt, reported, locked.realNow);
  }
  if (steps.length === 0 || !isOfPayment) return { recorded: false, payment };
  const before = await findDisputes(tx, payment.id);
  let open = await openBooks(tx, locked);
  const { books } = open;
  let dispute = known ?? newDispute(id, attempt, reported, books.times.realNow);
  for (const step of steps) ({ open, dispute } = await takeStep(tx, open, attempt, dispute, step));
  enqueueDispute(tx, dispute);
  const unwanted = unwantedAfterDispute(open.locked);
  if (unwanted !== null) await reserveUnwanted(tx, open.locked, unwanted);
  await askAboutDisputes(tx, payment.id, { before, decided: dispute.status, now: books.times.realNow });
  return { recorded: true, payment: open.locked.payment };
}

function newDispute(
  id: string,
  attempt: AttemptRow,
  { provider, reference, amount }: ReportedDispute,
  now: Date,
): DisputeRow {
  return {
    id,
    payment_id: attempt.payment_id,
    attempt: attempt.number,
    provider,
    provider_reference: reference,
    amount: BigInt(Math.min(amount, Number(attempt.amount))),
    currency: attempt.currency,
    status: 'open',
    taken: null,
    transitions: 0,
    created_at: now,
    closed_at: null,
  };
}

interface Step {
  open: OpenBooks;
  dispute: DisputeRow;
}

async function takeStep(
  tx: Transaction,
  open: OpenBooks,
  attempt: AttemptRow,
  dispute: DisputeRow,
  step: DisputeStep,
): Promise<Step> {
  const { locked, books } = open;
  const amount = Number(dispute.amount);
  const transitions = dispute.transitions + 1;
  const next: DisputeRow = { ...dispute, transitions, status: statusAfter[step], closed_at: null };
  if (next.status !== 'open') next.closed_at = books.times.realNow;
  const cash = cashAccount(dispute.provider);
  const paymentId = dispute.payment_id;
  const cause = { id: `${dispute.id}/${transitions}`, kind: kindOf[step], actor, paymentId };
  switch (step) {
    case 'open':
    case 'close_won': {
      const opened = openDispute(open.state, paymentId, step === 'open' ? amount : -amount, cash);
      enqueuePaymentPosting(tx, books, opened, cause);
      enqueueState(tx, books, locked.subscription, opened.state);
      const disputed = step === 'open' ? amount : -amount;
      const after = mark(tx, open, { disputed, lost: 0 });
      return { open: { ...after, state: opened.state }, dispute: next };
    }
    case 'close_lost': {
      const beyond = await beyondNow(tx, locked.payment, attempt, amount);
      const { parts, open: taken } = await takeForLoss(tx, open, amount, cause);
      const after = mark(tx, taken, { disputed: -amount, lost: amount });
      return {
        open: after,
        dispute: { ...next, taken: { ...parts, beyond, at: books.times.now.toISOString() } },
      };
    }
    case 'regain': {
      const before: Taken = dispute.taken ?? { ...nothingTaken, rest: amount };
      const { taken, gone } = await shareLoss(tx, locked.payment, attempt, dispute, before);
      const { at: takenAt = (dispute.closed_at ?? books.times.now).toISOString(), ...parts } = taken;
      const regained = await putBackLoss(tx, open, parts, { takenAt, gone, cash }, cause);
      const after = mark(tx, regained, { disputed: 0, lost: -amount });
      const unwanted = { attempt, amount: parts.unapplied, of: cause.id };
      return { open: await giveRegainedBack(tx, after, unwanted), dispute: { ...next, taken: null } };
    }
  }
}

/** A charge that was not applied before it was lost, and that nobody wants, goes back when the bank returns it. */
async function giveRegainedBack(
  tx: Transaction,
  open: OpenBooks,
  { attempt, amount, of }: { attempt: AttemptRow; amount: number; of: string },
): Promise<OpenBooks> {
  const reason = unwantedAfterDispute(open.locked);
  // Under another dispute it waits, as the customer's credit.
  if (reason === null || amount === 0 || isDisputed(open.locked.payment)) return open;
  const id = unwantedChargeRefundId(attempt.payment_id, attempt.number, of);
  const cause = {
    kind: 'refund_reserved' as const,
    actor,
    reason,
    paymentId: attempt.payment_id,
    refundId: id,
  };
  const taken = await takeForRefund(tx, open, amount, { ...cause, id: `${id}/reserved` });
  enqueueRefund(tx, { id, attempt, amount, reason, actor, taken: taken.parts }, open.books.times);
  return taken.open;
}

const statusAfter = { open: 'open', close_won: 'won', close_lost: 'lost', regain: 'won' } as const;
const kindOf = {
  open: 'dispute_opened',
  close_won: 'dispute_won',
  close_lost: 'dispute_lost',
  regain: 'dispute_won',
} as const;

/** Writes what of the payment is disputed and lost. While anything is, and once all is lost, it is `disputed`. */
function mark(tx: Transaction, open: OpenBooks, by: { disputed: number; lost: number }): OpenBooks {
  const { payment, realNow } = open.locked;
  const disputed = Number(payment.disputed_amount) + by.disputed;
  const lost = Number(payment.lost_amount) + by.lost;
  const amount = Number(payment.amount);
  const refunded = Number(payment.refunded_amount);
  const status = refundedStatus({ status: 'completed', amount, disputed, lost }, refunded);
  const after = enqueueDisputed(tx, payment, { status, disputed, lost }, realNow);
  return { ...open, locked: { ...open.locked, payment: after } };
}

/**
 * Asks an operator about what is disputed or lost of a payment now; once every dispute is won, nothing is left to answer.
 * @param before the disputes as they stood when the operator was asked last
 */
async function askAboutDisputes(
  tx: Transaction,
  id: string,
  { before, decided, now }: { before: readonly DisputeRow[]; decided: DisputeStatus; now: Date },
): Promise<void> {
  const subject = { type: 'payment', id } as const;
  const detail = disputeDetail(await findDisputes(tx, id));
  if (decided !== 'won' && detail !== null) enqueueReopenedTask(tx, 'dispute', subject, detail, now);
  const asked = disputeDetail(before);
  if (decided !== 'won' || asked === null) return;
  if (detail !== null) enqueueNewDetail(tx, 'dispute', subject, { asked, detail });
  else enqueueAnsweredTask(tx, 'dispute', subject, { actor, reason: 'the dispute is won' }, now, asked);
}

/** A charge beside the one that paid goes back as a whole: an operator sees to it that it does not go back twice. */
function askAboutOtherCharge(
  tx: Transaction,
  attempt: AttemptRow,
  { event, amount }: ReportedDispute,
  now: Date,
): void {
  const { payment_id: id, provider_reference: charge, currency } = attempt;
  const detail = `A dispute of ${moneyText(amount, currency)} is ${event}, of charge ${charge ?? attempt.number} beside the one that paid. That charge is refunded: see to it at the provider that it does not go back twice.`;
  enqueueReopenedTask(tx, 'dispute', { type: 'payment', id }, detail, now);
}
