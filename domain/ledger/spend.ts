/** Spending credit: which money pays what is due. Pure. */
import { isFree } from './earn';
import type { Posting } from './posting';
import { owed, type CreditPart } from './state';

/** Credit that may be used for a charge: the subscription's own, then the customer's. */
export interface UsableCredit {
  /** Credit of the customer, in the order in which it is used. */
  customer: readonly CreditPart[];
  /** Payments under dispute, and those of which all has gone: their money is not used. */
  blocked: readonly string[];
  /** Those of them that a bank still decides about. Left out: none. */
  undecided?: readonly string[];
}

/** A part of a credit that was taken, and whose it was. */
export interface TakenCredit extends CreditPart {
  owner: 'subscription' | 'customer';
}

/** Chooses credit up to an amount, without posting anything. */
export function chooseCredit(
  posting: Posting,
  { customer, blocked }: UsableCredit,
  amount: number,
): TakenCredit[] {
  const free = isFree(blocked);
  const own = posting.funds.map(({ source, credit }) => ({
    source,
    amount: credit,
    owner: 'subscription' as const,
  }));
  const theirs = customer.map((part) => ({ ...part, owner: 'customer' as const }));
  let left = amount;
  const taken: TakenCredit[] = [];
  for (const part of [...own, ...theirs]) {
    const use = free(part.source) ? Math.min(part.amount, left) : 0;
    if (use > 0) taken.push({ ...part, amount: use });
    left -= use;
  }
  return taken;
}

/** Takes a chosen credit out of the account that it is in. */
export function takeCredit(posting: Posting, { source, amount, owner }: TakenCredit): void {
  if (owner === 'customer') posting.postToCustomer('credit', source, amount);
  else posting.post('credit', source, amount);
}

/** What the customer's credit loses, by source. */
export function ofCustomer(taken: readonly TakenCredit[]): CreditPart[] {
  return taken.filter(({ owner }) => owner === 'customer').map(({ source, amount }) => ({ source, amount }));
}

/**
 * Lets money of a source, taken out of its account before, pay what is owed: for service that was delivered first, then
 * for service still to come.
 */
export function payOwed(posting: Posting, source: string, amount: number): void {
  const { receivable, unearned } = posting.fund(owed);
  const toCome = Math.max(0, amount - (receivable - unearned));
  posting.post('receivable', owed, -amount);
  posting.moveEarned(owed, source, amount - toCome);
  posting.post('unearned', owed, toCome);
  posting.post('unearned', source, -toCome);
}
