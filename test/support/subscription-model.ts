/**
 * A subscription as a person would reckon it with a calendar and a pocket calculator: every payment succeeds, all is
 * done at once. Shares no code with the product, so that both can be held against each other.
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
  balance = 0;
  periods: ModelPeriod[] = [];
  cancelAt: number | null = null;
  private resumeAt: number | null = null;
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
    const credit = this.rest(this.amount());
    this.price = request.price;
    this.quantity = request.quantity;
    this.pending = null;
    const difference = this.rest(this.amount()) - credit;
    if (request.how === 'charge_now' && difference > 0) this.charges.push(difference);
    else if (request.how !== 'none') this.balance += difference;
    return true;
  }

  /** The part of an amount that falls on the rest of the period, half away from zero. */
  private rest(amount: number): number {
    const { start, end } = this.period();
    if (this.now >= end) return 0;
    const seconds = (from: number, to: number) => Math.floor(to / 1000) - Math.floor(from / 1000);
    const whole = seconds(start, end);
    return Math.floor((2 * amount * seconds(this.now, end) + whole) / (2 * whole));
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
    this.balance = Math.min(0, due);
    if (due > 0) this.charges.push(due);
  }

  private end(): void {
    this.status = 'cancelled';
    this.cancelAt = null;
  }

  private boundary(months: number): number {
    return Temporal.Instant.fromEpochMilliseconds(this.anchor).toZonedDateTimeISO(this.zone).add({ months })
      .epochMilliseconds;
  }
}
