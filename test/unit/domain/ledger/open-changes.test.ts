/** Credit that is set aside for a change serves that change alone, also while another one is being paid. */
import { applyChange, holdCredit, releaseHeld } from '../../../../domain/ledger/change';
import { emptyFund, emptyState, fundOf, totalOf, type LedgerState } from '../../../../domain/ledger/state';

const at = '2027-06-11T00:00:00.000Z';
const end = '2027-07-01T00:00:00.000Z';
const start = '2027-06-01T00:00:00.000Z';

/** 100.00 paid; down to 10.00 on 11 June: 60.00 of credit. */
const down: LedgerState = {
  ...emptyState,
  period: { start, end },
  earned_until: at,
  reckoned_at: at,
  funds: [{ ...emptyFund('p1'), unearned: 667, used: 3333, credit: 6000 }],
};
const held = holdCredit(down, 'year', [{ source: 'p1', amount: 6000, owner: 'subscription' }]).state;

it('is free again when another change is paid first', () => {
  const change = { at, price: 10_000, newPeriod: null, blocked: [] };
  const { state } = applyChange(held, change, { kind: 'payment', paymentId: 'top', amount: 6000 });
  expect(state.held_for).toBeNull();
  expect(fundOf(state, 'p1')).toMatchObject({ credit: 6000, held: 0 });
  expect([totalOf(state, 'unearned'), totalOf(state, 'receivable')]).toEqual([6667, 0]);
});

it('is free again when another change needs credit as well', () => {
  const grant = { source: 'grant/1', amount: 10, owner: 'customer' } as const;
  const { state } = holdCredit(held, 'later', [grant]);
  expect(state.held_for).toBe('later');
  expect(fundOf(state, 'p1')).toMatchObject({ credit: 6000, held: 0 });
  expect(totalOf(state, 'held')).toBe(10);
  expect(releaseHeld(state, 'year').entries).toEqual([]);
});
