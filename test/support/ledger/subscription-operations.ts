/** What a subscription goes through: its periods, charges, changes, pauses and end. */
import type { RefundMode } from '../../../domain/subscription/commands';
import { change, type How } from './changes';
import { applyCharged, charge, fail, succeed } from './charges';
import { newId, pick, subOf, type Act, type Moment, type Operation } from './moment';
import * as periods from './periods';
import type { Payment, Sub, World } from './world';

const prices = [1000, 999, 1005, 3000, 3333, 10_000, 12_000, 20, 120];

function ofSub(name: string, prepare: (sub: Sub, moment: Moment) => Act | null): Operation {
  return {
    name,
    prepare: (moment) => {
      const sub = subOf(moment);
      return sub === null ? null : prepare(sub, moment);
    },
  };
}

/** Decides about a subscription: what was charged for it is applied before. Others than these wait until it is. */
function command(name: string, prepare: (sub: Sub, moment: Moment) => Act | null): Operation {
  return { ...ofSub(name, prepare), appliesFirst: true };
}

function creating(name: string, trial: boolean): Operation {
  return {
    name,
    prepare: (moment) => {
      const { world, slot, draw } = moment;
      const sub = subOf(moment);
      const isFree = sub === null || (sub.status === 'ended' && world.unapplied(sub.id).length === 0);
      if (slot === null || !isFree) return null;
      return () => {
        const price = draw(12) === 0 ? 0 : (pick(moment, prices) ?? 0);
        const days = [30, 30, 30, 7, 365][draw(5)] ?? 30;
        const trialDays = trial ? 1 + draw(14) : 0;
        periods.create(world, world.nextOf(slot), { price, days, trialDays }, newId(moment));
      };
    },
  };
}

/** A scheduled end that has come goes before anything else that is due. */
function isEnding({ cancel }: Sub, world: World): boolean {
  return cancel !== null && Date.parse(cancel.at) <= Date.parse(world.now);
}

const beginnings: readonly Operation[] = [
  creating('create', false),
  creating('create with a trial', true),
  command('renew', (sub, moment) => {
    const { world } = moment;
    const { status, period } = sub;
    const isDue = period !== null && Date.parse(world.now) >= Date.parse(period.end);
    const isPaid = status === 'trialing' || (status === 'active' && period?.paid === true);
    return isPaid && isDue && !isEnding(sub, world)
      ? () => periods.openNext(world, sub, newId(moment))
      : null;
  }),
];

const earning = ofSub('a period that is over is earned', (sub, { world }) => {
  const { period } = sub.state;
  const isOver = period !== null && Date.parse(world.now) >= Date.parse(period.end);
  return isOver && sub.status !== 'ended' ? () => periods.earnPeriod(world, sub) : null;
});

/** The payment that a subscription waits for. */
function awaited({ open, waiting, status, id }: Sub, world: World): Payment | null {
  const first = [...world.payments.values()].find(({ sub, purpose }) => sub === id && purpose === 'first');
  const paymentId = waiting ?? open ?? (status === 'incomplete' ? first?.id : null);
  const payment = paymentId === null || paymentId === undefined ? null : world.payment(paymentId);
  const isAwaited = payment?.status !== 'paid' && world.unapplied(id).length === 0;
  return isAwaited ? payment : null;
}

/** A payment of the subscription that nothing waits for and that was not charged. */
function overtaken(sub: Sub, moment: Moment): Payment | null {
  const { world } = moment;
  const expected = awaited(sub, world);
  return pick(
    moment,
    [...world.payments.values()].filter(
      (payment) => payment.sub === sub.id && payment.status !== 'paid' && payment !== expected,
    ),
  );
}

/** Money that has come meanwhile makes the end of dunning void. */
function isUnpaid({ status, id }: Sub, world: World): boolean {
  return status === 'past_due' && world.unapplied(id).length === 0;
}

const charges: readonly Operation[] = [
  ofSub('the charge succeeds', (sub, { world }) => {
    const payment = awaited(sub, world);
    return payment && (() => succeed(world, payment));
  }),
  ofSub('the charge succeeds, not applied yet', (sub, { world }) => {
    const payment = awaited(sub, world);
    return payment && (() => charge(world, payment));
  }),
  ofSub('what was charged is applied', (sub, { world }) =>
    world.unapplied(sub.id).length > 0 ? () => applyCharged(world, sub) : null,
  ),
  ofSub('the charge fails', (sub, { world }) => {
    const payment = awaited(sub, world);
    return payment?.status === 'open' ? () => fail(world, payment) : null;
  }),
  ofSub('a charge succeeds late', (sub, moment) => {
    const payment = overtaken(sub, moment);
    return payment && (() => succeed(moment.world, payment));
  }),
  ofSub('an overtaken charge fails', (sub, moment) => {
    const payment = overtaken(sub, moment);
    return payment?.status === 'open' ? () => fail(moment.world, payment) : null;
  }),
  command('write off', (sub, { world }) =>
    isUnpaid(sub, world) ? () => periods.writeOffPeriod(world, sub) : null,
  ),
  command('expire', (sub, { world }) =>
    isUnpaid(sub, world) ? () => periods.end(world, sub, 'none', world.now) : null,
  ),
];

type Direction = 'up' | 'down' | 'sideways' | 'free' | 'interval';

function changing(how: How, direction: Direction): Operation {
  return command(`change ${direction}, ${how}`, (sub, moment) => {
    const { world, draw } = moment;
    const { status, period, waiting, price: now, days } = sub;
    const isPaid = period?.paid === true && waiting === null;
    // Of what has begun, another interval is charged at once.
    const canWait = direction !== 'interval' || how === 'charge_now';
    const can = isPaid && canWait && (status === 'active' || (status === 'paused' && how !== 'charge_now'));
    const wanted = {
      up: prices.filter((price) => price > now),
      down: prices.filter((price) => price < now),
      sideways: [now],
      free: now === 0 ? [] : [0],
      interval: [...prices, 0],
    }[direction];
    const price = pick(moment, wanted);
    const isApplied = world.unapplied(sub.id).length === 0;
    if (price === null || !isApplied || (!can && status !== 'trialing')) return null;
    const other = [30, 7, 365].filter((length) => length !== days);
    const length = direction === 'interval' ? (other[draw(2)] ?? 30) : days;
    return () => change(world, sub, { price, days: length, how }, newId(moment));
  });
}

/** Two requests at one time: each is charged, the first that is paid applies. */
const racing = command('another change at the same time', (sub, moment) => {
  const { world } = moment;
  const price = pick(
    moment,
    prices.filter((each) => each > sub.price),
  );
  const can = sub.status === 'active' && sub.waiting !== null && world.unapplied(sub.id).length === 0;
  if (!can || price === null) return null;
  return () => change(world, sub, { price, days: sub.days, how: 'charge_now', races: true }, newId(moment));
});

const changes: readonly Operation[] = [
  racing,
  changing('charge_now', 'up'),
  changing('charge_now', 'down'),
  changing('charge_now', 'sideways'),
  changing('charge_now', 'free'),
  changing('charge_now', 'interval'),
  changing('next_renewal', 'up'),
  changing('next_renewal', 'down'),
  changing('none', 'up'),
  changing('none', 'down'),
  changing('period_end', 'up'),
  changing('period_end', 'down'),
  changing('period_end', 'interval'),
];

const pauses: readonly Operation[] = [
  command('pause', (sub, { world }) => {
    const can = sub.waiting === null && (sub.status === 'active' || sub.status === 'past_due');
    return can ? () => periods.pause(world, sub) : null;
  }),
  command('resume', (sub, moment) => {
    const { world } = moment;
    // With an end that is scheduled no new period is opened.
    const lasts = sub.cancel === null || (sub.pausedFrom !== null && !isEnding(sub, world));
    return sub.status === 'paused' && lasts ? () => periods.resume(world, sub, newId(moment)) : null;
  }),
];

const modes: readonly RefundMode[] = ['none', 'prorated', 'full'];

const cancellations: readonly Operation[] = [
  ...modes.flatMap((refund) => [
    command(`cancel, refund ${refund}`, (sub, { world }) =>
      sub.status === 'ended' ? null : () => periods.end(world, sub, refund, world.now),
    ),
    command(`schedule the end, refund ${refund}`, (sub, { world }) => {
      const { id, status, period, waiting, open, cancel } = sub;
      const lasts = period !== null && Date.parse(period.end) > Date.parse(world.now);
      const can = cancel === null && (status === 'active' || status === 'paused') && open === null;
      const isSettled = waiting === null && world.unapplied(id).length === 0;
      return lasts && can && isSettled ? () => periods.scheduleEnd(sub, refund, period.end) : null;
    }),
  ]),
  command('keep it after all', (sub) =>
    sub.cancel === null || sub.status === 'ended' ? null : () => periods.revokeEnd(sub),
  ),
  command('the scheduled end comes', (sub, { world }) => {
    const { cancel, status } = sub;
    if (cancel === null || status === 'ended' || Date.parse(cancel.at) > Date.parse(world.now)) return null;
    return () => periods.end(world, sub, cancel.refund, cancel.at);
  }),
];

export const subscriptionOperations = [
  ...beginnings,
  earning,
  ...charges,
  ...changes,
  ...pauses,
  ...cancellations,
];
