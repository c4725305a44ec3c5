/** The part of the oracle about money that goes back, is disputed, or is given. Imports nothing of the product. */
import { OracleBooks } from './oracle-books';
import { seconds } from './purse';

/** Where money of a payment can stand that was not used, in the order in which it is taken. */
const places = ['unapplied', 'kept', 'customers', 'soon'] as const;
type Places = Record<(typeof places)[number], number>;

/** Where the money of a refund, or of a lost dispute, was taken from, by now. */
interface Taken extends Places {
  of: 'refund' | 'loss';
  /** Of a loss: which dispute of the payment. */
  dispute: number | null;
  rest: number;
  /** What of the rest more was taken with than was left of the charge. */
  beyond: number;
  /** What of the rest was used within the term that began then; null: nothing was. */
  used: number;
  usedTerm: number | null;
  /** The term then, and how often its price had been reckoned. */
  term: number | null;
  reckonings: number;
  amount: number;
  isBack: boolean;
}

/** `credit`: of the customer only. `contract`: of the subscription only. `unapplied`: what was never applied. */
type Only = 'all' | 'credit' | 'contract' | 'unapplied';

const sumOf = (of: Places): number => places.reduce((sum, place) => sum + of[place], 0);

/** Moves an amount, as far as it is there, in the order of the places. @returns what was moved */
function moveOut(from: Places, amount: number): Places {
  const moved: Places = { unapplied: 0, kept: 0, customers: 0, soon: 0 };
  let left = amount;
  for (const place of places) {
    moved[place] = Math.min(from[place], left);
    from[place] -= moved[place];
    left -= moved[place];
  }
  return moved;
}

export class OracleMoneyBack extends OracleBooks {
  /** By payment, in the order in which they were taken. */
  private readonly takings = new Map<string, Taken[]>();

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
    this.take(payment, amount, { ...how, against: 'refunding', rest: 'allowances', dispute: null });
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
    const taken = this.takingsOf(payment).filter(({ of }) => of === 'refund')[index];
    if (taken === undefined) throw new Error(`${payment} has no refund ${index}`);
    const charge = this.chargeOf(payment);
    this.leaveToOthers(payment, taken);
    this.tally(charge.of, 'refunding', payment, -taken.amount);
    this.tally(charge.of, 'allowances', payment, -taken.rest);
    charge.failed -= taken.amount;
    this.returns(payment, taken, { at, alive });
  }

  /** A loss is taken back by the bank. @returns what of it had never been applied, and is kept now */
  regains(payment: string, { index, at, alive }: { index: number; at: string; alive: boolean }): number {
    const taken = this.takingsOf(payment).find(({ dispute, isBack }) => dispute === index && !isBack);
    if (taken === undefined) throw new Error(`${payment} has lost no dispute ${index}`);
    const { of } = this.chargeOf(payment);
    this.leaveToOthers(payment, taken);
    this.tally(of, 'cash/sandbox', payment, taken.amount);
    this.tally(of, 'written_off', payment, -taken.rest);
    this.returns(payment, taken, { at, alive });
    return taken.unapplied;
  }

  /**
   * More may have gone of a payment than was charged. What comes back of one taking then stands for what others have
   * taken beyond the charge: losses first, of both the latest first. They have taken it from there instead.
   */
  private leaveToOthers(payment: string, taken: Taken): void {
    const { of: sub, gone, amount } = this.chargeOf(payment);
    const over = Math.max(0, gone - amount - taken.beyond);
    const left = moveOut(taken, over);
    // What was taken beyond the charge was none of it, and leaves nothing to others.
    let used = Math.min(over - sumOf(left), taken.used, taken.rest - taken.beyond);
    taken.used -= used;
    const others = this.takingsOf(payment).filter((other) => other !== taken && !other.isBack);
    const ofKind = (kind: Taken['of']) => others.filter(({ of }) => of === kind).toReversed();
    for (const other of [...ofKind('loss'), ...ofKind('refund')]) {
      const most = Math.min(other.rest, other.beyond);
      const moved = moveOut(left, most);
      const usedNow = Math.min(most - sumOf(moved), used);
      used -= usedNow;
      takeInstead(other, taken, { moved, used: usedNow });
      this.tally(sub, other.of === 'loss' ? 'written_off' : 'allowances', payment, -sumOf(moved));
    }
    const isLost = [taken, ...others].some(({ of }) => of === 'loss');
    this.tally(sub, isLost ? 'written_off' : 'allowances', payment, -sumOf(left));
  }

  private takingsOf(payment: string): readonly Taken[] {
    return this.takings.get(payment) ?? [];
  }

  /** Money comes back to where it was taken from; what has no place there any more is kept. */
  private returns(payment: string, taken: Taken, { at, alive }: { at: string; alive: boolean }): void {
    const charge = this.chargeOf(payment);
    charge.gone -= taken.amount;
    taken.isBack = true;
    this.addKept(payment, taken.customers);
    const kept = taken.unapplied + taken.kept;
    if (charge.of === null || !alive) {
      this.addKept(payment, kept + taken.soon);
      return;
    }
    const purse = this.purse(charge.of);
    const { term, reckonings } = purse;
    const isServed =
      taken.soon > 0 && term !== null && taken.reckonings === reckonings && seconds(at) < term.end;
    if (term !== null && taken.usedTerm === term.start) purse.row(payment).used += taken.used;
    if (isServed) this.pass(charge.of, at);
    purse.row(payment).kept += kept + (isServed ? 0 : taken.soon);
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
    this.take(payment, amount, { ...how, dispute: index });
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

  /** A payment's money goes: what was never applied, what is kept, time to come that is paid; the rest was used up. */
  private take(payment: string, amount: number, { sub, only, against, rest, dispute }: Taking): void {
    const purse = sub === null || only === 'credit' ? null : this.purse(sub);
    const row = purse?.row(payment) ?? { kept: 0, soon: 0, used: 0, owes: 0 };
    const charge = this.chargeOf(payment);
    const moved = moveOut(
      {
        unapplied: only === 'all' || only === 'unapplied' ? this.tallied(sub, 'unapplied', payment) : 0,
        kept: row.kept,
        customers: only === 'contract' ? 0 : this.keptOf(payment),
        soon: Math.max(0, row.soon - row.owes),
      },
      amount,
    );
    const left = amount - sumOf(moved);
    this.tally(sub, 'unapplied', payment, -moved.unapplied);
    this.addKept(payment, -moved.customers);
    row.kept -= moved.kept;
    row.soon -= moved.soon;
    const used = Math.min(row.used, left);
    row.used -= used;
    if (sub !== null && moved.soon > 0) this.worth.givesBack(sub);
    this.tally(sub, rest, payment, left);
    this.tally(sub, against, payment, dispute === null ? amount : -amount);
    const term = purse?.term?.start ?? null;
    const taken: Taken = {
      ...moved,
      of: dispute === null ? 'refund' : 'loss',
      dispute,
      rest: left,
      beyond: only === 'all' ? Math.max(0, amount - Math.max(0, charge.amount - charge.gone)) : 0,
      used,
      usedTerm: used > 0 ? term : null,
      term,
      reckonings: purse?.reckonings ?? 0,
      amount,
      isBack: false,
    };
    this.takings.set(payment, [...this.takingsOf(payment), taken]);
    charge.gone += amount;
    purse?.tidy();
  }
}

interface Taking {
  sub: string | null;
  only: Only;
  against: 'refunding' | 'disputed';
  rest: 'allowances' | 'written_off';
  /** Which dispute of the payment is lost; null: it is a refund. */
  dispute: number | null;
}

/** One taking has taken what another one gives up. Time to come that was charged for again meanwhile is kept. */
function takeInstead(by: Taken, of: Taken, { moved, used }: { moved: Places; used: number }): void {
  const isSameTime = by.reckonings === of.reckonings;
  by.unapplied += moved.unapplied;
  by.kept += moved.kept + (isSameTime ? 0 : moved.soon);
  by.customers += moved.customers;
  by.soon += isSameTime ? moved.soon : 0;
  by.rest -= sumOf(moved);
  by.beyond -= sumOf(moved) + used;
  by.usedTerm ??= of.usedTerm;
  by.used = Math.min(by.used + (by.usedTerm === of.usedTerm ? used : 0), by.rest);
}
