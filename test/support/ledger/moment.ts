/** A moment of a life: in which situation a subscription is, and what an operation is. */
import type { Deed } from './deed';
import type { Payment, Sub, World } from './world';

export const situations = [
  'customer',
  'none',
  'trialing',
  'incomplete',
  'active',
  'charging',
  'past_due',
  'changing',
  'applying',
  'cancelling',
  'paused',
  'paused_unpaid',
  'written_off',
  'ended',
] as const;
export type Situation = (typeof situations)[number];

/** @param slot null: the customer */
export function situationOf(world: World, slot: string | null): Situation {
  if (slot === null) return 'customer';
  const sub = world.subOfSlot(slot);
  if (sub === null) return 'none';
  if (world.unapplied(sub.id).length > 0) return 'applying';
  const { status, waiting, cancel, open, pausedFrom, period } = sub;
  if (status === 'active') {
    if (waiting !== null) return 'changing';
    if (open !== null) return 'charging';
    return cancel === null ? 'active' : 'cancelling';
  }
  if (status !== 'paused') return status;
  if (pausedFrom === null) return 'written_off';
  return period?.paid === false ? 'paused_unpaid' : 'paused';
}

/** One moment of a life. */
export interface Moment {
  world: World;
  /** The subscription, whether it exists or not; null: something of the customer alone. */
  slot: string | null;
  /** Draws a number below `below`. */
  draw: (below: number) => number;
}

/** Something that can be done now; it is drawn how. @returns what it was, as seen from outside */
export type Act = () => Deed;

export interface Operation {
  name: string;
  /** Whether what was charged for the subscription is applied before. */
  appliesFirst?: boolean;
  /** Null: it cannot be now. */
  prepare: (moment: Moment) => Act | null;
}

export function pick<T>({ draw }: Moment, from: readonly T[]): T | null {
  return from.length === 0 ? null : (from[draw(from.length)] ?? null);
}

export function subOf({ world, slot }: Moment): Sub | null {
  return slot === null ? null : world.subOfSlot(slot);
}

export const newId = ({ world }: Moment): string => `p${world.payments.size + 1}`;

/** Payments of the subscription, or the customer's own. */
export function paymentsOf(moment: Moment): Payment[] {
  const { world, slot } = moment;
  const id = subOf(moment)?.id ?? null;
  if (id === null && slot !== null) return [];
  return [...world.payments.values()].filter(({ sub }) => sub === id);
}

/** What may happen to a subscription. */
export function ofSub(name: string, prepare: (sub: Sub, moment: Moment) => Act | null): Operation {
  return {
    name,
    prepare: (moment) => {
      const sub = subOf(moment);
      return sub === null ? null : prepare(sub, moment);
    },
  };
}

/** Decides about a subscription: what was charged for it is applied before. Others than these wait until it is. */
export function command(name: string, prepare: (sub: Sub, moment: Moment) => Act | null): Operation {
  return { ...ofSub(name, prepare), appliesFirst: true };
}
