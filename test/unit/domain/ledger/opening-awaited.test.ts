/** Rows of before the ledger that contradict each other still wait for a payment: that one is entered. */
import { fundOf } from '../../../../domain/ledger/state';
import {
  entriesText as text,
  oldPayment,
  oldPeriod,
  oldRefund as refund,
  onDay,
  openingOf as opening,
  unpaidPayment,
} from '../../../support/ledger/old-rows';

describe('rows that contradict each other, with a payment that is awaited', () => {
  const overpaid = oldPayment('p0', { period_index: 2, refunds: [refund(1001)] });
  const unpaid = { period: oldPeriod({ paid: false }), open_payment_id: 'p1' };

  it('have that payment owed, and nothing of the others', () => {
    const opened = opening({ ...unpaid, payments: [overpaid, unpaidPayment('p1')], balance: -300 });
    expect(opened).toMatchObject({ contradiction: expect.stringContaining('p0'), unapplied: [] });
    expect(text(opened)).toEqual(['earned p1 -500', 'receivable p1 1000', 'unearned p1 -500']);
    expect(opened.untraced).toBe(0);
  });

  it('have its charge to be applied, where it is there and the row does not know', () => {
    const opened = opening({ ...unpaid, payments: [overpaid, oldPayment('p1')] });
    expect(opened.unapplied).toEqual([{ payment_id: 'p1', amount: 1000 }]);
    expect(fundOf(opened.state, 'p1')).toMatchObject({ receivable: 1000, unearned: 500 });
  });

  it('have the charge that paid it alone, where it is itself the contradiction', () => {
    const charges = [1, 2].map((attempt) => ({ attempt, provider: 'stripe', amount: 1000 }));
    const opened = opening({ ...unpaid, payments: [oldPayment('p1', { charges })] });
    expect(opened.contradiction).toMatch(/charged twice/);
    expect(opened.unapplied).toEqual([{ payment_id: 'p1', amount: 1000 }]);
    expect(opened.entries).toContainEqual({ account: 'cash/stripe', source: 'p1', amount: 1000 });
  });

  it('have nothing of it, where more went back than was charged, or it is in another currency', () => {
    const back = opening({ ...unpaid, payments: [oldPayment('p1', { refunds: [refund(1001)] })] });
    expect(back).toMatchObject({ entries: [], unapplied: [] });
    const other = opening({ ...unpaid, payments: [unpaidPayment('p1', { currency: 'USD' })] });
    expect(other).toMatchObject({ entries: [], unapplied: [] });
  });

  it('have what dunning gave up written off, should its money still come', () => {
    const paused = { status: 'paused', paused_at: onDay(14), now: onDay(20) } as const;
    const payments = [overpaid, unpaidPayment('p1')];
    const opened = opening({ ...paused, period: oldPeriod({ paid: false }), payments });
    expect(text(opened)).toEqual(['earned p1 -467', 'written_off p1 467']);
  });

  it('have the charge of a change to be given back', () => {
    const change = oldPayment('p2', { kind: 'proration', created_at: onDay(15) });
    const opened = opening({ payments: [overpaid, oldPayment('p1'), change], change_payment_id: 'p2' });
    expect(text(opened)).toEqual(['cash/stripe p2 1000', 'unapplied p2 -1000']);
  });

  it('have nothing once they have ended', () => {
    const ended = { status: 'cancelled', payments: [overpaid, oldPayment('p1')] } as const;
    expect(opening({ ...unpaid, ...ended })).toMatchObject({ entries: [], unapplied: [] });
  });
});
