/** Money of a life that goes back: refunds here and at the provider, disputes; credit that is granted and paid out. */
import {
  loseDispute,
  openDispute as postDispute,
  regainDispute,
  releaseRefund,
  reserveRefund,
  nothingTaken,
  type Taken,
  type TakenParts,
} from '../../../domain/ledger/refund';
import { decideCreditChange } from '../../../domain/ledger/credit';
import { emptyState, grantSource, isGrant } from '../../../domain/ledger/state';
import { beyondNow, noteLoss, shareReturn } from './shared-charge';
import { cash, type Dispute, type Payment, type Refund, type World } from './world';

/** Reserves a refund. */
export function refund(world: World, payment: Payment, amount: number): Refund {
  releaseFailed(world, payment);
  return reserve(world, payment, amount);
}

interface Reservation {
  /** `credit`: a payout of the customer's credit, which leaves the service alone. */
  from?: 'all' | 'credit';
  /** More than was left of the charge. */
  beyond?: number;
}

function reserve(
  world: World,
  payment: Payment,
  amount: number,
  { from = 'all', beyond = 0 }: Reservation = {},
): Refund {
  const sub = payment.sub === null || from === 'credit' ? null : world.sub(payment.sub);
  const reserved = reserveRefund(sub?.state ?? emptyState, {
    paymentId: payment.id,
    amount,
    at: world.now,
    unapplied: payment.unapplied,
    customerCredit: world.creditOf(payment.id),
  });
  const { parts } = reserved;
  if (sub === null) world.write(payment.sub, 'refund_reserved', reserved.entries);
  else world.post(sub, 'refund_reserved', reserved);
  if (parts.customer_credit > 0) {
    world.takeCredit([{ source: payment.id, amount: parts.customer_credit }]);
  }
  payment.unapplied -= parts.unapplied;
  world.oracle.reserves(payment.id, { amount, at: world.now, only: from });
  return newRow(world, payment, amount, { ...parts, beyond });
}

function newRow(world: World, payment: Payment, amount: number, parts: Taken): Refund {
  payment.back += amount;
  const id = `${payment.id}/refund/${world.refunds.length}`;
  const taken = { beyond: 0, ...parts };
  const row: Refund = { id, payment: payment.id, amount, status: 'pending', taken, at: world.now };
  world.refunds.push(row);
  return row;
}

/** Rows of refunds that an end has reserved. */
export function reserveRows(
  world: World,
  refunds: readonly { payment_id: string; amount: number; taken: TakenParts }[],
): void {
  for (const { payment_id: id, amount, taken } of refunds) newRow(world, world.payment(id), amount, taken);
}

/** A charge that came too late, or that nothing waits for, goes back whole. */
export function refundUnwanted(world: World, payment: Payment): void {
  payment.applied = true;
  giveUnappliedBack(world, payment);
}

/** Disputed, it waits for the bank. */
function giveUnappliedBack(world: World, payment: Payment): void {
  const { id, sub, unapplied: amount, disputed } = payment;
  if (amount === 0 || disputed > 0) return;
  world.write(sub, 'refund_reserved', [
    { account: 'unapplied', source: id, amount },
    { account: 'refunding', source: id, amount: -amount },
  ]);
  payment.unapplied = 0;
  world.oracle.reserves(id, { amount, at: world.now, only: 'unapplied' });
  newRow(world, payment, amount, { ...nothingTaken, unapplied: amount });
}

/**
 * Whether nothing wants what a disputed payment still has unapplied: its subscription has ended, or it is a change's,
 * which any dispute overtakes.
 */
function isUnwanted(world: World, { sub, purpose }: Payment): boolean {
  return sub !== null && (purpose === 'change' || world.sub(sub).status === 'ended');
}

/** Books a transition of a refund between `refunding` and cash. */
function settleAs(world: World, row: Refund, sign: 1 | -1): void {
  const { sub } = world.payment(row.payment);
  world.write(sub, sign > 0 ? 'refund_settled' : 'refund_failed', [
    { account: 'refunding', source: row.payment, amount: sign * row.amount },
    { account: cash, source: row.payment, amount: -sign * row.amount },
  ]);
  world.oracle.movesRefund(row.payment, sign * row.amount);
}

export function settle(world: World, row: Refund): void {
  settleAs(world, row, 1);
  if (row.status === 'failed') moveFailed(world, row, -1);
  row.status = 'paid';
}

/** The provider could not pay a refund, perhaps after it had reported that it did. */
export function failRefund(world: World, row: Refund): void {
  if (row.status === 'paid') settleAs(world, row, -1);
  moveFailed(world, row, 1);
  row.status = 'failed';
}

function moveFailed(world: World, { payment: id, amount }: Refund, sign: 1 | -1): void {
  const payment = world.payment(id);
  payment.failed += sign * amount;
  payment.back -= sign * amount;
  world.oracle.failsRefund(id, sign * amount);
}

/** What failed is given up before money of its payment goes otherwise. */
export function releaseFailed(world: World, { id }: Payment): void {
  for (const failed of world.refunds) {
    if (failed.payment === id && failed.status === 'failed') release(world, failed);
  }
}

/** A failed refund is given up. */
export function release(world: World, row: Refund): void {
  const payment = world.payment(row.payment);
  const sub = payment.sub === null ? null : world.sub(payment.sub);
  const alive = sub !== null && sub.status !== 'ended';
  const { now: at } = world;
  const { taken, gone } = shareReturn(world, payment, row);
  const released = releaseRefund(sub?.state ?? emptyState, taken, {
    paymentId: payment.id,
    at,
    reservedAt: row.at,
    alive,
    gone,
  });
  if (sub === null) world.write(null, 'refund_released', released.entries);
  else world.post(sub, 'refund_released', released);
  world.addCredit(released.customerCredit, 'new');
  const ofPayment = world.refunds.filter((other) => other.payment === payment.id);
  world.oracle.releases(payment.id, { index: ofPayment.indexOf(row), at, alive });
  payment.failed -= row.amount;
  row.status = 'released';
}

/** A refund that was made at the provider: nobody here asked for it. */
export function refundAtProvider(world: World, payment: Payment, amount: number): void {
  releaseFailed(world, payment);
  settle(world, reserve(world, payment, amount, { beyond: beyondNow(payment, amount) }));
}

export function openDispute(world: World, payment: Payment, amount: number): Dispute {
  const id = `${payment.id}/dispute/${world.disputes.length}`;
  const dispute: Dispute = { id, payment: payment.id, amount, status: 'open', loss: null };
  world.disputes.push(dispute);
  open(world, dispute);
  return dispute;
}

function open(world: World, dispute: Dispute): void {
  dispute.status = 'open';
  moveDisputed(world, dispute, 1);
}

export function winDispute(world: World, dispute: Dispute): void {
  dispute.status = 'won';
  moveDisputed(world, dispute, -1);
  const payment = world.payment(dispute.payment);
  if (isUnwanted(world, payment)) giveUnappliedBack(world, payment);
}

function moveDisputed(world: World, { payment: id, amount }: Dispute, sign: 1 | -1): void {
  const payment = world.payment(id);
  const sub = payment.sub === null ? null : world.sub(payment.sub);
  const moved = postDispute(sub?.state ?? emptyState, id, sign * amount, cash);
  const kind = sign > 0 ? 'dispute_opened' : 'dispute_won';
  if (sub === null) world.write(null, kind, moved.entries);
  else world.post(sub, kind, moved);
  world.oracle.disputes(id, sign * amount);
  payment.disputed += sign * amount;
}

/** A dispute that was won is lost after all. */
export function loseWonDispute(world: World, dispute: Dispute): void {
  open(world, dispute);
  loseOpenDispute(world, dispute);
}

/** A dispute that was lost is won after all. */
export function regainLostDispute(world: World, dispute: Dispute): void {
  const { payment: id, amount, loss } = dispute;
  if (loss === null) throw new Error(`${dispute.id} is not lost`);
  const payment = world.payment(id);
  const sub = payment.sub === null ? null : world.sub(payment.sub);
  const alive = sub !== null && sub.status !== 'ended';
  const { now: at } = world;
  const { taken, gone } = shareReturn(world, payment, { id: dispute.id, taken: loss.taken });
  const back = { paymentId: id, at, reservedAt: loss.at, alive, gone };
  const regained = regainDispute(sub?.state ?? emptyState, taken, back, cash);
  if (sub === null) world.write(null, 'dispute_won', regained.entries);
  else world.post(sub, 'dispute_won', regained);
  world.addCredit(regained.customerCredit, 'new');
  noteLoss(world, payment, -taken.rest);
  payment.lost -= amount;
  Object.assign(dispute, { status: 'won', loss: null });
  const ofPayment = world.disputes.filter((other) => other.payment === id);
  const unapplied = world.oracle.regains(id, { index: ofPayment.indexOf(dispute), at, alive });
  giveRegainedBack(world, payment, unapplied);
}

/** What was not applied before it was lost, and nothing wants, goes back when the bank returns it. */
function giveRegainedBack(world: World, payment: Payment, amount: number): void {
  if (!isUnwanted(world, payment)) return;
  // Under another dispute it waits, as the customer's credit.
  if (amount > 0 && payment.disputed === 0) reserve(world, payment, amount);
  giveUnappliedBack(world, payment);
}

export function loseOpenDispute(world: World, dispute: Dispute): void {
  const payment = world.payment(dispute.payment);
  const { amount } = dispute;
  const beyond = beyondNow(payment, amount);
  const sub = payment.sub === null ? null : world.sub(payment.sub);
  const lost = loseDispute(sub?.state ?? emptyState, {
    paymentId: payment.id,
    amount,
    at: world.now,
    unapplied: payment.unapplied,
    customerCredit: world.creditOf(payment.id),
  });
  if (sub === null) world.write(null, 'dispute_lost', lost.entries);
  else world.post(sub, 'dispute_lost', lost);
  const { customer_credit: credit, unapplied, rest } = lost.parts;
  if (credit > 0) world.takeCredit([{ source: payment.id, amount: credit }]);
  noteLoss(world, payment, rest);
  payment.unapplied -= unapplied;
  payment.disputed -= amount;
  payment.lost += amount;
  world.losses += 1;
  const taken: Taken = { ...lost.parts, beyond };
  Object.assign(dispute, { status: 'lost', loss: { taken, at: world.now, number: world.losses } });
  const ofPayment = world.disputes.filter((other) => other.payment === payment.id);
  world.oracle.loses(payment.id, { index: ofPayment.indexOf(dispute), amount, at: world.now });
  if (isUnwanted(world, payment)) giveUnappliedBack(world, payment);
}

/** Grants credit (above 0), or takes it back. @returns whether it could be done */
export function changeCredit(world: World, id: string, amount: number): boolean {
  const decision = decideCreditChange(world.credit, { transactionId: id, amount });
  if (decision.kind === 'refused') return false;
  world.write(null, decision.kind, decision.entries);
  world.credit = decision.funds;
  world.oracle.grants(grantSource(id), amount);
  return true;
}

/** Pays credit out, to the payments that funded it, the oldest first. @returns the refunds */
export function payOut(world: World, amount: number): Refund[] {
  let left = amount;
  const rows: Refund[] = [];
  const ages = [...world.payments.keys()];
  const oldestFirst = world.credit.toSorted((a, b) => ages.indexOf(a.source) - ages.indexOf(b.source));
  for (const { source, amount: has } of oldestFirst) {
    if (isGrant(source) || left === 0) continue;
    const payment = world.payment(source);
    const able = Math.min(has, left, world.refundable(payment));
    const part = able - (able % world.limits.step);
    if (part === 0) continue;
    left -= part;
    rows.push(reserve(world, payment, part, { from: 'credit' }));
  }
  return rows;
}
