/**
 * What has to be refused as a life stands: more than there is, what a bank decides about, what the state of a
 * subscription forbids. Pure: drawn from the life, as its steps are.
 */
import type { ProblemCode } from '../../../contracts/problems';
import type { RefundRefusal } from '../../../domain/payment/refund';
import type { Proration } from '../../../domain/subscription/change';
import type { CancelMode, RefundMode } from '../../../domain/subscription/commands';
import { creditOf } from '../../../domain/ledger/credit';
import { left } from '../ledger/money-operations';
import { pick, type Moment } from '../ledger/moment';
import { isUndecided, owesByRenewal } from '../ledger/subscription-operations';
import type { Payment, Sub, World } from '../ledger/world';

/** A request that is refused. Amounts in minor units. */
export type Refusable =
  | { ask: 'credit' | 'pay out'; amount: number | null; abroad?: boolean }
  | { ask: 'refund'; payment: string; amount: number | null }
  | { ask: 'charge abroad' | 'pause' | 'resume'; sub: string }
  | { ask: 'cancel'; sub: string; mode: CancelMode; refund: RefundMode }
  | { ask: 'change'; sub: string; days: number; proration: Proration; abroad?: boolean; version?: number };

export interface Refused {
  name: string;
  request: Refusable;
  /** The code or the reason of the refusal. */
  because: ProblemCode | RefundRefusal;
  /** The payment that its subscription's change waits for: only a caller who was answered has it wait. */
  waiting: string | null;
}

/** What every change asks for that is refused: another price, or another plan. */
export const dearest = 12_000;

type Found = Pick<Refused, 'request' | 'because'> | null;

interface Kind {
  name: string;
  /** What can seldom be asked for is drawn before what nearly always can. */
  weight: number;
  find: (moment: Moment) => Found;
}

const refused = (because: Refused['because'], request: Refusable): Found => ({ request, because });

function ofCredit(name: string, find: (credit: number, world: World) => Refusable): Kind {
  return {
    name,
    weight: 1,
    find: ({ world }) => refused('credit_not_enough', find(creditOf(world.credit), world)),
  };
}

/** More than all of it, in whole steps. */
const beyond = (credit: number, { limits: { step } }: World): number => credit - (credit % step) + step;

const credits: readonly Kind[] = [
  ofCredit('take back more credit than there is', (credit) => ({ ask: 'credit', amount: -credit - 1 })),
  ofCredit('take back credit of another currency', () => ({ ask: 'credit', amount: -1, abroad: true })),
  ofCredit('pay out more credit than there is', (credit, world) => {
    return { ask: 'pay out', amount: beyond(credit, world) };
  }),
  ofCredit('pay out credit of another currency', () => ({ ask: 'pay out', amount: null, abroad: true })),
  {
    name: 'pay out credit that cannot be',
    weight: 5,
    find: ({ world }) => {
      const isPayable = world.credit.some(({ source, amount }) => {
        const payment = world.payments.get(source);
        return payment !== undefined && Math.min(amount, world.refundable(payment)) > 0;
      });
      const can = creditOf(world.credit) > 0 && !isPayable;
      return can ? refused('credit_not_enough', { ask: 'pay out', amount: null }) : null;
    },
  },
];

function ofPayment(name: string, find: (payment: Payment, world: World) => Found): Kind {
  return {
    name,
    weight: 5,
    find: (moment) => {
      const found = [...moment.world.payments.values()].map((payment) => find(payment, moment.world));
      return pick(
        moment,
        found.filter((each) => each !== null),
      );
    },
  };
}

/** While a bank decides, and once it has taken what was left. */
function isBanks(world: World, payment: Payment): boolean {
  return world.undecided.includes(payment.id) || (payment.lost > 0 && world.blocked.includes(payment.id));
}

function refundOf(payment: Payment, amount: number | null): Refusable {
  return { ask: 'refund', payment: payment.id, amount };
}

const refunds: readonly Kind[] = [
  ofPayment('refund what was not charged', (payment) => {
    return payment.status === 'paid' ? null : refused('not_paid', refundOf(payment, null));
  }),
  ofPayment('refund what a bank decides about', (payment, world) => {
    return isBanks(world, payment) ? refused('disputed', refundOf(payment, 1)) : null;
  }),
  ofPayment('refund what has gone, or is about to', (payment, world) => {
    const isGone = payment.status === 'paid' && left(world, payment) === 0 && !isBanks(world, payment);
    return isGone ? refused('nothing_left', refundOf(payment, null)) : null;
  }),
  ofPayment('refund more than is left', (payment, world) => {
    const most = left(world, payment);
    return most > 0 ? refused('more_than_left', refundOf(payment, most + 1)) : null;
  }),
];

function ofSub(
  name: string,
  because: ProblemCode,
  isMeant: (sub: Sub, world: World) => boolean,
  requestOf: (sub: Sub) => Refusable,
): Kind {
  return {
    name,
    weight: 5,
    find: (moment) => {
      const { world } = moment;
      // What was charged would be applied before.
      const settled = [...world.subs.values()].filter(({ id }) => world.unapplied(id).length === 0);
      const sub = pick(
        moment,
        settled.filter((each) => isMeant(each, world)),
      );
      return sub && refused(because, requestOf(sub));
    },
  };
}

const rarely = (kind: Kind): Kind => ({ ...kind, weight: 40 });

const changeBy = (proration: Proration, more: { abroad?: boolean; version?: number } = {}) => {
  return ({ id, days }: Sub): Refusable => ({ ask: 'change', sub: id, days, proration, ...more });
};
const other = (refund: RefundMode | null | undefined): RefundMode => (refund === 'full' ? 'none' : 'full');
const pause = ({ id }: Sub): Refusable => ({ ask: 'pause', sub: id });
const resume = ({ id }: Sub): Refusable => ({ ask: 'resume', sub: id });

const lives = ({ status }: Pick<Sub, 'status'>): boolean => status !== 'ended';
const isNotPaused = ({ status }: Sub): boolean => lives({ status }) && status !== 'paused';
/** Whether a change can be priced, save for what the bank and the end have to say. */
const isPriced = ({ status, period, waiting }: Sub): boolean =>
  (status === 'active' || status === 'paused') && period?.paid === true && waiting === null;
const isUnpaid = ({ status, period }: Sub): boolean => lives({ status }) && period?.paid === false;

const changes: readonly Kind[] = [
  rarely(
    ofSub(
      'change what a bank decides about',
      'subscription_state',
      (sub, world) => isPriced(sub) && isUndecided(sub, world),
      changeBy('next_renewal'),
    ),
  ),
  ofSub('change what is not paid', 'subscription_state', isUnpaid, changeBy('charge_now')),
  ofSub('change what changes', 'subscription_state', ({ waiting }) => waiting !== null, changeBy('none')),
  ofSub(
    'charge a change in a pause',
    'subscription_state',
    (sub) => isPriced(sub) && sub.status === 'paused',
    changeBy('charge_now'),
  ),
  rarely(
    ofSub(
      'owe for a renewal that does not come',
      'subscription_state',
      (sub, world) => isPriced(sub) && sub.cancel !== null && owesByRenewal(sub, world, dearest),
      changeBy('next_renewal'),
    ),
  ),
  ofSub(
    'another interval, not charged',
    'validation_failed',
    (sub) => isPriced(sub),
    (sub) => ({ ask: 'change', sub: sub.id, days: sub.days === 30 ? 7 : 30, proration: 'next_renewal' }),
  ),
  ofSub('change to another currency', 'validation_failed', isPriced, changeBy('none', { abroad: true })),
  ofSub('change what has ended', 'subscription_final', (sub) => !lives(sub), changeBy('none')),
  {
    ...ofSub('change another version', 'version_mismatch', lives, changeBy('none', { version: -1 })),
    weight: 1,
  },
];

const commands: readonly Kind[] = [
  {
    ...ofSub('charge in another currency', 'validation_failed', lives, ({ id }) => ({
      ask: 'charge abroad',
      sub: id,
    })),
    weight: 1,
  },
  ofSub('pause twice', 'subscription_state', ({ status }) => status === 'paused', pause),
  ofSub('pause what changes', 'subscription_state', ({ waiting }) => waiting !== null, pause),
  ofSub(
    'pause what has not begun',
    'subscription_state',
    ({ status }) => status === 'trialing' || status === 'incomplete',
    pause,
  ),
  ofSub('pause what has ended', 'subscription_final', (sub) => !lives(sub), pause),
  {
    ...ofSub('resume what is not paused', 'subscription_state', isNotPaused, resume),
    weight: 1,
  },
  ofSub('resume what has ended', 'subscription_final', (sub) => !lives(sub), resume),
  rarely(
    ofSub(
      'schedule the end twice, with another refund',
      'subscription_state',
      ({ status, cancel, period }, { now }) =>
        (status === 'active' || status === 'paused') &&
        cancel?.at === period?.end &&
        cancel !== null &&
        Date.parse(cancel.at) > Date.parse(now),
      ({ id, cancel }) => ({ ask: 'cancel', sub: id, mode: 'period_end', refund: other(cancel?.refund) }),
    ),
  ),
  ofSub(
    'cancel twice, with another refund',
    'subscription_state',
    ({ agreed }) => agreed !== null,
    ({ id, agreed }) => ({ ask: 'cancel', sub: id, mode: 'now', refund: other(agreed) }),
  ),
];

const kinds: readonly Kind[] = [...credits, ...refunds, ...changes, ...commands];

export const refusals: readonly string[] = kinds.map(({ name }) => name);

/** Draws one of what has to be refused now. @param random a number from 0 (included) to 1 for each call */
export function drawRefused(world: World, random: () => number): Refused | null {
  const moment: Moment = { world, slot: null, draw: (below) => Math.floor(random() * below) };
  const found = kinds.flatMap(({ name, weight, find }) => {
    const one = find(moment);
    if (one === null) return [];
    const { request } = one;
    const waiting = 'sub' in request ? world.sub(request.sub).waiting : null;
    return [{ weight, refused: { name, ...one, waiting } }];
  });
  let left = random() * found.reduce((sum, { weight }) => sum + weight, 0);
  const drawn = found.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  return drawn?.refused ?? null;
}
