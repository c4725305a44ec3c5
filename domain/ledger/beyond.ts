/**
 * What has gone of a payment beyond its charge, and who bears it.
 *
 * Two that take of one payment may take more than its charge: a refund that is set aside, and a dispute of the whole
 * charge. The later one finds less and bears the excess as an allowance, or as a loss. When the earlier one comes back,
 * its money stands for what the later one has taken. Pure. Invariant: no payment comes back with more than is left of
 * its charge.
 */
import { partsOf, sumOfParts, type AccountParts, type GoneElsewhere, type Taken } from './refund';

/** A refund or a lost dispute that has taken of the payment. */
export interface Bearer {
  taken: Taken;
  /** What bears that which the payment did not stand at. */
  account: GoneElsewhere['account'];
}

export interface SharedReturn<B extends Bearer> {
  /** What comes back. */
  taken: Taken;
  gone: GoneElsewhere[];
  /** Those that now have taken what does not come back, as they stand then. */
  bearers: B[];
}

/** How much of an amount is beyond what is left of the charge. */
export function beyondCharge(amount: number, left: number): number {
  return Math.max(0, amount - Math.max(0, left));
}

/**
 * Decides what of a taking comes back, and who has taken the rest of it instead.
 * @param beyond what has gone of the payment beyond its charge, less what this taking went beyond it with
 * @param bearers in the order in which they are asked
 * @param otherwise what bears that which none of them does
 */
export function returnShared<B extends Bearer>(
  taken: Taken,
  beyond: number,
  bearers: readonly B[],
  otherwise: GoneElsewhere['account'],
): SharedReturn<B> {
  const { rest: over, ...kept } = partsOf(beyond, taken);
  let left: AccountParts = kept;
  // Used time comes back on the books of what gave it; who has taken it, is another by then.
  const usedByOthers = Math.min(over, usedWithin(taken));
  let usedLeft = usedByOthers;
  const changed: B[] = [];
  const gone: GoneElsewhere[] = [];
  for (const bearer of bearers) {
    const most = borneBy(bearer.taken);
    const { rest: _over, ...moved } = partsOf(most, left);
    const amount = sumOfParts(moved);
    const used = Math.min(most - amount, usedLeft);
    if (amount + used === 0) continue;
    left = less(left, moved);
    usedLeft -= used;
    if (amount > 0) gone.push({ amount, account: bearer.account });
    changed.push({ ...bearer, taken: borneWith(bearer.taken, moved, { used, of: taken }) });
  }
  if (sumOfParts(left) > 0) gone.push({ amount: sumOfParts(left), account: otherwise });
  const { used = 0 } = taken;
  return {
    taken: { ...taken, ...less(taken, kept), ...(used > 0 && { used: used - usedByOthers }) },
    gone,
    bearers: changed,
  };
}

/** What of it is beyond the charge, as far as that is known. */
function borneBy({ rest, beyond = rest }: Taken): number {
  return Math.min(rest, beyond);
}

/**
 * What of used time was taken within the charge. Time that was used before its charge was applied is not paid by it: a
 * taking that found it had gone beyond the charge already, and no other one takes it instead.
 */
function usedWithin({ used = 0, rest, beyond = 0 }: Taken): number {
  return Math.max(0, Math.min(used, rest - beyond));
}

/** Service that was taken under another reckoning is over, or was charged again: for the bearer it is credit. */
function borneWith(
  taken: Taken,
  moved: AccountParts,
  { used: more, of }: { used: number; of: Taken },
): Taken {
  const amount = sumOfParts(moved);
  const rest = taken.rest - amount;
  const isSameTime = taken.reckoning === of.reckoning;
  const ofPeriod = taken.period_start ?? of.period_start;
  const used = Math.min((taken.used ?? 0) + (ofPeriod === of.period_start ? more : 0), rest);
  return {
    ...taken,
    unapplied: taken.unapplied + moved.unapplied,
    credit: taken.credit + moved.credit + (isSameTime ? 0 : moved.unearned),
    customer_credit: taken.customer_credit + moved.customer_credit,
    unearned: taken.unearned + (isSameTime ? moved.unearned : 0),
    rest,
    ...(ofPeriod !== undefined && { used, period_start: ofPeriod }),
    ...(taken.beyond !== undefined && { beyond: Math.max(0, taken.beyond - amount - more) }),
  };
}

function less(parts: AccountParts, taken: AccountParts): AccountParts {
  return {
    unapplied: parts.unapplied - taken.unapplied,
    credit: parts.credit - taken.credit,
    customer_credit: parts.customer_credit - taken.customer_credit,
    unearned: parts.unearned - taken.unearned,
  };
}
