/** The part of the oracle about terms: begun, paid, over, written off. Imports nothing of the product. */
import { OracleMoneyBack } from './oracle-money-back';
import { owed, seconds, sumOf, type Row } from './purse';

export interface Dates {
  start: string;
  end: string;
}

export class OraclePeriods extends OracleMoneyBack {
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
    this.beginTerm(sub, { period, price, payment }, { blockedToo: true, own: true, most });
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
    this.endTerm(sub, pausedAt);
    this.expectCharge(opening.payment, opening.charge, this.beginTerm(sub, opening));
  }

  /** A term whose time is over is earned, while nothing else happens. */
  earnsTerm(sub: string, pausedAt: string | null): void {
    this.endTerm(sub, pausedAt);
    this.purse(sub).tidy();
  }

  /** The time of a pause is not served; a term that nobody has paid is earned whole: it may still be paid. */
  protected endTerm(sub: string, pausedAt: string | null): void {
    const purse = this.purse(sub);
    if (purse.term === null) return;
    const end = new Date(purse.term.end * 1000).toISOString();
    this.pass(sub, this.isUnpaid(sub) ? end : (pausedAt ?? end));
    this.worth.stops(sub, purse.counted);
    purse.stopUnpaid();
    this.forfeit(sub);
  }

  protected isUnpaid(sub: string): boolean {
    return this.purse(sub)
      .rows()
      .some(({ source, owes }) => source !== owed && owes > 0);
  }

  private beginTerm(
    sub: string,
    { period, price, payment }: { period: Dates; price: number; payment: string },
    how: { blockedToo?: boolean; own?: boolean; most?: number } = {},
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
    purse.reckonings += 1;
    purse.stopUnpaid();
    purse.keep(() => true);
    this.loseDebts(sub);
    purse.tidy();
  }
}
