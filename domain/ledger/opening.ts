/**
 * The opening of a subscription that is older than the ledger: what its rows say, as entries and as a state.
 *
 * Pure. Invariants: the entries of each source sum to zero; what is unearned and credit is never more than was charged
 * and not given back, save for credit that nothing backs, which stands against `opening`; of rows that contradict each
 * other only the payment that is awaited has entries.
 */
import type { SubscriptionFacts } from '../subscription/facts';
import { linesTotal, unusedAmount, type Line } from '../subscription/proration';
import { isFinal } from '../subscription/subscription';
import type { Entry } from './accounts';
import {
  cashEntries,
  contradictionOf,
  ofPayingCharge,
  refundsOf,
  sumsOf,
  type OldPayment,
  type OldRefunds,
} from './opening-facts';
import {
  assignCredit,
  assignUnearned,
  assignUsed,
  sharesOf,
  unearnedOfLines,
  type OldPeriod,
  type PeriodToAssign,
  type Share,
} from './opening-period';
import { netted, Posting, type Posted } from './posting';
import { emptyState, grantSource, owed } from './state';

export interface OpeningFacts extends Pick<SubscriptionFacts, 'id' | 'status' | 'currency'> {
  /** Null: none was opened. */
  period: OldPeriod | null;
  /** Of a whole period by now, minor units. */
  price: number;
  /** What waits for the next charge: owed (positive), or credit (negative). */
  balance: number;
  waiting_lines: readonly Line[];
  open_payment_id: string | null;
  /** Of a change that waits for it. */
  change_payment_id: string | null;
  paused_at: string | null;
  /** Oldest first; without payments of their own. */
  payments: readonly OldPayment[];
  now: string;
}

export interface Opened extends Posted {
  /** Credit that no payment backs, minor units. */
  untraced: number;
  /** What was charged and is not assigned, by payment. */
  unapplied: { payment_id: string; amount: number }[];
  refunds: OldRefunds;
  /** Why there are no entries but of what is awaited; null: there is no reason. */
  contradiction: string | null;
}

/** Enters a subscription into the ledger. */
export function openLedger(facts: OpeningFacts): Opened {
  const contradiction = contradictionIn(facts);
  if (contradiction === null) return { ...opened(facts), contradiction };
  // What is on its way is entered all the same, so that its money has a place when it comes.
  const payments = awaited(facts);
  return { ...opened({ ...facts, payments, balance: 0, waiting_lines: [] }), contradiction };
}

function opened(facts: OpeningFacts): Omit<Opened, 'contradiction'> {
  const posting = begun(facts);
  const waiting = facts.payments.filter((payment) => isUnapplied(facts, payment));
  for (const payment of facts.payments) for (const entry of cashEntries(payment)) post(posting, entry);
  const unapplied = waiting
    .map((payment) => ({ payment_id: payment.id, amount: sumsOf(payment).left }))
    .filter(({ amount }) => amount > 0);
  for (const { payment_id: id, amount } of unapplied) posting.post('unapplied', id, -amount);
  const untraced = isFinal(facts.status)
    ? endedBefore(posting, facts.payments)
    : assign(posting, facts, waiting);
  return { ...posting.done(), untraced, unapplied, refunds: refundsOf(facts.payments) };
}

/** The payments whose outcome the row waits for, of each the charge that paid it, where that is no contradiction. */
function awaited(facts: OpeningFacts): OldPayment[] {
  const { status, period, currency } = facts;
  if (isFinal(status)) return [];
  const ofPeriod = period === null || period.paid ? [] : [openPayment(facts), writtenOff(facts)];
  return facts.payments
    .filter((payment) => ofPeriod.includes(payment) || isUnapplied(facts, payment))
    .map((payment) => ofPayingCharge(payment))
    .filter((payment) => payment.currency === currency && contradictionOf(payment) === null);
}

/** Enters a payment that is for no period: what is left of it has been earned. */
export function openOwnPayment(payment: OldPayment): {
  entries: Entry[];
  refunds: OldRefunds;
  contradiction: string | null;
} {
  const contradiction = contradictionOf(payment);
  if (contradiction !== null) return { entries: [], refunds: refundsOf([]), contradiction };
  const earned: Entry = { account: 'earned', source: payment.id, amount: -sumsOf(payment).left };
  return {
    entries: netted([...cashEntries(payment), earned]),
    refunds: refundsOf([payment]),
    contradiction: null,
  };
}

/** A posting in the present period, earned until now. */
function begun({ status, period, now }: OpeningFacts): Posting {
  const posting = new Posting(emptyState);
  // The first period opens with the money that pays it.
  if (period === null || isFinal(status) || status === 'incomplete') return posting;
  const { start, end } = period;
  posting.begin({ start, end });
  const passed = Math.min(Math.max(Date.parse(now), Date.parse(start)), Date.parse(end));
  posting.earnedTo(new Date(passed).toISOString());
  posting.reckonedAt(now);
  return posting;
}

/** What was charged for an ended subscription and has not been given back has been earned. */
function endedBefore(posting: Posting, payments: readonly OldPayment[]): 0 {
  for (const payment of payments) posting.postApart('earned', payment.id, -sumsOf(payment).left);
  return 0;
}

/** @param waiting payments that are charged and not assigned @returns credit that no payment backs */
function assign(posting: Posting, facts: OpeningFacts, waiting: readonly OldPayment[]): number {
  const { balance } = facts;
  const toAssign = periodOf(facts);
  const unpaid = toAssign?.unpaid ?? null;
  const counted = facts.payments.filter((payment) => payment === unpaid || !waiting.includes(payment));
  const shares = sharesOf(counted, toAssign);
  const byCredit = toAssign === null ? 0 : assignUnearned(shares, toAssign);
  const backed = shares.filter(({ payment }) => payment !== unpaid);
  const untraced = assignCredit(backed, Math.max(0, -balance));
  if (toAssign !== null) assignUsed(shares, toAssign, byCredit);
  for (const share of shares) postShare(posting, share, unpaid);
  postWrittenOff(posting, facts);
  postOwed(posting, facts);
  const grant = grantSource(openingId(facts.id));
  posting.post('opening', grant, untraced);
  posting.post('credit', grant, -untraced);
  return untraced;
}

/** The id of the transaction that enters a subscription, or a payment of its own. */
export function openingId(subjectId: string): string {
  return `${subjectId}/opening`;
}

function postShare(posting: Posting, share: Share, unpaid: OldPayment | null): void {
  const { payment, free, unearned, used, credit } = share;
  if (payment === unpaid) posting.post('receivable', payment.id, payment.amount);
  posting.post('unearned', payment.id, -unearned);
  posting.post('earned', payment.id, -used);
  posting.post('credit', payment.id, -credit);
  // Of periods before, and what a period had that nothing is left of.
  posting.postApart('earned', payment.id, -free);
}

/** What dunning gave up when it paused the subscription: late money brings it back first. */
function postWrittenOff(posting: Posting, facts: OpeningFacts): void {
  const { period, paused_at: pausedAt, now } = facts;
  const payment = writtenOff(facts);
  if (payment === undefined || period === null) return;
  const cost = Math.min(payment.amount, period.price);
  const lost = payment.amount - unusedAmount(cost, period, pausedAt ?? now);
  posting.post('written_off', payment.id, lost);
  posting.post('earned', payment.id, -lost);
}

/** What waits for the next charge: for lines of the present period, service that is still to come. */
function postOwed(posting: Posting, { balance, waiting_lines: lines, period, now }: OpeningFacts): void {
  if (balance <= 0) return;
  const isSum = linesTotal(lines) === balance;
  const toCome = period === null || !isSum ? 0 : unearnedOfLines(lines, period, now);
  const unearned = Math.min(balance, Math.max(0, toCome));
  posting.post('receivable', owed, balance);
  posting.post('unearned', owed, -unearned);
  posting.postApart('earned', owed, unearned - balance);
}

/** The period whose money is to be assigned; null: none runs, or nothing was or will be paid for it. */
function periodOf(facts: OpeningFacts): PeriodToAssign | null {
  const { period, status, now } = facts;
  if (period === null || status === 'incomplete' || writtenOff(facts) !== undefined) return null;
  // A trial costs nothing, whatever its plan does.
  const price = period.index === 0 ? 0 : facts.price;
  return { period, price, now, unpaid: period.paid ? null : (openPayment(facts) ?? null) };
}

function openPayment({ open_payment_id: id, payments }: OpeningFacts): OldPayment | undefined {
  return payments.find((payment) => payment.id === id);
}

/** The payment of an unpaid period that is not collected any more. */
function writtenOff(facts: OpeningFacts): OldPayment | undefined {
  const { period, payments, status } = facts;
  if (period === null || period.paid || status === 'incomplete' || openPayment(facts) !== undefined)
    return undefined;
  return payments.findLast(({ kind, period_index: index }) => index === period.index && kind !== 'proration');
}

/** Whether a payment's money was charged and its subscription's row does not know of it. */
function isUnapplied(facts: OpeningFacts, payment: OldPayment): boolean {
  const { status, period, change_payment_id: changeId } = facts;
  if (payment.paid_by === null || isFinal(status)) return false;
  if (status === 'incomplete' || payment.id === changeId) return true;
  if (period === null || period.paid) return false;
  return payment === openPayment(facts) || payment === writtenOff(facts);
}

function contradictionIn(facts: OpeningFacts): string | null {
  const { status, period, payments, currency, balance, price } = facts;
  for (const payment of payments) {
    if (payment.currency !== currency)
      return `${payment.id} is in ${payment.currency}, the subscription in ${currency}`;
    const found = contradictionOf(payment);
    if (found !== null) return found;
  }
  if (period === null || isFinal(status) || status === 'incomplete') return null;
  if (!period.paid) {
    const hasPayment = openPayment(facts) !== undefined || writtenOff(facts) !== undefined;
    return hasPayment ? null : `period ${period.index} is not paid, and there is no payment for it`;
  }
  const costs = Math.min(price, period.price) > 0 && period.index > 0;
  const isPaid = balance < 0 || payments.some((payment) => sumsOf(payment).charged > 0);
  return costs && !isPaid ? `period ${period.index} is paid, and there is no payment` : null;
}

function post(posting: Posting, { account, source, amount }: Entry): void {
  posting.post(account, source, amount);
}
