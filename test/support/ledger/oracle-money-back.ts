/** The part of the oracle about money that goes back, is disputed, or is given. Imports nothing of the product. */
import { OracleBooks } from './oracle-books';
import { seconds } from './purse';

/** Where the money of a refund was taken from. */
interface Taken {
  kept: number;
  customers: number;
  soon: number;
  rest: number;
  /** What of the rest was used within the term that began then, and how often its price had been reckoned. */
  used: number;
  term: number | null;
  reckonings: number;
  amount: number;
}

/** `credit`: of the customer only. `contract`: of the subscription only. `unapplied`: what was never applied. */
type Only = 'all' | 'credit' | 'contract' | 'unapplied';

export class OracleMoneyBack extends OracleBooks {
  /** By payment, in the order in which they were reserved. */
  private readonly reserved = new Map<string, Taken[]>();
  /** By payment and number of the dispute. */
  private readonly losses = new Map<string, Taken>();

  /** A refund is reserved. */
  reserves(payment: string, { amount, at, only }: { amount: number; at: string; only: Only }): void {
    const { of: sub } = this.chargeOf(payment);
    if (sub !== null && only === 'all') {
      this.overtake(sub, payment);
      this.pass(sub, at);
    }
    this.reserve(payment, amount, { sub, at, only });
  }

  protected reserve(
    payment: string,
    amount: number,
    how: { sub: string | null; at: string; only: Only },
  ): void {
    const taken = this.take(payment, amount, { ...how, against: 'refunding', rest: 'allowances' });
    this.reserved.set(payment, [...(this.reserved.get(payment) ?? []), taken]);
  }

  /** The provider moves money of a reserved refund. @param amount out (above 0) or back in */
  movesRefund(payment: string, amount: number): void {
    const { of } = this.chargeOf(payment);
    this.tally(of, 'refunding', payment, -amount);
    this.tally(of, 'cash/sandbox', payment, -amount);
  }

  /** A refund fails (above 0), or is paid after it failed. */
  failsRefund(payment: string, amount: number): void {
    this.chargeOf(payment).failed += amount;
  }

  /**
   * A refund is given up: the money stands where it was; what was never applied, and time that is over or was paid
   * for again, is kept.
   * @param index of the refund among those of its payment
   */
  releases(payment: string, { index, at, alive }: { index: number; at: string; alive: boolean }): void {
    const taken = this.reserved.get(payment)?.[index];
    if (taken === undefined) throw new Error(`${payment} has no refund ${index}`);
    const charge = this.chargeOf(payment);
    this.tally(charge.of, 'refunding', payment, -taken.amount);
    this.tally(charge.of, 'allowances', payment, -taken.rest);
    charge.failed -= taken.amount;
    this.returns(payment, taken, { at, alive });
  }

  /** A loss is taken back by the bank. */
  regains(payment: string, { index, at, alive }: { index: number; at: string; alive: boolean }): void {
    const taken = this.losses.get(`${payment}/${index}`);
    if (taken === undefined) throw new Error(`${payment} has lost no dispute ${index}`);
    const { of } = this.chargeOf(payment);
    this.tally(of, 'cash/sandbox', payment, taken.amount);
    this.tally(of, 'written_off', payment, -taken.rest);
    this.returns(payment, taken, { at, alive });
  }

  /** Money comes back to where it was taken from; what has no place there any more is kept. */
  private returns(payment: string, taken: Taken, { at, alive }: { at: string; alive: boolean }): void {
    const charge = this.chargeOf(payment);
    charge.gone -= taken.amount;
    this.addKept(payment, taken.customers);
    if (charge.of === null || !alive) {
      this.addKept(payment, taken.kept + taken.soon);
      return;
    }
    const purse = this.purse(charge.of);
    const { term, reckonings } = purse;
    const isServed = term !== null && taken.reckonings === reckonings && seconds(at) < term.end;
    if (term !== null && taken.term === term.start) purse.row(payment).used += taken.used;
    if (isServed) this.pass(charge.of, at);
    purse.row(payment).kept += taken.kept + (isServed ? 0 : taken.soon);
    purse.row(payment).soon += isServed ? taken.soon : 0;
    purse.tidy();
  }

  /** A dispute takes money (above 0), or is won and gives it back. */
  disputes(payment: string, amount: number): void {
    const charge = this.chargeOf(payment);
    charge.disputed += amount;
    if (charge.of !== null) this.overtake(charge.of, payment);
    this.tally(charge.of, 'disputed', payment, amount);
    this.tally(charge.of, 'cash/sandbox', payment, -amount);
  }

  /** A dispute is lost. */
  loses(payment: string, { index, amount, at }: { index: number; amount: number; at: string }): void {
    const charge = this.chargeOf(payment);
    if (charge.of !== null) {
      this.overtake(charge.of, payment);
      this.pass(charge.of, at);
    }
    const how = { sub: charge.of, only: 'all', against: 'disputed', rest: 'written_off' } as const;
    this.losses.set(`${payment}/${index}`, this.take(payment, amount, how));
    charge.disputed -= amount;
  }

  /** Credit is granted (above 0), or taken back: grants first, then payments, of both the newest first. */
  grants(source: string, amount: number): void {
    if (amount > 0) {
      this.tally(null, 'allowances', source, amount);
      this.addKept(source, amount);
      return;
    }
    let left = -amount;
    for (const part of this.newestKept()) {
      const taken = Math.min(part.amount, left);
      left -= taken;
      this.tally(null, 'allowances', part.source, -taken);
      this.addKept(part.source, -taken);
    }
  }

  /** Money that is set aside for a change and goes otherwise: the change is not made. */
  private overtake(sub: string, payment: string): void {
    const purse = this.purse(sub);
    if (purse.rows().some(({ source, aside }) => source === payment && aside > 0)) purse.release();
  }

  /** A payment's money goes: what was never applied, what is kept, time to come; the rest was used up. */
  private take(
    payment: string,
    amount: number,
    { sub, only, against, rest }: { sub: string | null; only: Only; against: string; rest: string },
  ): Taken {
    const purse = sub === null || only === 'credit' ? null : this.purse(sub);
    const row = purse?.row(payment) ?? { kept: 0, soon: 0, used: 0 };
    let left = amount;
    const next = (has: number, isOpen: boolean) => {
      const part = isOpen ? Math.min(has, left) : 0;
      left -= part;
      return part;
    };
    const unapplied = next(this.tallied(sub, 'unapplied', payment), only === 'all' || only === 'unapplied');
    const kept = next(row.kept, true);
    const customers = next(this.keptOf(payment), only !== 'contract');
    const soon = next(row.soon, true);
    this.tally(sub, 'unapplied', payment, -unapplied);
    this.addKept(payment, -customers);
    row.kept -= kept;
    row.soon -= soon;
    const used = Math.min(row.used, left);
    row.used -= used;
    if (sub !== null && soon > 0) this.worth.givesBack(sub);
    this.tally(sub, rest, payment, left);
    this.tally(sub, against, payment, against === 'disputed' ? -amount : amount);
    this.chargeOf(payment).gone += amount;
    purse?.tidy();
    const term = purse?.term?.start ?? null;
    const reckonings = purse?.reckonings ?? 0;
    return { kept: kept + unapplied, customers, soon, rest: left, used, term, reckonings, amount };
  }
}
