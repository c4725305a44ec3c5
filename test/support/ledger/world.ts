/**
 * One customer's money in memory: the thin part of billing around the pure functions of `domain/ledger`.
 *
 * Keeps what billing keeps in rows (what a provider has charged, what waits, what was given back, the customer's
 * credit) and every entry. Owns no rule about amounts: those are the product's, and the oracle's.
 */
import type { ChargeLimits } from '../../../domain/money';
import { cashAccount, isAccountOf, type Entry, type LedgerKind } from '../../../domain/ledger/accounts';
import type { ChangeOfMoney } from '../../../domain/ledger/change';
import type { Posted } from '../../../domain/ledger/posting';
import type { TakenParts } from '../../../domain/ledger/refund';
import { emptyState, rankOf, type CreditPart, type LedgerState } from '../../../domain/ledger/state';
import type { RefundMode } from '../../../domain/subscription/commands';
import { Oracle } from './oracle';

export type Status = 'trialing' | 'incomplete' | 'active' | 'past_due' | 'paused' | 'ended';

/** The columns of a subscription that its money depends on. */
export interface Sub {
  id: string;
  status: Status;
  state: LedgerState;
  version: number;
  price: number;
  days: number;
  period: { index: number; start: string; end: string; paid: boolean } | null;
  /** The payment that the period waits for. */
  open: string | null;
  /** Null and paused: the period was written off. */
  pausedFrom: 'active' | 'past_due' | null;
  pausedAt: string | null;
  /** The payment that a change waits for. */
  waiting: string | null;
  /** Terms that wait for the period's end. */
  next: { price: number; days: number } | null;
  cancel: { at: string; refund: RefundMode } | null;
}

export interface Payment {
  id: string;
  /** Null: a payment of its own. */
  sub: string | null;
  purpose: 'first' | 'period' | 'change' | 'own';
  amount: number;
  status: 'open' | 'failed' | 'paid';
  periodIndex: number;
  unapplied: number;
  /** Refunds that are pending, or were paid. */
  back: number;
  /** Of lost disputes. */
  lost: number;
  /** Of the open dispute. */
  disputed: number;
  /** Of a change, as it was asked for. */
  asked: { change: ChangeOfMoney; days: number; version: number; revision: number } | null;
}

export interface Refund {
  id: string;
  payment: string;
  amount: number;
  /** `failed`: its amount still waits in `refunding`. */
  status: 'pending' | 'paid' | 'failed' | 'released';
  parts: TakenParts;
  at: string;
}

export interface Dispute {
  payment: string;
  amount: number;
  status: 'open' | 'won' | 'lost';
}

const epochMs = Date.parse('2027-01-01T00:00:00.000Z');
const dayMs = 86_400_000;

/** The instant that lies so many days after the life began. */
export function dayOf(days: number): string {
  return new Date(epochMs + Math.round(days * dayMs)).toISOString();
}

/** An instant, days later. */
export function daysAfter(instant: string, days: number): string {
  return new Date(Date.parse(instant) + Math.round(days * dayMs)).toISOString();
}

export const cash = cashAccount('sandbox');

export class World {
  now = dayOf(0);
  readonly subs = new Map<string, Sub>();
  readonly payments = new Map<string, Payment>();
  readonly refunds: Refund[] = [];
  readonly disputes: Dispute[] = [];
  /** The customer's, as its row has it. */
  credit: CreditPart[] = [];
  /** Sums of all entries, by owner, account and source: debit +, credit -. */
  readonly balances = new Map<string, number>();
  /** What disputes took that no late money brings back, by owner and source. */
  readonly lostForGood = new Map<string, number>();
  /** The entries of the present step. */
  journal: { owner: string; kind: LedgerKind; entry: Entry }[] = [];
  readonly oracle: Oracle;

  constructor(readonly limits: ChargeLimits) {
    this.oracle = new Oracle(limits);
  }

  sub(id: string): Sub {
    const sub = this.subs.get(id);
    if (sub === undefined) throw new Error(`there is no subscription ${id}`);
    return sub;
  }

  payment(id: string): Payment {
    const payment = this.payments.get(id);
    if (payment === undefined) throw new Error(`there is no payment ${id}`);
    return payment;
  }

  /** Writes one transaction. @param owner a subscription; null: the customer */
  write(owner: string | null, kind: LedgerKind, entries: readonly Entry[]): void {
    const sum = entries.reduce((total, { amount }) => total + amount, 0);
    const other = entries.find(({ account }) => !isAccountOf(kind, account));
    if (other !== undefined) throw new Error(`${kind} moves ${other.account}`);
    if (sum !== 0) throw new Error(`${kind} sums to ${sum}: ${JSON.stringify(entries)}`);
    for (const entry of entries) {
      const of = entry.owner === 'customer' || owner === null ? 'customer' : owner;
      const key = `${of}|${entry.account}|${entry.source}`;
      this.balances.set(key, (this.balances.get(key) ?? 0) + entry.amount);
      this.journal.push({ owner: of, kind, entry });
    }
  }

  /** Sets what a decision has come to. */
  post(sub: Sub, kind: LedgerKind, { state, entries }: Posted): void {
    this.write(sub.id, kind, entries);
    sub.state = state;
  }

  addCredit(parts: readonly CreditPart[]): void {
    for (const { source, amount } of parts) {
      const known = this.credit.find((part) => part.source === source);
      if (known === undefined) this.credit.push({ source, amount });
      else known.amount += amount;
    }
    this.credit.sort((a, b) => rankOf(a.source) - rankOf(b.source));
  }

  takeCredit(parts: readonly CreditPart[]): void {
    for (const { source, amount } of parts) {
      const known = this.credit.find((part) => part.source === source);
      if (known === undefined || known.amount < amount) throw new Error(`no credit of ${source} to take`);
      known.amount -= amount;
    }
    this.credit = this.credit.filter(({ amount }) => amount > 0);
  }

  creditOf(source: string): number {
    return this.credit.find((part) => part.source === source)?.amount ?? 0;
  }

  /** Payments under dispute. */
  get blocked(): string[] {
    return [...this.payments.values()].filter(({ disputed }) => disputed > 0).map(({ id }) => id);
  }

  /** What can still be given back of a payment. */
  refundable({ status, amount, back, lost, disputed }: Payment): number {
    return status !== 'paid' || disputed > 0 ? 0 : Math.max(0, amount - back - lost);
  }

  newPayment(payment: Pick<Payment, 'id' | 'sub' | 'purpose' | 'amount'> & Partial<Payment>): Payment {
    const created: Payment = {
      status: 'open',
      periodIndex: 0,
      unapplied: 0,
      back: 0,
      lost: 0,
      disputed: 0,
      asked: null,
      ...payment,
    };
    this.payments.set(created.id, created);
    return created;
  }

  newSub(id: string, more: Pick<Sub, 'price' | 'days'>): Sub {
    const sub: Sub = {
      id,
      status: 'active',
      state: emptyState,
      version: 1,
      period: null,
      open: null,
      pausedFrom: null,
      pausedAt: null,
      waiting: null,
      next: null,
      cancel: null,
      ...more,
    };
    this.subs.set(id, sub);
    return sub;
  }

  /** Whether money of a payment is at work in another subscription than its own. */
  isShared({ id, sub }: Payment): boolean {
    return [...this.subs.values()].some(
      (other) => other.id !== sub && other.state.funds.some(({ source }) => source === id),
    );
  }
}
