/**
 * A subscription as a person would reckon it with a calendar, a pocket calculator and a purse: every payment succeeds,
 * all is done at once. Shares no code with the product, so that both can be held against each other.
 */
import { Temporal } from 'temporal-polyfill';

export type Command =
  | { do: 'advance'; hours: number }
  | {
      do: 'sell';
      price: 'gold' | 'platinum';
      quantity: number;
      how: 'charge_now' | 'next_renewal' | 'none' | 'period_end';
    }
  | { do: 'pause'; forHours: number | null }
  | { do: 'resume' }
  | { do: 'cancel'; when: 'now' | 'period_end' }
  | { do: 'revoke' };

const prices = { gold: 1000, platinum: 3000 } as const;

interface ModelPeriod {
  index: number;
  start: number;
  end: number;
}

export class SubscriptionModel {
  status: 'active' | 'paused' | 'cancelled' = 'active';
  charges: number[] = [];
  /** Money for the rest of the period, from `since` on: what was paid, and what the next renewal will charge. */
  private paid = 0;
  private unpaid = 0;
  private since = 0;
  /** What the next renewal will charge beside its price, and what it will be less. */
  private debt = 0;
  private credit = 0;
  periods: ModelPeriod[] = [];
  cancelAt: number | null = null;
  private resumeAt: number | null = null;
  private pausedAt = 0;
  private pending: { price: 'gold' | 'platinum'; quantity: number } | null = null;
  private anchor: number;
  private anchorIndex = 1;

  constructor(
    private readonly zone: string,
    public now: number,
    public price: 'gold' | 'platinum' = 'gold',
    public quantity = 1,
  ) {
    this.anchor = now;
    this.periods.push({ index: 1, start: now, end: this.boundary(1) });
    this.charges.push(this.amount());
    this.paid = this.amount();
    this.since = now;
  }

  get balance(): number {
    return this.debt - this.credit;
  }

  amount(): number {
    return prices[this.price] * this.quantity;
  }

  period(): ModelPeriod {
    return this.periods[this.periods.length - 1]!;
  }

  /** Null when the command is to be refused. */
  execute(command: Command): boolean {
    if (command.do === 'advance') {
      this.advance(this.now + command.hours * 3_600_000);
      return true;
    }
    if (this.status === 'cancelled') return command.do === 'cancel';
    switch (command.do) {
      case 'sell':
        return this.sell(command);
      case 'pause':
        if (this.status !== 'active') return false;
        this.status = 'paused';
        this.pausedAt = this.now;
        this.resumeAt = command.forHours === null ? null : this.now + command.forHours * 3_600_000;
        return true;
      case 'resume':
        if (this.status !== 'paused') return false;
        this.resumeWhen(this.now);
        return true;
      case 'revoke':
        this.cancelAt = null;
        return true;
      case 'cancel':
        if (command.when === 'period_end' && this.period().end > this.now) this.cancelAt = this.period().end;
        else this.end();
        return true;
    }
  }

  private sell(request: Extract<Command, { do: 'sell' }>): boolean {
    if (request.price === this.price && request.quantity === this.quantity) {
      this.pending = null;
      return true;
    }
    if (this.status === 'paused' && request.how === 'charge_now') return false;
    if (request.how === 'period_end') {
      this.pending = { price: request.price, quantity: request.quantity };
      return true;
    }
    const before = [this.paid, this.unpaid, this.since] as const;
    if (request.how !== 'none') this.use(this.now);
    const price = prices[request.price] * request.quantity;
    const difference = this.rest(price, this.period().start) - (this.paid + this.unpaid);
    if (request.how === 'next_renewal' && difference > 0 && this.cancelAt !== null) {
      // No renewal comes that could charge it.
      [this.paid, this.unpaid, this.since] = before;
      return false;
    }
    this.price = request.price;
    this.quantity = request.quantity;
    this.pending = null;
    if (request.how === 'none') return true;
    if (difference < 0) this.giveUp(-difference);
    else if (request.how === 'charge_now') this.payNow(difference);
    else {
      this.unpaid += difference;
      this.debt += difference;
    }
    return true;
  }

  /** Uses what falls on the time until `at`: what was paid first. */
  private use(at: number): void {
    const until = Math.min(at, this.period().end);
    if (until <= this.since) return;
    const total = this.paid + this.unpaid;
    const left = until === this.period().end ? 0 : part(total, this.since, this.period().end, until);
    const used = total - left;
    const ofPaid = Math.min(used, this.paid);
    this.paid -= ofPaid;
    this.unpaid -= used - ofPaid;
    this.since = until;
  }

  /** What is too much is not owed any more; the rest is credit. */
  private giveUp(surplus: number): void {
    const ofUnpaid = Math.min(surplus, this.unpaid);
    this.unpaid -= ofUnpaid;
    this.paid -= surplus - ofUnpaid;
    this.credit += Math.max(0, surplus - this.debt);
    this.debt = Math.max(0, this.debt - surplus);
  }

  private payNow(due: number): void {
    const ofCredit = Math.min(due, this.credit);
    this.credit -= ofCredit;
    this.paid += due;
    if (due > ofCredit) this.charges.push(due - ofCredit);
  }

  /** The part of an amount of the period from `start` on that falls on its rest, half away from zero. */
  private rest(amount: number, start: number): number {
    const { end } = this.period();
    return this.now >= end ? 0 : part(amount, start, end, this.now);
  }

  private advance(to: number): void {
    for (;;) {
      const at = this.nextAt();
      if (at === null || at > to) break;
      this.now = Math.max(this.now, at);
      if (this.cancelAt === at) this.end();
      else if (this.status === 'paused') this.resumeWhen(at);
      else this.open(this.period().end);
    }
    this.now = to;
  }

  private nextAt(): number | null {
    if (this.status === 'cancelled') return null;
    const own = this.status === 'paused' ? this.resumeAt : this.period().end;
    if (this.cancelAt === null) return own;
    return own === null || this.cancelAt <= own ? this.cancelAt : own;
  }

  private resumeWhen(at: number): void {
    this.status = 'active';
    this.resumeAt = null;
    if (this.period().end > at) return;
    // The time of the pause was not served: what is owed for it is not charged.
    this.use(this.pausedAt);
    this.debt -= this.unpaid;
    this.unpaid = 0;
    this.anchor = at;
    this.anchorIndex = this.period().index + 1;
    this.open(at);
  }

  private open(start: number): void {
    if (this.pending !== null) {
      this.price = this.pending.price;
      this.quantity = this.pending.quantity;
      this.pending = null;
    }
    const index = this.period().index + 1;
    this.periods.push({ index, start, end: this.boundary(index - this.anchorIndex + 1) });
    const due = this.amount() + this.balance;
    this.debt = 0;
    this.credit = Math.max(0, -due);
    this.paid = this.amount();
    this.unpaid = 0;
    this.since = start;
    if (due > 0) this.charges.push(due);
  }

  private end(): void {
    this.status = 'cancelled';
    this.cancelAt = null;
    this.debt = 0;
    this.credit = 0;
  }

  private boundary(months: number): number {
    return Temporal.Instant.fromEpochMilliseconds(this.anchor).toZonedDateTimeISO(this.zone).add({ months })
      .epochMilliseconds;
  }
}

/** What of an amount for [start, end) falls on [at, end), in whole seconds, half away from zero. */
function part(amount: number, start: number, end: number, at: number): number {
  const seconds = (from: number, to: number) => Math.floor(to / 1000) - Math.floor(from / 1000);
  const whole = seconds(start, end);
  return Math.floor((2 * amount * seconds(at, end) + whole) / (2 * whole));
}
