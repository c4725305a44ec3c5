/** A subscription as a version without a ledger left it: 10.00 a month of 30 days, on day 15 of a paid period. */
import type { Entry } from '../../../domain/ledger/accounts';
import { openLedger, type Opened, type OpeningFacts } from '../../../domain/ledger/opening';
import type { OldPayment, OldRefund } from '../../../domain/ledger/opening-facts';
import type { OldPeriod } from '../../../domain/ledger/opening-period';

const start = Date.parse('2027-01-01T00:00:00.000Z');
const dayMs = 86_400_000;

/** @param day 0: when the present period began */
export function onDay(day: number): string {
  return new Date(start + day * dayMs).toISOString();
}

/** A period of 30 days that costs 10.00. */
export function oldPeriod(more: Partial<OldPeriod> = {}): OldPeriod {
  return { index: 3, start: onDay(0), end: onDay(30), paid: true, price: 1000, ...more };
}

/** A renewal of 10.00 for the present period, charged by Stripe. @param more what is different */
export function oldPayment(id: string, more: Partial<OldPayment> = {}): OldPayment {
  const amount = more.amount ?? 1000;
  return {
    id,
    kind: 'renewal',
    currency: 'EUR',
    amount,
    period_index: 3,
    created_at: onDay(0),
    paid_by: 1,
    charges: [{ attempt: 1, provider: 'stripe', amount }],
    refunds: [],
    ...more,
  };
}

/** A payment that nothing was charged for yet. */
export const unpaidPayment = (id: string, more: Partial<OldPayment> = {}) =>
  oldPayment(id, { paid_by: null, charges: [], ...more });

/** A refund of the charge that paid. */
export function oldRefund(amount: number, more: Partial<OldRefund> = {}): OldRefund {
  return { id: 'ref_1', attempt: 1, amount, status: 'succeeded', ...more };
}

/** What the rows say on day 15. @param more what is different */
export function oldFacts(more: Partial<OpeningFacts> = {}): OpeningFacts {
  return {
    id: 'sub_1',
    status: 'active',
    currency: 'EUR',
    period: oldPeriod(),
    price: 1000,
    balance: 0,
    waiting_lines: [],
    open_payment_id: null,
    change_payment_id: null,
    paused_at: null,
    payments: [oldPayment('p1')],
    now: onDay(15),
    ...more,
  };
}

/** The opening of such a subscription. @param more what is different */
export function openingOf(more: Partial<OpeningFacts> = {}): Opened {
  return openLedger(oldFacts(more));
}

/** `account source amount` of each entry, sorted. */
export function entriesText({
  entries,
}: {
  entries: readonly Pick<Entry, 'account' | 'source' | 'amount'>[];
}) {
  return entries.map(({ account, source, amount }) => `${account} ${source} ${amount}`).sort();
}
