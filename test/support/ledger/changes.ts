/** Changes of a life: at once, when paid, at the next renewal, at the period's end. */
import {
  applyChange,
  chargeOf,
  holdCredit,
  releaseHeld,
  type ChangeOfMoney,
  type ChangePayer,
} from '../../../domain/ledger/change';
import { refundUnwanted } from './money-back';
import { daysAfter, type Payment, type Sub, type World } from './world';

export type How = 'charge_now' | 'next_renewal' | 'none' | 'period_end';

export interface Wanted {
  price: number;
  /** Another interval than before begins a new period. */
  days: number;
  how: How;
  /** Asked for while another one was being charged, before anybody knew that it would wait. */
  races?: boolean;
}

/** Changes what a subscription sells. @returns the payment that the change waits for; null: it is done */
export function change(
  world: World,
  sub: Sub,
  { price, days, how, races = false }: Wanted,
  paymentId: string,
): Payment | null {
  if (how === 'period_end') {
    sub.next = { price, days };
    world.oracle.worth.agreesNext(sub.id, { price, days });
    sub.version += 1;
    return null;
  }
  if (how === 'none' || sub.status === 'trialing') {
    Object.assign(sub, { price, days, next: null });
    world.oracle.worth.agrees(sub.id, { price, days });
    sub.version += 1;
    return null;
  }
  const newPeriod = days === sub.days ? null : { start: world.now, end: daysAfter(world.now, days) };
  const money: ChangeOfMoney = { at: world.now, price, newPeriod, blocked: world.blocked };
  if (how === 'next_renewal') {
    apply(world, sub, { money, days }, { kind: 'next_renewal' });
    return null;
  }
  const credit = { customer: world.credit, blocked: world.blocked };
  const asked = chargeOf(sub.state, money, { credit, limits: world.limits });
  if (asked.charge === 0) {
    apply(world, sub, { money, days }, { kind: 'credit', credit: asked.credit });
    return null;
  }
  world.post(sub, 'credit_held', holdCredit(sub.state, paymentId, asked.credit));
  world.useCredit(
    asked.credit
      .filter(({ owner }) => owner === 'customer')
      .map(({ source, amount }) => ({ source, amount })),
  );
  world.oracle.asksChange(sub.id, { ...money, payment: paymentId, charge: asked.charge });
  if (!races) {
    sub.waiting = paymentId;
    sub.version += 1;
  }
  return world.newPayment({
    id: paymentId,
    sub: sub.id,
    purpose: 'change',
    amount: asked.charge,
    asked: {
      change: money,
      days,
      version: sub.version,
      revision: sub.state.revision,
      holds: asked.credit.length > 0,
    },
  });
}

function apply(
  world: World,
  sub: Sub,
  { money, days }: { money: ChangeOfMoney; days: number },
  payer: ChangePayer,
): void {
  const applied = applyChange(sub.state, money, payer);
  world.post(sub, 'change_applied', applied);
  world.useCredit(applied.customerCredit);
  const paymentId = payer.kind === 'payment' ? payer.paymentId : null;
  world.oracle.worth.agrees(sub.id, { price: money.price, days });
  world.oracle.changes(sub.id, { ...money, payer: payer.kind, payment: paymentId });
  if (money.newPeriod !== null && sub.period !== null) {
    sub.period = { ...money.newPeriod, index: sub.period.index + 1, paid: true };
    if (sub.cancel !== null) sub.cancel.at = money.newPeriod.end;
  }
  Object.assign(sub, { price: money.price, days, waiting: null, next: null });
  sub.version += 1;
}

/** The payment of a change is there: the change applies as it was asked for, if it still fits; else it goes back. */
export function applyChangePayment(world: World, sub: Sub, payment: Payment): void {
  const { asked } = payment;
  if (asked === null) throw new Error('the payment is for no change');
  const fits =
    !payment.dropped &&
    sub.status !== 'ended' &&
    sub.version === asked.version &&
    sub.state.revision === asked.revision &&
    payment.unapplied === payment.amount &&
    (!asked.holds || sub.state.held_for === payment.id);
  if (!fits) {
    dropChange(world, sub, payment);
    return refundUnwanted(world, payment);
  }
  const { id: paymentId, amount } = payment;
  payment.unapplied = 0;
  apply(world, sub, { money: asked.change, days: asked.days }, { kind: 'payment', paymentId, amount });
}

/** A change that waits for its charge is not wanted any more. Should it still be charged, that goes back. */
export function takeBack(world: World, sub: Sub, payment: Payment): void {
  dropChange(world, sub, payment);
  sub.version += 1;
}

/** The change is not made: the credit that was set aside for it comes back. */
export function dropChange(world: World, sub: Sub, payment: Payment): void {
  const { id } = payment;
  payment.dropped = true;
  world.post(sub, 'credit_released', releaseHeld(sub.state, id));
  world.oracle.dropsChange(sub.id, id);
  if (sub.waiting === id) sub.waiting = null;
}
