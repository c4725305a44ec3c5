/**
 * What a subscription's money stands at, by its sources: the projection of its ledger entries.
 *
 * Pure; safe for workflows. Amounts are minor units of the subscription's currency, instants RFC 3339 UTC text.
 * Invariants: no amount is negative; `funds` are ordered as they are spent and earned: grants first, then payments,
 * oldest first, then what is owed.
 */

/** The source of service for which no payment exists yet: the next charge pays it. */
export const owed = 'owed';

const grantPrefix = 'grant/';

/** The source of a credit that was granted. @param transactionId of the ledger */
export function grantSource(transactionId: string): string {
  return `${grantPrefix}${transactionId}`;
}

export function isGrant(source: string): boolean {
  return source.startsWith(grantPrefix);
}

/** Whether a source is a payment, whose money a provider holds or held. */
export function isPaymentSource(source: string): boolean {
  return source !== owed && !isGrant(source);
}

/** What one source stands at. */
export interface Fund {
  source: string;
  /** Service still to come, for [`earned_until`, the end of the period). */
  unearned: number;
  /** Earned within the present period, or forfeited. */
  used: number;
  /** Kept for later charges. */
  credit: number;
  /** Set aside for the charge `held_for`. */
  held: number;
  /** Owed by the customer. */
  receivable: number;
  /** Written off: what late money of this payment brings back first. */
  written_off: number;
}

export const fundAmounts = ['unearned', 'used', 'credit', 'held', 'receivable', 'written_off'] as const;
export type FundAmount = (typeof fundAmounts)[number];

export interface LedgerState {
  /** The period that `unearned` and `used` are of; null: none was opened, or the subscription has ended. */
  period: { start: string; end: string } | null;
  /** Until when the period is earned. */
  earned_until: string | null;
  /** Since when the money of the period stands as it is reckoned: its start, or the last change or write-off in it. */
  reckoned_at: string | null;
  /** Counts the reckonings, so that those of one instant are told apart. Left out: none since they are counted. */
  reckonings?: number;
  /** Counts the transactions that changed a fund, save for credit that is held or released. */
  revision: number;
  /** The payment of a change that `held` is set aside for. */
  held_for: string | null;
  funds: Fund[];
}

/** A subscription whose money has not moved yet. */
export const emptyState: LedgerState = {
  period: null,
  earned_until: null,
  reckoned_at: null,
  revision: 0,
  held_for: null,
  funds: [],
};

/** Credit of a customer by its sources, in the order in which it is used. */
export interface CreditPart {
  source: string;
  /** Above 0. */
  amount: number;
}

/** Whatever has funds: a state, or a posting in the making. */
export interface Funded {
  readonly funds: readonly Readonly<Fund>[];
}

/** Adds one amount up over all sources. */
export function totalOf(state: Funded, amount: FundAmount): number {
  return state.funds.reduce((sum, fund) => sum + fund[amount], 0);
}

/** What one source stands at. */
export function fundOf({ funds }: Funded, source: string): Readonly<Fund> {
  return funds.find((fund) => fund.source === source) ?? emptyFund(source);
}

export function emptyFund(source: string): Fund {
  return { source, unearned: 0, used: 0, credit: 0, held: 0, receivable: 0, written_off: 0 };
}

/** Whether a payment is owed: beyond what waits for the next charge. */
export function isPeriodUnpaid(state: Funded): boolean {
  return totalOf(state, 'receivable') > fundOf(state, owed).receivable;
}

/** What waits for the next charge: owed by the customer (positive), or credit (negative). */
export function balanceOf(state: Funded): number {
  return fundOf(state, owed).receivable - totalOf(state, 'credit');
}

/** Where a source stands in the order of spending; equal ranks keep the order in which they came. */
export function rankOf(source: string): number {
  if (source === owed) return 2;
  return isGrant(source) ? 0 : 1;
}
