/**
 * The books of the oracle: purses, charges, what customers keep, and the few things that are done with money. Imports
 * nothing of the product.
 */
import { isGift, owed, Purse, seconds, type Row } from './purse';
import { Worth } from './worth';

export interface Part {
  source: string;
  amount: number;
}

/** Credit that was chosen, and where it stands; null: with the customer. */
interface Chosen extends Part {
  row: Row | null;
}

interface Charge {
  /** A subscription; null: a payment of its own. */
  of: string | null;
  amount: number;
  /** What went back, was set aside to go back, or was lost. */
  gone: number;
  /** Set aside for refunds that failed. */
  failed: number;
  disputed: number;
}

export class OracleBooks {
  readonly worth = new Worth();
  protected readonly purses = new Map<string, Purse>();
  private readonly charges = new Map<string, Charge>();
  private readonly tallies = new Map<string, number>();
  private kept: (Part & { used: number })[] = [];

  constructor(private readonly limits: { smallest: number; step: number }) {}

  /** What each account must stand at: `{owner}|{account}|{source}`. */
  figures(): Map<string, number> {
    const all = new Map(this.tallies);
    const add = (key: string, amount: number) => all.set(key, (all.get(key) ?? 0) + amount);
    for (const [id, purse] of this.purses) {
      for (const row of purse.rows()) {
        add(`${id}|unearned|${row.source}`, row.soon);
        add(`${id}|credit|${row.source}`, row.kept);
        add(`${id}|credit_held|${row.source}`, row.aside);
        add(`${id}|receivable|${row.source}`, row.owes);
      }
    }
    for (const { source, amount } of this.kept) add(`customer|credit|${source}`, amount);
    return new Map([...all].filter(([, amount]) => amount !== 0));
  }

  /** A provider has charged a payment. */
  charged(payment: string, of: string | null, amount: number): void {
    this.charges.set(payment, { of, amount, gone: 0, failed: 0, disputed: 0 });
    this.tally(of, 'cash/sandbox', payment, amount);
    this.tally(of, of === null ? 'earned' : 'unapplied', payment, amount);
  }

  protected purse(sub: string): Purse {
    const known = this.purses.get(sub);
    if (known !== undefined) return known;
    const purse = new Purse();
    this.purses.set(sub, purse);
    return purse;
  }

  protected tally(owner: string | null, account: string, source: string, amount: number): void {
    const key = `${owner ?? 'customer'}|${account}|${source}`;
    this.tallies.set(key, (this.tallies.get(key) ?? 0) + amount);
  }

  protected tallied(owner: string | null, account: string, source: string): number {
    return this.tallies.get(`${owner ?? 'customer'}|${account}|${source}`) ?? 0;
  }

  protected chargeOf(payment: string): Charge {
    const charge = this.charges.get(payment);
    if (charge === undefined) throw new Error(`nothing was charged for ${payment}`);
    return charge;
  }

  /** Whose charge it is: a subscription's, or null; undefined: nothing was charged. */
  protected payerOf(payment: string): string | null | undefined {
    return this.charges.get(payment)?.of;
  }

  /** Whether a payment's money counts for nothing: it is disputed, or the provider has nothing of it any more. */
  protected isBlocked(source: string): boolean {
    const charge = this.charges.get(source);
    if (charge === undefined) return false;
    return charge.disputed > 0 || this.tallied(charge.of, 'cash/sandbox', source) <= 0;
  }

  protected blocked(): ReadonlySet<string> {
    return new Set([...this.charges.keys()].filter((payment) => this.isBlocked(payment)));
  }

  /** What can still go back of a payment. */
  protected left(payment: string): number {
    const { amount, gone, failed, disputed } = this.chargeOf(payment);
    return disputed > 0 ? 0 : Math.max(0, amount - gone + failed);
  }

  /** Whole steps, and nothing below the smallest charge. */
  protected chargeable(amount: number): number {
    const whole = this.floored(amount);
    return whole < this.limits.smallest ? 0 : whole;
  }

  protected floored(amount: number): number {
    return amount - (amount % this.limits.step);
  }

  protected expectCharge(payment: string, charge: number, expected: number): void {
    if (charge !== expected) throw new Error(`${payment} charges ${charge}; it should be ${expected}`);
  }

  /** Time passes, and is earned. */
  protected pass(sub: string, at: string): void {
    const purse = this.purse(sub);
    const before = purse.counted;
    const used = purse.pass(seconds(at));
    if (purse.counted > before) this.worth.rounds(sub);
    for (const { source, amount } of used) this.tally(sub, 'earned', source, amount);
  }

  /** Credit for an amount: the subscription's own first, then the customer's; nothing that is blocked. */
  protected choose(purse: Purse, amount: number, { blockedToo = false, own = false } = {}): Chosen[] {
    const theirs = own ? [] : this.kept.map((part) => ({ ...part, row: null }));
    const all: Chosen[] = [
      ...purse.rows().map((row) => ({ source: row.source, amount: row.kept, row })),
      ...theirs,
    ];
    let left = amount;
    return all.flatMap(({ source, amount: has, row }) => {
      const used = !blockedToo && this.isBlocked(source) ? 0 : Math.min(has, left);
      left -= used;
      return used === 0 ? [] : [{ source, amount: used, row }];
    });
  }

  protected takeKept({ source, amount, row }: Chosen): void {
    if (row === null) this.addKept(source, -amount, 'used');
    else row.kept -= amount;
  }

  /**
   * The customer keeps more, or less. A payment keeps its place while other subscriptions use its money.
   * @param how `used` by a subscription, or `returned` by one; else it comes or goes
   */
  protected addKept(source: string, amount: number, how: 'used' | 'returned' | 'moved' = 'moved'): void {
    const known = this.kept.find((part) => part.source === source);
    const part = known ?? { source, amount: 0, used: 0 };
    part.amount += amount;
    if (how === 'used' && !isGift(source)) part.used -= amount;
    if (how === 'returned') part.used = Math.max(0, part.used - amount);
    const all = known === undefined ? [...this.kept, part] : this.kept;
    this.kept = [
      ...all.filter((each) => isGift(each.source)),
      ...all.filter((each) => !isGift(each.source)),
    ].filter((each) => each.amount !== 0 || each.used !== 0);
  }

  /** Gifts, then payments; of both the newest first. */
  protected newestKept(): Part[] {
    const parts = this.kept.toReversed();
    return [...parts.filter((part) => isGift(part.source)), ...parts.filter((part) => !isGift(part.source))];
  }

  protected keptOf(source: string): number {
    return this.kept.find((part) => part.source === source)?.amount ?? 0;
  }

  protected setAside(sub: string, payment: string, chosen: readonly Chosen[]): void {
    const purse = this.purse(sub);
    for (const part of chosen) {
      this.takeKept(part);
      purse.row(part.source).aside += part.amount;
    }
    if (chosen.length > 0) purse.asideFor = payment;
  }

  /** A source pays what is owed: for service that was delivered first. */
  protected paysOld(sub: string, source: string, amount: number): void {
    if (amount === 0) return;
    const purse = this.purse(sub);
    const debt = purse.row(owed);
    const delivered = Math.min(amount, debt.owes - debt.soon);
    debt.owes -= amount;
    debt.soon -= amount - delivered;
    purse.row(source).soon += amount - delivered;
    const ofTerm = Math.min(debt.used, delivered);
    debt.used -= ofTerm;
    purse.row(source).used += ofTerm;
    this.tally(sub, 'earned', owed, -delivered);
    this.tally(sub, 'earned', source, delivered);
  }

  /** What is too much of the term's money: the newest first; it pays debts, then it is kept. */
  protected giveUp(sub: string, surplus: number): void {
    const purse = this.purse(sub);
    let left = surplus;
    for (const row of purse.rows().toReversed()) {
      const amount = Math.min(row.soon, left);
      left -= amount;
      row.soon -= amount;
      if (row.source === owed) row.owes -= amount;
      else {
        const old = Math.min(purse.row(owed).owes, amount);
        this.paysOld(sub, row.source, old);
        row.kept += amount - old;
      }
    }
  }

  /** Time that is paid for passes without service. */
  protected forfeit(sub: string): void {
    for (const row of this.purse(sub).rows()) {
      this.tally(sub, 'forfeited', row.source, row.soon);
      row.used += row.soon;
      row.soon = 0;
    }
  }

  /** What is owed will not be paid. */
  protected loseDebts(sub: string): void {
    for (const row of this.purse(sub).rows()) {
      this.tally(sub, 'written_off', row.source, row.owes);
      row.lost += row.owes;
      row.owes = 0;
    }
  }

  /** Debts are paid with time to come first, then with what is kept; the newest debt first. */
  protected settleDebts(sub: string, blockedToo: boolean): void {
    const rows = this.purse(sub).rows();
    for (const debtor of rows.toReversed()) {
      for (const place of ['soon', 'kept'] as const) {
        for (const row of rows) {
          if (row.source === owed || (!blockedToo && this.isBlocked(row.source))) continue;
          const amount = Math.min(row[place], debtor.owes);
          row[place] -= amount;
          debtor.owes -= amount;
          const ofTerm = Math.min(debtor.used, amount);
          debtor.used -= ofTerm;
          row.used += ofTerm;
          this.tally(sub, 'earned', debtor.source, -amount);
          this.tally(sub, 'earned', row.source, amount);
        }
      }
    }
  }
}
