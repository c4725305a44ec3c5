/**
 * One customer's money in memory: the thin part of billing around the pure functions of `domain/ledger`.
 *
 * Keeps what billing keeps in rows (what a provider has charged, what waits, what was given back, the customer's
 * credit) and every entry. Owns no rule about amounts: those are the product's, and the oracle's.
 */
import type { ChargeLimits } from '../../../domain/money';
import { cashAccount, type Entry, type LedgerKind } from '../../../domain/ledger/accounts';
import {
  addCredit,
  removeCredit,
  useCredit,
  type CreditArrival,
  type CustomerFund,
} from '../../../domain/ledger/credit';
import type { ChangeOfMoney } from '../../../domain/ledger/change';
import type { Posted } from '../../../domain/ledger/posting';
import type { Taken } from '../../../domain/ledger/refund';
import { emptyState, type CreditPart, type LedgerState } from '../../../domain/ledger/state';
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
  /** The refund of the cancellation that has ended it. */
  agreed: RefundMode | null;
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
  /** Whether what was charged has been applied. */
  applied: boolean;
  /** Of a change that was not made: should its money still come, it goes back. */
  dropped: boolean;
  /** Refunds that are pending, or were paid. */
  back: number;
  /** Refunds that failed and are not given up. */
  failed: number;
  /** Of lost disputes. */
  lost: number;
  /** Of the open dispute. */
  disputed: number;
  /** Of a change, as it was asked for. */
  asked: {
    change: ChangeOfMoney;
    days: number;
    version: number;
    revision: number;
    /** Whether credit was set aside for it. */
    holds: boolean;
  } | null;
}

export interface Refund {
  id: string;
  payment: string;
  amount: number;
  /** `failed`: its amount still waits in `refunding`. */
  status: 'pending' | 'paid' | 'failed' | 'released';
  /** Where its amount was taken from, by now. */
  taken: Taken;
  at: string;
}

export interface Dispute {
  id: string;
  payment: string;
  amount: number;
  status: 'open' | 'won' | 'lost';
  /** Null: it is not lost. */
  loss: Loss | null;
}

/** What a lost dispute took. */
export interface Loss {
  /** Where its amount was taken from, by now. */
  taken: Taken;
  at: string;
  /** Which loss of the life it is, from 1 on. */
  number: number;
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
  credit: CustomerFund[] = [];
  /** Sums of all entries, by owner, account and source: debit +, credit -. */
  readonly balances = new Map<string, number>();
  /** What disputes took that no late money brings back, by owner and source. */
  readonly lostForGood = new Map<string, number>();
  /** How many steps were taken. */
  steps = 0;
  /** How often a dispute was lost. */
  losses = 0;
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

  /** The latest subscription of a slot: one after another, `a`, `a2`, `a3`. */
  subOfSlot(slot: string): Sub | null {
    return [...this.subs.values()].findLast(({ id }) => id.startsWith(slot)) ?? null;
  }

  nextOf(slot: string): string {
    const before = [...this.subs.values()].filter(({ id }) => id.startsWith(slot)).length;
    return before === 0 ? slot : `${slot}${before + 1}`;
  }

  /** Payments that were charged for a subscription and are not applied yet. */
  unapplied(subId: string): Payment[] {
    return [...this.payments.values()].filter(
      ({ sub, status, applied }) => sub === subId && status === 'paid' && !applied,
    );
  }

  payment(id: string): Payment {
    const payment = this.payments.get(id);
    if (payment === undefined) throw new Error(`there is no payment ${id}`);
    return payment;
  }

  /** Writes one transaction. @param owner a subscription; null: the customer */
  write(owner: string | null, kind: LedgerKind, entries: readonly Entry[]): void {
    const sum = entries.reduce((total, { amount }) => total + amount, 0);
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

  addCredit(parts: readonly CreditPart[], arrival: CreditArrival): void {
    this.credit = parts.reduce((funds, part) => addCredit(funds, part, arrival), this.credit);
  }

  takeCredit(parts: readonly CreditPart[]): void {
    this.credit = removeCredit(this.credit, parts);
  }

  /** Charges use the customer's credit. */
  useCredit(parts: readonly CreditPart[]): void {
    this.credit = useCredit(this.credit, parts);
  }

  creditOf(source: string): number {
    return this.credit.find((part) => part.source === source)?.amount ?? 0;
  }

  /** Payments under dispute. */
  get undecided(): string[] {
    return this.paymentsThat(({ disputed }) => disputed > 0);
  }

  /** Payments whose money funds nothing new: under dispute, or all of it has gone. */
  get blocked(): string[] {
    return this.paymentsThat(
      (payment) =>
        payment.disputed > 0 ||
        (payment.status === 'paid' && payment.lost + this.paidBack(payment) >= payment.amount),
    );
  }

  private paymentsThat(are: (payment: Payment) => boolean): string[] {
    return [...this.payments.values()].filter(are).map(({ id }) => id);
  }

  /** What the provider has given back of a payment. */
  paidBack({ id }: Payment): number {
    const paid = this.refunds.filter(({ payment, status }) => payment === id && status === 'paid');
    return paid.reduce((sum, { amount }) => sum + amount, 0);
  }

  /** What can still be given back of a payment. */
  refundable({ status, amount, back, lost, disputed }: Payment): number {
    return status !== 'paid' || disputed > 0 ? 0 : Math.max(0, amount - back - lost);
  }

  /** What other subscriptions use of a payment, by the customer's row. */
  usedElsewhere(id: string): number {
    return this.credit.find(({ source }) => source === id)?.used ?? 0;
  }

  newPayment(payment: Pick<Payment, 'id' | 'sub' | 'purpose' | 'amount'> & Partial<Payment>): Payment {
    const created: Payment = {
      status: 'open',
      periodIndex: 0,
      unapplied: 0,
      applied: false,
      dropped: false,
      back: 0,
      failed: 0,
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
      agreed: null,
      ...more,
    };
    this.subs.set(id, sub);
    return sub;
  }

  /** What money of a payment is at work in other subscriptions than its own. */
  atWorkElsewhere({ id, sub }: Payment): number {
    return [...this.subs.values()]
      .filter((other) => other.id !== sub)
      .flatMap(({ state }) => state.funds)
      .filter(({ source }) => source === id)
      .reduce((sum, { unearned, credit, held }) => sum + unearned + credit + held, 0);
  }
}
