/**
 * A posting in the making: the entries of one transaction, and the state that they lead to.
 *
 * Pure: it works on a copy of the state. Invariant: an entry and what it changes of the state are written by one call,
 * so that the state stays the sum of the entries.
 */
import type { Entry } from './accounts';
import {
  emptyFund,
  fundAmounts,
  fundOf,
  rankOf,
  type Fund,
  type FundAmount,
  type LedgerState,
} from './state';

/** The accounts that a state keeps, and the sign that an entry has when the amount grows (debit +, credit -). */
const kept: Readonly<Record<string, { amount: FundAmount; sign: 1 | -1 }>> = {
  unearned: { amount: 'unearned', sign: -1 },
  earned: { amount: 'used', sign: -1 },
  credit: { amount: 'credit', sign: -1 },
  credit_held: { amount: 'held', sign: -1 },
  receivable: { amount: 'receivable', sign: 1 },
  written_off: { amount: 'written_off', sign: 1 },
};

/** What a decision about money comes to: entries that sum to zero, and the state afterwards. */
export interface Posted {
  state: LedgerState;
  entries: Entry[];
}

export class Posting {
  private readonly entries: Entry[] = [];
  private readonly state: LedgerState;

  constructor(private readonly before: LedgerState) {
    this.state = { ...before, funds: before.funds.map((fund) => ({ ...fund })) };
  }

  /** The funds in the order of spending, for a loop that posts: those that it adds are not among them. */
  get funds(): readonly Readonly<Fund>[] {
    return [...this.state.funds];
  }

  get period(): LedgerState['period'] {
    return this.state.period;
  }

  get earnedUntil(): string | null {
    return this.state.earned_until;
  }

  /** How often the money of a period was reckoned. */
  get reckonings(): number {
    return this.state.reckonings ?? 0;
  }

  /** The payment of a change that credit is set aside for. */
  get heldFor(): string | null {
    return this.state.held_for;
  }

  fund(source: string): Readonly<Fund> {
    return fundOf(this.state, source);
  }

  /** Posts an entry to an account of the subscription. @param amount debit +, credit -; 0 posts nothing */
  post(account: string, source: string, amount: number): void {
    if (amount === 0) return;
    this.add({ account, source, amount });
    const keeps = kept[account];
    if (keeps !== undefined) this.mutable(source)[keeps.amount] += keeps.sign * amount;
  }

  /** Posts an entry that the state does not keep: a loss that no late money brings back. */
  postApart(account: string, source: string, amount: number): void {
    if (amount !== 0) this.add({ account, source, amount });
  }

  /** Posts an entry to an account of the customer. */
  postToCustomer(account: string, source: string, amount: number): void {
    if (amount !== 0) this.add({ account, source, amount, owner: 'customer' });
  }

  /**
   * Moves what was earned from one source to the one that pays for it.
   * Of an earlier period it is no part of what the present one has used.
   */
  moveEarned(from: string, to: string, amount: number): void {
    const ofPeriod = Math.min(amount, this.fund(from).used);
    this.post('earned', from, ofPeriod);
    this.post('earned', to, -ofPeriod);
    const earlier = amount - ofPeriod;
    if (earlier === 0) return;
    this.postApart('earned', from, earlier);
    this.postApart('earned', to, -earlier);
  }

  /** Begins a period: nothing of it is earned. */
  begin(period: LedgerState['period']): void {
    this.state.period = period;
    this.state.earned_until = period?.start ?? null;
    this.state.reckoned_at = period?.start ?? null;
    this.state.reckonings = this.reckonings + 1;
    for (const fund of this.state.funds) fund.used = 0;
  }

  earnedTo(instant: string): void {
    this.state.earned_until = instant;
  }

  /** The money of the period was reckoned again: what left it before has no place in it any more. */
  reckonedAt(instant: string): void {
    this.state.reckoned_at = instant;
    this.state.reckonings = this.reckonings + 1;
  }

  /** What a source has funded within the period without being earned: a full refund gives it back as well. */
  rememberUsed(source: string, amount: number): void {
    if (amount !== 0) this.mutable(source).used += amount;
  }

  /**
   * What has been given back of what a source has funded is no part of what it still funds.
   * @returns how much of it was used within the present period
   */
  forgetUsed(source: string, amount: number): number {
    const fund = this.mutable(source);
    const forgotten = Math.min(fund.used, amount);
    fund.used -= forgotten;
    return forgotten;
  }

  holdFor(paymentId: string | null): void {
    this.state.held_for = paymentId;
  }

  /**
   * @param countsAs whether reckonings that were made before are overtaken by it
   * @throws Error when the entries do not sum to zero, or an amount would be negative: a fault of the caller
   */
  done(countsAs: 'revision' | 'same_revision' = 'revision'): Posted {
    const entries = netted(this.entries);
    const sum = entries.reduce((total, { amount }) => total + amount, 0);
    if (sum !== 0) throw new Error(`the entries sum to ${sum}: ${JSON.stringify(entries)}`);
    const funds = this.state.funds.filter((fund) => fundAmounts.some((name) => fund[name] !== 0));
    const negative = funds.find((fund) => fundAmounts.some((name) => fund[name] < 0));
    if (negative !== undefined) throw new Error(`an amount is negative: ${JSON.stringify(negative)}`);
    const isChanged = countsAs === 'revision' && entries.length > 0;
    return {
      entries,
      state: { ...this.state, funds, revision: this.before.revision + (isChanged ? 1 : 0) },
    };
  }

  private add(entry: Entry): void {
    this.entries.push(entry);
  }

  private mutable(source: string): Fund {
    const { funds } = this.state;
    const known = funds.find((fund) => fund.source === source);
    if (known !== undefined) return known;
    const fund = emptyFund(source);
    const at = funds.findIndex((other) => rankOf(other.source) > rankOf(source));
    funds.splice(at === -1 ? funds.length : at, 0, fund);
    return fund;
  }
}

/** One entry for each account and source; what cancels out is left out. */
export function netted(entries: readonly Entry[]): Entry[] {
  const sums = new Map<string, Entry>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.owner ?? null, entry.account, entry.source]);
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { ...entry });
    else sum.amount += entry.amount;
  }
  return [...sums.values()].filter(({ amount }) => amount !== 0);
}
