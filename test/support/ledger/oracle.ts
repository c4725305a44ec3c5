/**
 * What must hold of a customer's money, reckoned apart: imports nothing of the product, reads none of its figures.
 *
 * It is given what a provider charged, gave back and took for disputes, what was granted, and which service the
 * customer was entitled to from when on (price of a whole term). By the rules of the ledger it reckons what each
 * source stands at on each account, to the unit, what has to be charged and given back, and, by the prices alone,
 * what the delivered service was worth. Minor units, above 0 on whichever side the account has.
 */
import { OracleMoneyBack } from './oracle-money-back';
import { isGift, owed, seconds, share, type Purse, type Row } from './purse';

interface Dates {
  start: string;
  end: string;
}
interface Reckoned {
  at: string;
  price: number;
  newPeriod: Dates | null;
}

export class Oracle extends OracleMoneyBack {
  /** A change is what it was when it was asked for. */
  private readonly disputedWhenAsked = new Map<string, ReadonlySet<string>>();

  /** The first payment is asked for; credit is set aside for the rest. */
  asksFirst(
    sub: string,
    { price, payment, charge }: { price: number; payment: string; charge: number },
  ): void {
    const taken = this.choose(this.purse(sub), price);
    this.expectCharge(payment, charge, this.chargeable(price - sumOf(taken)));
    this.setAside(sub, payment, taken);
  }

  /** The first payment is there, and the first term with it. */
  opensFirst(
    sub: string,
    { period, price, payment }: { period: Dates; price: number; payment: string },
  ): void {
    this.purse(sub).release();
    // What came back to the payment's own credit meanwhile pays before what is there.
    const most = this.chargeOf(payment).amount;
    this.beginTerm(sub, { period, price, payment }, { disputedToo: true, own: true, most });
    this.paysPeriod(sub, { payment, runs: true, at: period.start });
  }

  /** A term begins that costs `price`; `charge` is what its payment charges. */
  opens(
    sub: string,
    opening: { period: Dates; price: number; payment: string; charge: number; pausedAt: string | null },
  ): void {
    const purse = this.purse(sub);
    const { pausedAt } = opening;
    purse.release();
    if (purse.term !== null) {
      this.pass(sub, pausedAt ?? new Date(purse.term.end * 1000).toISOString());
      // The time of a pause is not served.
      this.worth.stops(sub, purse.counted);
      purse.stopUnpaid();
      this.forfeit(sub);
    }
    this.expectCharge(opening.payment, opening.charge, this.beginTerm(sub, opening));
  }

  private beginTerm(
    sub: string,
    { period, price, payment }: { period: Dates; price: number; payment: string },
    how: { disputedToo?: boolean; own?: boolean; most?: number } = {},
  ): number {
    const purse = this.purse(sub);
    const term = { start: seconds(period.start), end: seconds(period.end) };
    purse.begin(term);
    this.worth.begins(sub, { price, term });
    this.worth.serves(sub, { from: term.start, price, term });
    let debt = purse.row(owed).owes;
    let open = price;
    for (const part of this.choose(purse, debt + price, how)) {
      const ofDebt = Math.min(debt, part.amount);
      this.takeKept(part);
      this.paysOld(sub, part.source, ofDebt);
      purse.row(part.source).soon += part.amount - ofDebt;
      debt -= ofDebt;
      open -= part.amount - ofDebt;
    }
    const charge = how.most === undefined ? this.chargeable(debt + open) : Math.min(debt + open, how.most);
    const ofDebt = Math.min(debt, charge);
    const ofTerm = charge - ofDebt;
    if (charge > 0) {
      this.paysOld(sub, payment, ofDebt);
      purse.row(payment).soon += ofTerm;
      purse.row(payment).owes += charge;
    }
    purse.row(owed).soon += open - ofTerm;
    purse.row(owed).owes += open - ofTerm;
    purse.tidy();
    return charge;
  }

  /** Money of a charge is used for the term that it was charged for: what is owed, what was lost, or what still runs. */
  paysPeriod(sub: string, { payment, runs, at }: { payment: string; runs: boolean; at: string }): void {
    const purse = this.purse(sub);
    const amount = this.tallied(sub, 'unapplied', payment);
    this.tally(sub, 'unapplied', payment, -amount);
    const row = purse.row(payment);
    const due = Math.min(row.owes, amount);
    const lost = Math.min(row.lost, amount - due);
    const rest = amount - due - lost;
    row.owes -= due;
    row.lost -= lost;
    this.tally(sub, 'written_off', payment, -lost);
    if (rest > 0 && runs) {
      this.pass(sub, at);
      this.worth.resumes(sub, seconds(at), rest);
    }
    row[runs ? 'soon' : 'kept'] += rest;
    if (row.owes > 0) this.losesRest(sub, row, at);
    purse.tidy();
  }

  /** A part went back before it was used: the service that it would have paid goes with it. */
  private losesRest(sub: string, row: Row, at: string): void {
    this.pass(sub, at);
    const gone = Math.min(row.soon, row.owes);
    row.soon -= gone;
    row.owes -= gone;
    this.worth.givesBack(sub);
    this.tally(sub, 'written_off', row.source, row.owes);
    row.lost += row.owes;
    row.owes = 0;
  }

  writesOff(sub: string, at: string): void {
    const purse = this.purse(sub);
    this.pass(sub, at);
    this.worth.stops(sub, seconds(at));
    purse.reckoned = seconds(at);
    purse.stopUnpaid();
    purse.keep(() => true);
    this.loseDebts(sub);
    purse.tidy();
  }

  /** A change is asked for that has to be paid first. */
  asksChange(sub: string, change: Reckoned & { payment: string; charge: number }): void {
    const purse = this.purse(sub);
    this.disputedWhenAsked.set(change.payment, this.disputed());
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
    const asked = change.payment === null ? undefined : this.disputedWhenAsked.get(change.payment);
    const { due, surplus } = this.reckon(sub, change, purse, asked);
    this.giveUp(sub, surplus);
    const { newPeriod } = change;
    if (newPeriod !== null) purse.begin({ start: seconds(newPeriod.start), end: seconds(newPeriod.end) });
    purse.reckoned = seconds(change.at);
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
    disputed: ReadonlySet<string> = this.disputed(),
  ) {
    const now = seconds(at);
    purse.pass(now);
    purse.keep((source) => disputed.has(source));
    const { term } = purse;
    const isWhole = newPeriod !== null || term === null || now <= term.start;
    const rest = isWhole ? price : share(price, Math.max(0, term.end - now), term.end - term.start);
    const left = purse.total('soon');
    return { due: Math.max(0, rest - left), surplus: Math.max(0, left - rest), purse };
  }

  /** The subscription ends. @returns what has to go back of which payment */
  ends(
    sub: string,
    { at, refund }: { at: string; refund: 'none' | 'prorated' | 'full' },
  ): { payment_id: string; amount: number }[] {
    const purse = this.purse(sub);
    purse.release();
    this.pass(sub, at);
    this.worth.stops(sub, Math.max(seconds(at), purse.counted));
    const isUnpaid = purse.rows().some(({ source, owes }) => source !== owed && owes > 0);
    purse.stopUnpaid();
    if (isUnpaid) purse.keep(() => true);
    if (refund !== 'full') this.settleDebts(sub, refund === 'none');
    if (refund === 'none') this.forfeit(sub);
    const refunds = refund === 'none' ? [] : this.givesBack(sub, refund, at);
    this.loseDebts(sub);
    purse.keep(() => true);
    for (const row of purse.rows()) {
      this.addKept(row.source, row.kept);
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
      const amount = this.floored(Math.min(soon + kept + used, this.left(source)));
      if (amount === 0) continue;
      refunds.push({ payment_id: source, amount });
      this.reserve(source, amount, { sub, at, only: 'contract' });
    }
    return refunds;
  }
}

function sumOf(parts: readonly { amount: number }[]): number {
  return parts.reduce((sum, { amount }) => sum + amount, 0);
}
