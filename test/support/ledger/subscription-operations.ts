/** What a subscription goes through: its periods, charges, changes, pauses and end. */
import { reckonChange, waitsForBank } from '../../../domain/ledger/change';
import { change, takeBack, type How, type Wanted } from './changes';
import { applyCharged, charge, fail, succeed } from './charges';
import type { Deed } from './deed';
import { cancellations } from './ending-operations';
import { command, newId, ofSub, pick, subOf, type Moment, type Operation } from './moment';
import * as periods from './periods';
import type { Payment, Sub, World } from './world';

const prices = [1000, 999, 1005, 3000, 3333, 10_000, 12_000, 20, 120];

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
        const id = world.nextOf(slot);
        const payment = periods.create(world, id, { price, days, trialDays }, newId(moment));
        return { do: 'create', sub: id, price, days, trialDays, payment: idOf(payment) };
      };
    },
  };
}

const idOf = (payment: Payment | null): string | null => payment?.id ?? null;

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
    if (!isPaid || !isDue || isEnding(sub, world)) return null;
    return () => {
      const payment = periods.openNext(world, sub, newId(moment));
      return { do: 'renew', sub: sub.id, payment: idOf(payment) };
    };
  }),
];

const earning = ofSub('a period that is over is earned', (sub, { world }) => {
  const { period } = sub.state;
  const isOver = period !== null && Date.parse(world.now) >= Date.parse(period.end);
  if (!isOver || sub.status === 'ended') return null;
  return () => {
    periods.earnPeriod(world, sub);
    return { do: 'earn', sub: sub.id };
  };
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

function succeeds(world: World, payment: Payment): Deed {
  succeed(world, payment);
  return { do: 'charged and applied', payment: payment.id };
}

function fails(world: World, payment: Payment): Deed {
  fail(world, payment);
  return { do: 'declined', payment: payment.id };
}

const charges: readonly Operation[] = [
  ofSub('the charge succeeds', (sub, { world }) => {
    const payment = awaited(sub, world);
    return payment && (() => succeeds(world, payment));
  }),
  ofSub('the charge succeeds, not applied yet', (sub, { world }) => {
    const payment = awaited(sub, world);
    if (payment === null) return null;
    return () => {
      charge(world, payment);
      return { do: 'charged', payment: payment.id };
    };
  }),
  ofSub('what was charged is applied', (sub, { world }) => {
    const payments = world.unapplied(sub.id).map(({ id }) => id);
    if (payments.length === 0) return null;
    return () => {
      applyCharged(world, sub);
      return { do: 'apply', sub: sub.id, payments };
    };
  }),
  ofSub('the charge fails', (sub, { world }) => {
    const payment = awaited(sub, world);
    return payment?.status === 'open' ? () => fails(world, payment) : null;
  }),
  ofSub('a charge succeeds late', (sub, moment) => {
    const payment = overtaken(sub, moment);
    return payment && (() => succeeds(moment.world, payment));
  }),
  ofSub('an overtaken charge fails', (sub, moment) => {
    const payment = overtaken(sub, moment);
    return payment?.status === 'open' ? () => fails(moment.world, payment) : null;
  }),
  command('write off', (sub, { world }) => {
    if (!isUnpaid(sub, world)) return null;
    return () => {
      periods.writeOffPeriod(world, sub);
      return { do: 'write off', sub: sub.id };
    };
  }),
  command('expire', (sub, { world }) => {
    if (!isUnpaid(sub, world)) return null;
    return () => {
      periods.end(world, sub, 'none', world.now);
      return { do: 'expire', sub: sub.id };
    };
  }),
];

function changes(world: World, sub: Sub, wanted: Wanted, paymentId: string): Deed {
  const payment = change(world, sub, wanted, paymentId);
  return { do: 'change', sub: sub.id, ...wanted, payment: idOf(payment) };
}

/** Whether nobody can say what a change would cost: the bank decides about money of the period. */
export function isUndecided({ state, status }: Sub, { now, undecided }: World): boolean {
  return status !== 'trialing' && waitsForBank(state, now, undecided);
}

/** Whether a change is refused: it has no price, or nothing would charge what waits for the next renewal. */
function isRefused(
  world: World,
  sub: Sub,
  how: How,
  { direction, price }: { direction: Direction; price: number },
) {
  if (sub.status === 'trialing' || how === 'none' || how === 'period_end') return false;
  if (isUndecided(sub, world)) return true;
  if (how !== 'next_renewal' || sub.cancel === null) return false;
  return direction === 'up' || owesByRenewal(sub, world, price);
}

/** Whether a change to a price leaves something for the next renewal to charge. */
export function owesByRenewal({ state }: Sub, { now: at, blocked }: World, price: number): boolean {
  return reckonChange(state, { at, price, newPeriod: null, blocked }).due > 0;
}

type Direction = 'up' | 'down' | 'sideways' | 'free' | 'interval';

function changeOf(how: How, direction: Direction): Operation {
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
    if (isRefused(world, sub, how, { direction, price })) return null;
    const other = [30, 7, 365].filter((length) => length !== days);
    const length = direction === 'interval' ? (other[draw(2)] ?? 30) : days;
    return () => changes(world, sub, { price, days: length, how, races: false }, newId(moment));
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
  if (!can || price === null || isUndecided(sub, world)) return null;
  const wanted = { price, days: sub.days, how: 'charge_now', races: true } as const;
  return () => changes(world, sub, wanted, newId(moment));
});

/**
 * A change that waits for its charge is taken back.
 * @param replaces whether it had replaced one that waits for the period's end, which holds again
 */
function takingBack(name: string, replaces: boolean): Operation {
  return command(name, (sub, { world }) => {
    const { id, waiting, next, version } = sub;
    if (waiting === null || (next !== null) !== replaces || world.unapplied(id).length > 0) return null;
    // While another one is asked for at the same time nobody knows yet that it waits.
    const isRaced = [...world.payments.values()].some(
      (other) => other.sub === id && other.asked?.version === version && other.id !== waiting,
    );
    if (isRaced) return null;
    return () => {
      takeBack(world, sub, world.payment(waiting));
      return { do: 'take back', sub: id };
    };
  });
}

const changing: readonly Operation[] = [
  racing,
  takingBack('take the change back', false),
  takingBack('take the change back to the one before', true),
  changeOf('charge_now', 'up'),
  changeOf('charge_now', 'down'),
  changeOf('charge_now', 'sideways'),
  changeOf('charge_now', 'free'),
  changeOf('charge_now', 'interval'),
  changeOf('next_renewal', 'up'),
  changeOf('next_renewal', 'down'),
  changeOf('none', 'up'),
  changeOf('none', 'down'),
  changeOf('period_end', 'up'),
  changeOf('period_end', 'down'),
  changeOf('period_end', 'interval'),
];

const pauses: readonly Operation[] = [
  command('pause', (sub, { world }) => {
    const can = sub.waiting === null && (sub.status === 'active' || sub.status === 'past_due');
    if (!can) return null;
    return () => {
      periods.pause(world, sub);
      return { do: 'pause', sub: sub.id };
    };
  }),
  command('resume', (sub, moment) => {
    const { world } = moment;
    // With an end that is scheduled no new period is opened.
    const lasts = sub.cancel === null || (sub.pausedFrom !== null && !isEnding(sub, world));
    if (sub.status !== 'paused' || !lasts) return null;
    return () => {
      const payment = periods.resume(world, sub, newId(moment));
      return { do: 'resume', sub: sub.id, payment: idOf(payment) };
    };
  }),
];

export const subscriptionOperations = [
  ...beginnings,
  earning,
  ...charges,
  ...changing,
  ...pauses,
  ...cancellations,
];
