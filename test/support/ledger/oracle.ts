/**
 * What must hold of a customer's money, reckoned apart: imports nothing of the product, reads none of its figures.
 *
 * It is given what a provider charged, gave back and took for disputes, what was granted, and which service the
 * customer was entitled to from when on (price of a whole term). By the rules of the ledger it reckons what each
 * source stands at on each account, to the unit, what has to be charged and given back, and, by the prices alone,
 * what the delivered service was worth. Minor units, above 0 on whichever side the account has.
 */
import { OraclePeriods, type Dates } from './oracle-periods';
import { isGift, owed, seconds, share, sumOf, type Purse } from './purse';

interface Reckoned {
  at: string;
  price: number;
  newPeriod: Dates | null;
}

export class Oracle extends OraclePeriods {
  /** A change is what it was when it was asked for. */
  private readonly blockedWhenAsked = new Map<string, ReadonlySet<string>>();

  /** A change is asked for that has to be paid first. */
  asksChange(sub: string, change: Reckoned & { payment: string; charge: number }): void {
    const purse = this.purse(sub);
    this.blockedWhenAsked.set(change.payment, this.blocked());
    const { due, purse: then } = this.reckon(sub, change, purse.copy());
    const taken = this.choose(then, due);
    const rest = due - sumOf(taken);
    const alone = this.chargeable(rest);
    // What is too small alone may be charged with what is owed already.
    const charge = alone > 0 || rest === 0 ? alone : this.chargeable(rest + purse.row(owed).owes);
    this.expectCharge(change.payment, change.charge, charge);
    const ofPurse = taken.map((part) => ({ ...part, row: part.row && purse.row(part.source) }));
    // What is set aside for another change is free for whichever comes first.
    if (taken.length > 0) purse.release();
    this.setAside(sub, change.payment, ofPurse);
    purse.tidy();
  }

  dropsChange(sub: string, payment: string): void {
    const purse = this.purse(sub);
    if (purse.asideFor === payment) purse.release();
  }

  /** A change takes effect at an instant; from then on the service has another price. */
  changes(
    sub: string,
    change: Reckoned & { payer: 'next_renewal' | 'credit' | 'payment'; payment: string | null },
  ): void {
    const purse = this.purse(sub);
    this.pass(sub, change.at);
    const asked = change.payment === null ? undefined : this.blockedWhenAsked.get(change.payment);
    const { due, surplus } = this.reckon(sub, change, purse, asked);
    this.giveUp(sub, surplus);
    const { newPeriod } = change;
    if (newPeriod !== null) purse.begin({ start: seconds(newPeriod.start), end: seconds(newPeriod.end) });
    purse.reckonings += 1;
    this.worth.rounds(sub);
    if (purse.term !== null) {
      this.worth.serves(sub, { from: seconds(change.at), price: change.price, term: purse.term });
    }
    const unpaid = this.payChange(sub, due, change);
    purse.row(owed).soon += unpaid;
    purse.row(owed).owes += unpaid;
    purse.tidy();
  }

  /** @returns what is not paid now */
  private payChange(
    sub: string,
    due: number,
    { payer, payment }: { payer: string; payment: string | null },
  ): number {
    const purse = this.purse(sub);
    let unpaid = due;
    const pay = (source: string, amount: number) => {
      const used = Math.min(unpaid, amount);
      purse.row(source).soon += used;
      unpaid -= used;
      const old = Math.min(purse.row(owed).owes, amount - used);
      this.paysOld(sub, source, old);
      purse.row(source).kept += amount - used - old;
    };
    if (payer === 'credit') {
      for (const part of this.choose(purse, due)) {
        this.takeKept(part);
        pay(part.source, part.amount);
      }
    }
    if (payment !== null) {
      for (const row of purse.asideFor === payment ? purse.rows() : []) {
        const { aside } = row;
        row.aside = 0;
        pay(row.source, aside);
      }
      purse.release();
      const amount = this.tallied(sub, 'unapplied', payment);
      this.tally(sub, 'unapplied', payment, -amount);
      pay(payment, amount);
    }
    return unpaid;
  }

  /** What a change comes to: what is left of the term's money against what its rest costs. */
  private reckon(
    sub: string,
    { at, price, newPeriod }: Reckoned,
    purse: Purse,
    blocked: ReadonlySet<string> = this.blocked(),
  ) {
    const now = seconds(at);
    purse.pass(now);
    purse.keep((source) => blocked.has(source));
    const { term } = purse;
    const isWhole = newPeriod !== null || term === null || now <= term.start;
    const rest = isWhole ? price : share(price, Math.max(0, term.end - now), term.end - term.start);
    const left = purse.total('soon');
    return { due: Math.max(0, rest - left), surplus: Math.max(0, left - rest), purse };
  }

  /** The subscription ends. @returns what has to go back of which payment */
  ends(
    sub: string,
    { at, pausedAt, refund }: { at: string; pausedAt: string | null; refund: 'none' | 'prorated' | 'full' },
  ): { payment_id: string; amount: number }[] {
    const purse = this.purse(sub);
    purse.release();
    const isOver = purse.term !== null && seconds(at) >= purse.term.end;
    if (isOver && pausedAt !== null) this.endTerm(sub, pausedAt);
    this.pass(sub, at);
    this.worth.stops(sub, Math.max(seconds(at), purse.counted));
    const isUnpaid = this.isUnpaid(sub);
    purse.stopUnpaid();
    if (isUnpaid) purse.keep(() => true);
    if (refund !== 'full') this.settleDebts(sub, refund === 'none');
    if (refund === 'none') this.forfeit(sub);
    const refunds = refund === 'none' ? [] : this.givesBack(sub, refund, at);
    this.loseDebts(sub);
    purse.keep(() => true);
    for (const row of purse.rows()) {
      this.addKept(row.source, row.kept, 'returned');
      row.kept = 0;
    }
    purse.begin(null);
    purse.tidy();
    return refunds;
  }

  private givesBack(
    sub: string,
    refund: 'prorated' | 'full',
    at: string,
  ): { payment_id: string; amount: number }[] {
    const refunds: { payment_id: string; amount: number }[] = [];
    for (const row of this.purse(sub).rows()) {
      const { source, soon, kept } = row;
      if (source === owed || isGift(source)) continue;
      const used = refund === 'full' ? row.used : 0;
      const of = this.payerOf(source);
      if (of === undefined) continue;
      if (of !== sub) {
        // Another subscription's money stays with the customer.
        this.tally(sub, 'allowances', source, used);
        row.kept += used;
        continue;
      }
      const most = Math.min(soon + kept + used, this.left(source));
      const amount = this.floored(most);
      if (amount > 0) {
        refunds.push({ payment_id: source, amount });
        this.reserve(source, amount, { sub, at, only: 'contract' });
      }
      // What no step takes is the customer's as well.
      const over = Math.max(0, Math.min(used > 0 ? row.used : 0, most - amount - row.soon - row.kept));
      this.tally(sub, 'allowances', source, over);
      row.kept += over;
    }
    return refunds;
  }
}
