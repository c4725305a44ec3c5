import {
  declineCategory,
  declineCodes,
  isPaymentPaid,
  isPaymentOpen,
  mayBeginAttempt,
  paymentStatuses,
} from '../../../domain/payment/payment';
import { lookupScheduleMs, needsOperator, nextLookup } from '../../../domain/payment/unknown-outcome';

const dayMs = 86_400_000;

describe('mayBeginAttempt', () => {
  it('allows the first attempt on a fresh payment and the next one on a failed payment, nothing else', () => {
    const allowed = paymentStatuses.flatMap((status) =>
      [0, 1, 2].flatMap((attempts) =>
        [0, 1, 2, 3]
          .filter((number) => mayBeginAttempt(status, attempts, number))
          .map((number) => `${status}, ${attempts} so far, number ${number}`),
      ),
    );
    expect(allowed).toEqual([
      'requested, 0 so far, number 1',
      'failed, 1 so far, number 2',
      'failed, 2 so far, number 3',
    ]);
  });
});

describe('a payment’s state', () => {
  it('is never open and collected at once', () => {
    expect(paymentStatuses.filter((status) => isPaymentOpen(status) && isPaymentPaid(status))).toEqual([]);
  });
});

describe('declineCategory', () => {
  it('has a category for every code of the table', () => {
    expect(Object.fromEntries(declineCodes.map((code) => [code, declineCategory(code)]))).toEqual({
      insufficient_funds: 'soft',
      do_not_honor: 'soft',
      limit_exceeded: 'soft',
      processing_error: 'soft',
      try_again_later: 'soft',
      expired_card: 'hard',
      invalid_payment_method: 'hard',
      stolen_or_lost: 'hard',
      account_closed: 'hard',
      revoked_authorization: 'hard',
      fraud_suspected: 'hard',
      authentication_required: 'authentication_required',
      not_completed: 'not_completed',
    });
  });
});

describe('nextLookup', () => {
  const created_at = '2027-01-01T00:00:00.000Z';
  const unknownSinceMs = Date.parse(created_at) + 60_000;
  const ask = (status: 'unknown' | 'pending', lookups: number) =>
    nextLookup({ kind: 'first', status, created_at }, { unknownSinceMs, lookups, incompleteHours: 23 });

  it('climbs the ladder: 1, 5, 15 minutes, 1, 6, 24 hours', () => {
    const minutes = lookupScheduleMs.map(
      (_, lookups) => (ask('unknown', lookups).atMs - unknownSinceMs) / 60_000,
    );
    expect(minutes).toEqual([1, 5, 15, 60, 360, 1440]);
  });

  it('begins the schedule when the setting says, and goes on as ever', () => {
    const progress = { unknownSinceMs, incompleteHours: 23, firstLookupMs: 5_000 };
    const afterMs = [0, 1].map((lookups) => {
      const lookup = nextLookup({ kind: 'first', status: 'unknown', created_at }, { ...progress, lookups });
      return lookup.atMs - unknownSinceMs;
    });
    expect(afterMs).toEqual([5_000, 5 * 60_000]);
  });

  it('takes "never heard of it" as evidence from 5 minutes on', () => {
    expect([0, 1, 2].map((lookups) => ask('unknown', lookups).provesAbsence)).toEqual([false, true, true]);
  });

  it('W1: goes on each day after the schedule, for ever: time alone never ends an unknown outcome', () => {
    const days = [6, 7, 8, 1_000].map((lookups) => (ask('unknown', lookups).atMs - unknownSinceMs) / dayMs);
    expect(days).toEqual([2, 3, 4, 996]);
    expect(ask('unknown', 1_000)).toMatchObject({ provesAbsence: true, last: false });
  });

  it('makes up for missed lookups one after the other, never two at one instant', () => {
    const nowMs = unknownSinceMs + 90 * dayMs;
    const after = (lookups: number) => {
      const progress = { unknownSinceMs, lookups, lastLookupMs: nowMs, incompleteHours: 23 };
      return nextLookup({ kind: 'renewal', status: 'pending', created_at }, progress).atMs - nowMs;
    };
    expect([1, 2, 5, 6, 50].map(after)).toEqual([60_000, 60_000, 60_000, dayMs, dayMs]);
  });

  it.each([
    ['unknown', 1],
    ['requires_action', 3],
    ['pending', 3],
  ] as const)('asks an operator about an attempt that is %s for %i days', (status, days) => {
    expect(needsOperator(status, days * dayMs - 1)).toBe(false);
    expect(needsOperator(status, days * dayMs)).toBe(true);
    expect(needsOperator('failed', 100 * dayMs)).toBe(false);
  });

  it('ends a customer’s time after the given hours', () => {
    expect(ask('pending', lookupScheduleMs.length)).toEqual({
      atMs: Date.parse('2027-01-01T23:00:00.000Z'),
      provesAbsence: false,
      last: true,
    });
  });
});
