/** Periods of a life: created, paid, renewed, paused, resumed, written off, ended. */
import { endMoney } from '../../../domain/ledger/end';
import { beginFirstPeriod, openFirstPeriod } from '../../../domain/ledger/first-period';
import { applyReceived, writeOff } from '../../../domain/ledger/payment';
import { endedPeriod, isOwed, openPeriod, type OpenedMoney } from '../../../domain/ledger/period';
import type { RefundMode } from '../../../domain/subscription/commands';
import { refundUnwanted, releaseFailed, reserveRows } from './money-back';
import { daysAfter, type Payment, type Sub, type World } from './world';

interface Terms {
  price: number;
  days: number;
  trialDays?: number;
}

/** Creates a subscription. @returns the first payment; null: there is none */
export function create(
  world: World,
  id: string,
  { price, days, trialDays = 0 }: Terms,
  paymentId: string,
): Payment | null {
  const sub = world.newSub(id, { price, days });
  const { now } = world;
  world.oracle.worth.agrees(id, { price, days });
  if (trialDays > 0) {
    sub.status = 'trialing';
    sub.period = { index: 0, start: now, end: daysAfter(now, trialDays), paid: true };
    return null;
  }
  sub.period = { index: 1, start: now, end: daysAfter(now, days), paid: false };
  const credit = { customer: world.credit, blocked: world.blocked };
  const begun = beginFirstPeriod({ period: sub.period, price, credit, limits: world.limits }, paymentId);
  if (begun.kind === 'opened') {
    open(world, sub, { paymentId, pausedAt: null });
    return null;
  }
  sub.status = 'incomplete';
  world.post(sub, 'credit_held', begun);
  world.useCredit(begun.customerCredit);
  world.oracle.asksFirst(id, { price, payment: paymentId, charge: begun.charge });
  return world.newPayment({ id: paymentId, sub: id, purpose: 'first', amount: begun.charge, periodIndex: 1 });
}

/** Opens the period that the row names. @returns the payment to be charged; null: the period is paid */
function open(
  world: World,
  sub: Sub,
  { paymentId, pausedAt }: { paymentId: string; pausedAt: string | null },
): Payment | null {
  const { period, price } = sub;
  if (period === null) throw new Error('there is no period to open');
  const credit = { customer: world.credit, blocked: world.blocked };
  const opened = openPeriod(sub.state, { period, price, paymentId, credit, limits: world.limits, pausedAt });
  return recordOpened(world, sub, { opened, paymentId, pausedAt });
}

function recordOpened(
  world: World,
  sub: Sub,
  { opened, paymentId, pausedAt }: { opened: OpenedMoney; paymentId: string; pausedAt: string | null },
): Payment | null {
  const { period, price, id } = sub;
  if (period === null) throw new Error('there is no period to open');
  const { charge, customerCredit } = opened;
  world.post(sub, 'period_opened', opened);
  world.useCredit(customerCredit);
  world.oracle.opens(id, { period, price, payment: paymentId, charge, pausedAt });
  period.paid = charge === 0;
  if (charge === 0) return null;
  sub.open = paymentId;
  return world.newPayment({
    id: paymentId,
    sub: id,
    purpose: 'period',
    amount: charge,
    periodIndex: period.index,
  });
}

/** Opens the next period of a subscription that is due: after a trial, a period, or a pause. */
export function openNext(
  world: World,
  sub: Sub,
  paymentId: string,
  from: 'period_end' | 'resume' = 'period_end',
): Payment | null {
  const { period, next } = sub;
  if (period === null) throw new Error('there is no period to renew');
  if (next !== null) Object.assign(sub, next);
  const start = from === 'resume' ? world.now : period.end;
  const pausedAt = from === 'resume' ? sub.pausedAt : null;
  sub.period = { index: period.index + 1, start, end: daysAfter(start, sub.days), paid: false };
  Object.assign(sub, { status: 'active', next: null, waiting: null, pausedAt: null, pausedFrom: null });
  sub.version += 1;
  return open(world, sub, { paymentId, pausedAt });
}

/** The reconciliation earns a period whose time is over. */
export function earnPeriod(world: World, sub: Sub): void {
  const pausedAt = sub.status === 'paused' ? sub.pausedAt : null;
  const ended = endedPeriod(sub.state, pausedAt);
  if (ended === null) return;
  world.post(sub, 'period_ended', ended);
  world.oracle.earnsTerm(sub.id, pausedAt);
}

/** The provider has charged a payment: it is recorded and applied at once. */
export function applyPeriodPayment(world: World, sub: Sub, payment: Payment): void {
  if (sub.status === 'ended') return refundUnwanted(world, payment);
  if (payment.purpose === 'first') return openFirst(world, sub, payment);
  // Refunded before it was applied, it is owed all the same; applied before, it is not.
  if (payment.unapplied === 0 && !isOwed(sub.state, payment.id)) return;
  const { period } = sub;
  const isPresent = period?.index === payment.periodIndex && !period.paid;
  const runs = isPresent && Date.parse(period.end) > Date.parse(world.now);
  world.post(
    sub,
    'payment_applied',
    applyReceived(sub.state, { id: payment.id, amount: payment.unapplied }, { at: world.now, runs }),
  );
  payment.unapplied = 0;
  world.oracle.paysPeriod(sub.id, { payment: payment.id, runs, at: world.now });
  if (!isPresent) return;
  period.paid = true;
  sub.open = null;
  sub.version += 1;
  if (sub.status === 'past_due') sub.status = 'active';
  if (sub.status === 'paused') sub.pausedFrom = 'active';
}

/** The first period exists from its payment on: what was declined or abandoned never was. */
function openFirst(world: World, sub: Sub, payment: Payment): void {
  const { period, price, id } = sub;
  if (period === null) throw new Error('there is no period to open');
  const charged = { id: payment.id, charge: payment.amount, amount: payment.unapplied };
  world.post(sub, 'period_opened', openFirstPeriod(sub.state, { period, price, payment: charged }));
  payment.unapplied = 0;
  world.oracle.opensFirst(id, { period, price, payment: payment.id });
  period.paid = true;
  sub.status = 'active';
  sub.version += 1;
}

/** A period's payment has failed: it is retried further. */
export function recordFailure(world: World, sub: Sub, payment: Payment): void {
  if (payment.purpose === 'first' && sub.status === 'incomplete') return end(world, sub, 'none', world.now);
  if (sub.open !== payment.id) return;
  if (sub.status === 'active') sub.status = 'past_due';
  if (sub.status === 'paused') sub.pausedFrom = 'past_due';
}

export function pause(world: World, sub: Sub): void {
  sub.pausedFrom = sub.status === 'past_due' ? 'past_due' : 'active';
  sub.status = 'paused';
  sub.pausedAt = world.now;
  sub.version += 1;
}

export function scheduleEnd(sub: Sub, refund: RefundMode, at: string): void {
  sub.cancel = { at, refund };
  sub.version += 1;
}

export function revokeEnd(sub: Sub): void {
  sub.cancel = null;
  sub.version += 1;
}

/** @returns the payment of the period that opens; null: none opens, or it is paid */
export function resume(world: World, sub: Sub, paymentId: string): Payment | null {
  const { period, pausedFrom } = sub;
  const goesOn =
    period !== null && (period.paid ? Date.parse(period.end) > Date.parse(world.now) : pausedFrom !== null);
  if (!goesOn) return openNext(world, sub, paymentId, 'resume');
  sub.status = period.paid ? 'active' : (pausedFrom ?? 'active');
  Object.assign(sub, { pausedAt: null, pausedFrom: null });
  sub.version += 1;
  return null;
}

/** The final action `pause`: what is owed is written off. */
export function writeOffPeriod(world: World, sub: Sub): void {
  world.post(sub, 'written_off', writeOff(sub.state, world.now));
  world.oracle.writesOff(sub.id, world.now);
  Object.assign(sub, { status: 'paused', pausedAt: world.now, pausedFrom: null, open: null });
  sub.version += 1;
}

/** Ends a subscription. @param at a scheduled cancellation: when it was to end */
export function end(world: World, sub: Sub, refund: RefundMode, at: string): void {
  const own = [...world.payments.values()].filter((payment) => payment.sub === sub.id);
  // What earlier refunds could not give back is counted with the rest.
  if (refund !== 'none') for (const payment of own) releaseFailed(world, payment);
  const refundable = Object.fromEntries(own.map((payment) => [payment.id, world.refundable(payment)]));
  const { step } = world.limits;
  const pausedAt = sub.status === 'paused' ? sub.pausedAt : null;
  const ended = endMoney(sub.state, {
    at,
    pausedAt,
    refund,
    blocked: refund === 'none' ? [] : world.blocked,
    refundable,
    floor: (_, amount) => amount - (amount % step),
  });
  world.post(sub, 'subscription_ended', ended);
  world.addCredit(ended.customerCredit, 'returned');
  const expected = world.oracle.ends(sub.id, { at, pausedAt, refund });
  reserveRows(world, ended.refunds);
  const refunds = ended.refunds.map(({ payment_id, amount: back }) => ({ payment_id, amount: back }));
  if (JSON.stringify(expected) !== JSON.stringify(refunds)) {
    throw new Error(`gives back ${JSON.stringify(refunds)}, not ${JSON.stringify(expected)}`);
  }
  Object.assign(sub, { status: 'ended', open: null, waiting: null, next: null, cancel: null });
}
