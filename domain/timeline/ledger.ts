/**
 * What a transaction of the ledger did, in one sentence, for people who read a timeline.
 *
 * Pure. Amounts are in the currency's own units, days those of the subscription's time zone. Not for workflows: it
 * computes dates.
 */
import type { LedgerKind } from '../ledger/accounts';
import { owed } from '../ledger/state';
import { moneyText } from '../money';
import { dayText } from './changes';

/** The part of a transaction that the sentences look at. */
export interface TitledTransaction {
  kind: LedgerKind;
  currency: string;
  /** By the customer's time, RFC 3339. */
  at: string;
  /** What a person gave as the reason. */
  reason: string | null;
  /** Of the period that it is about. */
  period: { start: string; end: string } | null;
  time_zone: string;
  entries: readonly { account: string; source: string; amount: number; owner: 'subscription' | 'customer' }[];
}

type Entry = TitledTransaction['entries'][number];

/** Sums over entries of a transaction, and how they are told. */
class Reading {
  constructor(readonly of: TitledTransaction) {}

  /** What is debited to accounts of this name, less what is credited to them. */
  debit(account: string, is: (entry: Entry) => boolean = () => true): number {
    return this.of.entries
      .filter((entry) => entry.account.split('/', 1)[0] === account && is(entry))
      .reduce((sum, { amount }) => sum + amount, 0);
  }

  credit(account: string, is?: (entry: Entry) => boolean): number {
    return -this.debit(account, is);
  }

  money(amount: number): string {
    return moneyText(amount, this.of.currency);
  }

  day(at: string = this.of.at): string {
    return dayText(at, this.of.time_zone);
  }

  /** ` for 15 Jan 2027 – 15 Feb 2027`, or nothing where there is no period. */
  forPeriod(): string {
    const { period } = this.of;
    return period === null ? '' : ` for ${this.day(period.start)} – ${this.day(period.end)}`;
  }

  /** Sentences about amounts above 0. */
  parts(...given: readonly (readonly [number, string])[]): string[] {
    return given.filter(([amount]) => amount > 0).map(([amount, text]) => `${this.money(amount)} ${text}`);
  }
}

const isOwed = ({ source }: Entry): boolean => source === owed;
const isPaid = (entry: Entry): boolean => !isOwed(entry);

/** Tells one transaction, such as `10.00 EUR paid for 15 Jan 2027 – 15 Feb 2027`. */
export function ledgerTitle(transaction: TitledTransaction): string {
  return sentences[transaction.kind](new Reading(transaction));
}

function listed(parts: readonly string[], otherwise: string): string {
  return parts.length === 0 ? otherwise : parts.join('; ');
}

function becauseOf(reason: string | null): string {
  return reason === null ? '' : `: ${reason}`;
}

/** What of an amount paid for the period, and what is kept: its time was over. */
function paidParts(reading: Reading, amount: number): string[] {
  const kept = Math.max(0, reading.credit('credit'));
  return reading.parts([amount - kept, `paid${reading.forPeriod()}`], [kept, 'kept as credit']);
}

const sentences: Readonly<Record<LedgerKind, (reading: Reading) => string>> = {
  period_opened(reading) {
    const [first = 'Nothing due', ...others] = reading.parts(
      [reading.debit('unapplied'), 'paid'],
      [reading.debit('receivable', isPaid), 'due'],
      [reading.debit('credit'), 'of credit used'],
      [reading.debit('receivable', isOwed), 'carried to the next charge'],
    );
    return [`${first}${reading.forPeriod()}`, ...others].join('; ');
  },
  period_ended: (reading) => `${reading.money(reading.credit('earned'))} earned${reading.forPeriod()}`,
  payment_collected(reading) {
    const charged = reading.debit('cash');
    if (reading.credit('unapplied') > 0) return `${reading.money(charged)} received`;
    // A payment of its own has earned all of it.
    if (reading.credit('earned') === charged) return `${reading.money(charged)} paid`;
    // What is applied by the same transaction stands on no account in between.
    return listed(paidParts(reading, charged), 'Nothing was collected');
  },
  payment_applied(reading) {
    const back = reading.credit('refunding');
    const parts = [
      ...paidParts(reading, reading.debit('unapplied') - back),
      ...reading.parts([back, 'goes back: it came too late']),
    ];
    return listed(parts, 'Nothing was left to apply');
  },
  change_applied(reading) {
    const change = `by the change of ${reading.day()}`;
    const parts = reading.parts(
      [reading.debit('unapplied'), `paid ${change}`],
      [reading.debit('receivable'), `due ${change}`],
      [reading.credit('receivable'), `less owed ${change}`],
      [reading.credit('credit'), `credited ${change}`],
      [reading.debit('credit') + reading.debit('credit_held'), `of credit used ${change}`],
    );
    return listed(parts, `Nothing to charge or to credit ${change}`);
  },
  credit_held: (reading) => `${reading.money(reading.debit('credit'))} of credit set aside for a charge`,
  credit_released: (reading) => `${reading.money(reading.credit('credit'))} of credit is free again`,
  subscription_ended(reading) {
    const parts = reading.parts(
      [reading.credit('refunding'), 'goes back'],
      [reading.credit('credit', ({ owner }) => owner === 'customer'), 'stays the customer’s credit'],
      [reading.credit('forfeited'), 'forfeited'],
      [reading.debit('written_off'), 'written off'],
    );
    return `At the end on ${reading.day()}: ${listed(parts, 'nothing is left')}`;
  },
  written_off(reading) {
    const parts = reading.parts(
      [reading.debit('written_off'), `written off${reading.forPeriod()}`],
      [reading.credit('credit'), 'returned to credit'],
    );
    return listed(parts, `Nothing to write off${reading.forPeriod()}`);
  },
  refund_reserved(reading) {
    const back = reading.credit('refunding');
    if (back <= 0) return `${reading.money(reading.credit('cash'))} given back at the provider`;
    const isCustomers = reading.debit('credit', ({ owner }) => owner === 'customer') === back;
    return `${reading.money(back)} ${isCustomers ? 'of the customer’s credit ' : ''}reserved to go back`;
  },
  refund_settled: (reading) => `${reading.money(reading.credit('cash'))} given back`,
  refund_failed: (reading) =>
    `A refund of ${reading.money(reading.debit('cash'))} failed after it was settled; it stays reserved`,
  refund_released: (reading) => `A refund of ${reading.money(reading.debit('refunding'))} is given up`,
  dispute_opened: (reading) => `${reading.money(reading.debit('disputed'))} is under dispute`,
  dispute_won(reading) {
    const held = reading.credit('disputed');
    if (held > 0) return `Dispute of ${reading.money(held)} won`;
    return `Dispute of ${reading.money(reading.debit('cash'))} won after it was lost`;
  },
  dispute_lost: (reading) => `Dispute of ${reading.money(reading.credit('disputed'))} lost`,
  credit_granted: (reading) =>
    `${reading.money(reading.credit('credit'))} of credit granted${becauseOf(reading.of.reason)}`,
  credit_corrected: (reading) =>
    `${reading.money(reading.debit('credit'))} of credit taken back${becauseOf(reading.of.reason)}`,
  opening: () => 'Balances of before were entered in the ledger',
  reversal: ({ of }) => `An entry of the ledger was reversed${becauseOf(of.reason)}`,
};
