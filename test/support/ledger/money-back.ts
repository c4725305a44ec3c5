/** Money of a life that goes back: refunds here and at the provider, disputes; credit that is granted and paid out. */
import {
  loseDispute,
  openDispute as postDispute,
  regainDispute,
  releaseRefund,
  reserveRefund,
  type TakenParts,
} from '../../../domain/ledger/refund';
import { decideCreditChange } from '../../../domain/ledger/credit';
import { emptyState, grantSource, isGrant } from '../../../domain/ledger/state';
import { cash, type Dispute, type Payment, type Refund, type World } from './world';

const noParts: TakenParts = { unapplied: 0, credit: 0, customer_credit: 0, unearned: 0, rest: 0 };

/** Reserves a refund. @param from `credit`: a payout of the customer's credit, which leaves the service alone */
export function refund(
  world: World,
  payment: Payment,
  amount: number,
  from: 'all' | 'credit' = 'all',
): Refund {
  if (from === 'all') releaseFailed(world, payment);
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
  return newRow(world, payment, amount, parts);
}

function newRow(world: World, payment: Payment, amount: number, parts: TakenParts): Refund {
  payment.back += amount;
  const id = `${payment.id}/refund/${world.refunds.length}`;
  const row: Refund = { id, payment: payment.id, amount, status: 'pending', parts, at: world.now };
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

/**
 * A charge that came too late, or that nothing waits for, goes back whole. Disputed, it waits for the bank.
 */
export function refundUnwanted(world: World, payment: Payment): void {
  const { id, sub, unapplied: amount, disputed } = payment;
  payment.applied = disputed === 0;
  payment.waitsForBank = disputed > 0;
  if (disputed > 0) world.notPlayed = `${id} is not wanted and disputed`;
  if (amount === 0 || disputed > 0) return;
  world.write(sub, 'refund_reserved', [
    { account: 'unapplied', source: id, amount },
    { account: 'refunding', source: id, amount: -amount },
  ]);
  payment.unapplied = 0;
  world.oracle.reserves(id, { amount, at: world.now, only: 'unapplied' });
  newRow(world, payment, amount, { ...noParts, unapplied: amount });
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

/** Whether more than the charge has gone of a payment, or is set aside to go. */
export function isBeyond({ back, failed, lost, amount }: Payment): boolean {
  return back + failed + lost > amount;
}

/** A failed refund is given up. */
export function release(world: World, row: Refund): void {
  const payment = world.payment(row.payment);
  if (isBeyond(payment)) world.notPlayed = `${row.id} is given up, and ${payment.id} is beyond its charge`;
  const sub = payment.sub === null ? null : world.sub(payment.sub);
  const alive = sub !== null && sub.status !== 'ended';
  const { now: at } = world;
  const released = releaseRefund(sub?.state ?? emptyState, row.parts, {
    paymentId: payment.id,
    at,
    reservedAt: row.at,
    alive,
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
  settle(world, refund(world, payment, amount));
}

export function openDispute(world: World, payment: Payment, amount: number): Dispute {
  const id = `${payment.id}/dispute/${world.disputes.length}`;
  const first = { status: 'open', parts: noParts, lostAt: null } as const;
  const dispute: Dispute = { id, payment: payment.id, amount, ...first };
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
  const { payment: id, amount, parts, lostAt } = dispute;
  const payment = world.payment(id);
  if (isBeyond(payment)) world.notPlayed = `${dispute.id} is won after all, and ${id} is beyond its charge`;
  const sub = payment.sub === null ? null : world.sub(payment.sub);
  const alive = sub !== null && sub.status !== 'ended';
  const { now: at } = world;
  const back = { paymentId: id, at, reservedAt: lostAt ?? at, alive };
  const regained = regainDispute(sub?.state ?? emptyState, parts, back, cash);
  if (sub === null) world.write(null, 'dispute_won', regained.entries);
  else world.post(sub, 'dispute_won', regained);
  world.addCredit(regained.customerCredit, 'new');
  const key = `${sub?.id ?? 'customer'}|${id}`;
  world.lostForGood.set(key, (world.lostForGood.get(key) ?? 0) - parts.rest);
  payment.lost -= amount;
  dispute.status = 'won';
  const ofPayment = world.disputes.filter((other) => other.payment === id);
  world.oracle.regains(id, { index: ofPayment.indexOf(dispute), at, alive });
}

export function loseOpenDispute(world: World, dispute: Dispute): void {
  const payment = world.payment(dispute.payment);
  const { amount } = dispute;
  releaseFailed(world, payment);
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
  const { customer_credit: taken, unapplied, rest } = lost.parts;
  if (taken > 0) world.takeCredit([{ source: payment.id, amount: taken }]);
  const key = `${sub?.id ?? 'customer'}|${payment.id}`;
  world.lostForGood.set(key, (world.lostForGood.get(key) ?? 0) + rest);
  payment.unapplied -= unapplied;
  payment.disputed -= amount;
  payment.lost += amount;
  Object.assign(dispute, { status: 'lost', parts: lost.parts, lostAt: world.now });
  const ofPayment = world.disputes.filter((other) => other.payment === payment.id);
  world.oracle.loses(payment.id, { index: ofPayment.indexOf(dispute), amount, at: world.now });
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

/** Pays credit out, to the payments that funded it. @returns the refunds */
export function payOut(world: World, amount: number): Refund[] {
  let left = amount;
  const rows: Refund[] = [];
  for (const { source, amount: has } of world.credit) {
    if (isGrant(source) || left === 0) continue;
    const payment = world.payment(source);
    const able = Math.min(has, left, world.refundable(payment));
    const part = able - (able % world.limits.step);
    if (part === 0) continue;
    left -= part;
    rows.push(refund(world, payment, part, 'credit'));
  }
  return rows;
}
