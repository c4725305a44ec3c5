/** The year in the life of one customer that docs/ledger.md tells, computed by the rules that billing uses. */
import { applyChange, chargeOf, type ChangeOfMoney } from '../../../domain/ledger/change';
import { decideCreditChange, removeCredit } from '../../../domain/ledger/credit';
import { cashAccount, type Entry, type LedgerKind } from '../../../domain/ledger/accounts';
import { endMoney } from '../../../domain/ledger/end';
import { applyReceived, writeOff } from '../../../domain/ledger/payment';
import { openPeriod } from '../../../domain/ledger/period';
import { loseDispute, reserveRefund } from '../../../domain/ledger/refund';
import { emptyState, type CreditPart, type LedgerState } from '../../../domain/ledger/state';

export interface YearTransaction {
  at: string;
  kind: LedgerKind;
  period: { start: string; end: string } | null;
  reason: string | null;
  entries: readonly Entry[];
}

const limits = { smallest: 50, step: 1 };
const cash = cashAccount('stripe');
/** @param text `01-15`, or with a time `01-15T12:00` */
const day = (text: string): string => `2027-${text.includes('T') ? text : `${text}T00:00`}:00.000Z`;

/** A customer with one subscription, in the making. */
class Year {
  readonly written: YearTransaction[] = [];
  private state: LedgerState = emptyState;
  private credit: CreditPart[] = [];

  private write(at: string, kind: LedgerKind, entries: readonly Entry[], reason: string | null = null): void {
    this.written.push({ at, kind, entries, reason, period: this.state.period });
  }

  private post(at: string, kind: LedgerKind, posted: { state: LedgerState; entries: Entry[] }): void {
    this.state = posted.state;
    this.write(at, kind, posted.entries);
  }

  opens(start: string, end: string, price: number, paymentId: string): void {
    const opened = openPeriod(this.state, {
      period: { start, end },
      price,
      paymentId,
      credit: { customer: this.credit, blocked: [] },
      limits,
      pausedAt: null,
    });
    this.credit = removeCredit(this.credit, opened.customerCredit);
    this.post(start, 'period_opened', opened);
  }

  receives(at: string, paymentId: string, amount: number): void {
    this.write(at, 'payment_collected', [
      { account: cash, source: paymentId, amount },
      { account: 'unapplied', source: paymentId, amount: -amount },
    ]);
  }

  applies(at: string, id: string, amount: number): void {
    this.post(at, 'payment_applied', applyReceived(this.state, { id, amount }, { at, runs: true }));
  }

  /** @param paymentId charges what is due */
  changes(at: string, price: number, paymentId: string): void {
    const change: ChangeOfMoney = { at, price, newPeriod: null, blocked: [] };
    const asked = chargeOf(this.state, change, { credit: { customer: [], blocked: [] }, limits });
    if (asked.charge > 0) this.receives(at, paymentId, asked.charge);
    const payer =
      asked.charge > 0
        ? ({ kind: 'payment', paymentId, amount: asked.charge } as const)
        : ({ kind: 'credit', credit: asked.credit } as const);
    this.post(at, 'change_applied', applyChange(this.state, change, payer));
  }

  grants(at: string, transactionId: string, amount: number, reason: string): void {
    const decision = decideCreditChange(this.credit, { transactionId, amount });
    if (decision.kind === 'refused') throw new Error(decision.reason);
    this.credit = decision.funds;
    this.write(at, decision.kind, decision.entries, reason);
  }

  writesOff(at: string): void {
    this.post(at, 'written_off', writeOff(this.state, at));
  }

  refunds(at: string, paymentId: string, amount: number): void {
    const back = { paymentId, amount, at, unapplied: 0, customerCredit: 0 };
    this.post(at, 'refund_reserved', reserveRefund(this.state, back));
  }

  settles(at: string, paymentId: string, amount: number): void {
    this.write(at, 'refund_settled', [
      { account: 'refunding', source: paymentId, amount },
      { account: cash, source: paymentId, amount: -amount },
    ]);
  }

  disputes(at: string, paymentId: string, amount: number): void {
    this.write(at, 'dispute_opened', [
      { account: 'disputed', source: paymentId, amount },
      { account: cash, source: paymentId, amount: -amount },
    ]);
  }

  loses(at: string, paymentId: string, amount: number): void {
    const back = { paymentId, amount, at, unapplied: 0, customerCredit: 0 };
    this.post(at, 'dispute_lost', loseDispute(this.state, back));
  }

  ends(at: string, refundable: Readonly<Record<string, number>>): void {
    const period = this.state.period;
    const end = {
      at,
      pausedAt: null,
      refund: 'prorated',
      blocked: [],
      refundable,
      floor: floorless,
    } as const;
    this.post(at, 'subscription_ended', endMoney(this.state, end));
    const last = this.written.at(-1);
    if (last !== undefined) last.period = period;
  }

  /** A payment of its own. */
  sells(at: string, paymentId: string, amount: number): void {
    this.written.push({
      at,
      kind: 'payment_collected',
      period: null,
      reason: null,
      entries: [
        { account: cash, source: paymentId, amount, owner: 'customer' },
        { account: 'earned', source: paymentId, amount: -amount, owner: 'customer' },
      ],
    });
  }
}

const floorless = (_paymentId: string, amount: number): number => amount;

/** Writes the year: all transactions, in their order. */
export function workedYear(): readonly YearTransaction[] {
  const year = new Year();
  const paid = (start: string, end: string, price: number, id: string, charge = price): void => {
    year.opens(start, end, price, id);
    if (charge === 0) return;
    year.receives(start, id, charge);
    year.applies(start, id, charge);
  };
  paid(day('01-15'), day('02-15'), 1_000, 'A');
  paid(day('02-15'), day('03-15'), 1_000, 'B');
  year.changes(day('03-01'), 3_000, 'C');
  paid(day('03-15'), day('04-15'), 3_000, 'D');
  year.changes(day('03-30T12:00'), 1_000, '-');
  paid(day('04-15'), day('05-15'), 1_000, '-', 0);
  year.grants(day('05-01'), 'crd_1', 400, 'a slow week');
  paid(day('05-15'), day('06-15'), 1_000, 'E', 600);
  year.opens(day('06-15'), day('07-15'), 1_000, 'F');
  year.writesOff(day('06-29'));
  year.receives(day('07-05'), 'F', 1_000);
  year.applies(day('07-05'), 'F', 1_000);
  paid(day('07-15'), day('08-15'), 1_000, 'G');
  year.refunds(day('07-25'), 'G', 400);
  year.settles(day('07-25'), 'G', 400);
  paid(day('08-15'), day('09-15'), 1_000, 'H');
  year.disputes(day('08-20'), 'H', 1_000);
  year.loses(day('09-10'), 'H', 1_000);
  paid(day('09-15'), day('10-15'), 1_000, 'I');
  year.ends(day('09-30'), { I: 1_000 });
  year.settles(day('09-30'), 'I', 500);
  year.sells(day('12-01'), 'J', 5_000);
  return year.written;
}
