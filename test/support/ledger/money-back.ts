/** Money of a life that goes back: refunds here and at the provider, disputes; credit that is granted and paid out. */
import type { Entry } from '../../../domain/ledger/accounts';
import { loseDispute, releaseRefund, reserveRefund, type TakenParts } from '../../../domain/ledger/refund';
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
  for (const failed of world.refunds) {
    if (failed.payment === payment.id && failed.status === 'failed') release(world, failed);
  }
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

/** Rows of refunds that an end has reserved. @param entries of the end */
export function reserveRows(
  world: World,
  refunds: readonly { payment_id: string; amount: number }[],
  entries: readonly { owner: string; entry: Entry }[],
): void {
  for (const { payment_id: id, amount } of refunds) {
    const rest = entries
      .filter(({ entry }) => entry.account === 'allowances' && entry.source === id)
      .reduce((sum, { entry }) => sum + entry.amount, 0);
    // Afterwards the subscription has ended: given up, all of it is the customer's credit.
    newRow(world, world.payment(id), amount, { ...noParts, credit: amount - rest, rest });
  }
}

/** A charge that came too late, or that nothing waits for, goes back whole. */
export function refundUnwanted(world: World, payment: Payment): void {
  if (payment.unapplied > 0) refund(world, payment, payment.unapplied);
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
  row.status = 'paid';
}

/** The provider could not pay a refund, perhaps after it had said so. */
export function failRefund(world: World, row: Refund): void {
  if (row.status === 'paid') settleAs(world, row, -1);
  row.status = 'failed';
}

/** A failed refund is given up. */
export function release(world: World, row: Refund): void {
  const payment = world.payment(row.payment);
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
  world.addCredit(released.customerCredit);
  const ofPayment = world.refunds.filter((other) => other.payment === payment.id);
  world.oracle.releases(payment.id, { index: ofPayment.indexOf(row), at, alive });
  payment.back -= row.amount;
  row.status = 'released';
}

/** A refund that was made at the provider: nobody here asked for it. */
export function refundAtProvider(world: World, payment: Payment, amount: number): void {
  settle(world, refund(world, payment, amount));
}

export function openDispute(world: World, payment: Payment, amount: number): Dispute {
  const dispute: Dispute = { payment: payment.id, amount, status: 'open' };
  world.disputes.push(dispute);
  moveDisputed(world, dispute, 1);
  return dispute;
}

export function winDispute(world: World, dispute: Dispute): void {
  dispute.status = 'won';
  moveDisputed(world, dispute, -1);
}

/** A dispute that was won is opened again. */
export function reopenDispute(world: World, dispute: Dispute): void {
  dispute.status = 'open';
  moveDisputed(world, dispute, 1);
}

function moveDisputed(world: World, { payment: id, amount }: Dispute, sign: 1 | -1): void {
  const payment = world.payment(id);
  world.write(payment.sub, sign > 0 ? 'dispute_opened' : 'dispute_won', [
    { account: 'disputed', source: id, amount: sign * amount },
    { account: cash, source: id, amount: -sign * amount },
  ]);
  world.oracle.disputes(id, sign * amount);
  payment.disputed += sign * amount;
}

export function loseOpenDispute(world: World, dispute: Dispute): void {
  const payment = world.payment(dispute.payment);
  const { amount } = dispute;
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
  dispute.status = 'lost';
  world.oracle.loses(payment.id, { amount, at: world.now });
}

/** Grants credit. */
export function grant(world: World, id: string, amount: number): void {
  const source = grantSource(id);
  world.write(null, 'credit_granted', [
    { account: 'allowances', source, amount },
    { account: 'credit', source, amount: -amount },
  ]);
  world.addCredit([{ source, amount }]);
  world.oracle.grants(source, amount);
}

/** Takes granted credit back, at most what is left of it. @returns what was taken */
export function correctGrants(world: World, amount: number): number {
  let left = amount;
  for (const { source, amount: has } of world.credit.filter((part) => isGrant(part.source))) {
    const taken = Math.min(has, left);
    if (taken === 0) continue;
    left -= taken;
    world.write(null, 'credit_corrected', [
      { account: 'credit', source, amount: taken },
      { account: 'allowances', source, amount: -taken },
    ]);
    world.takeCredit([{ source, amount: taken }]);
    world.oracle.grants(source, -taken);
  }
  return amount - left;
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
