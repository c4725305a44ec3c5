import {
  declineCategory,
  declineCodes,
  isPaymentPaid,
  isPaymentOpen,
  mayBeginAttempt,
  paymentStatuses,
} from '../../../domain/payment/payment';
import { lookupScheduleMs, nextLookup } from '../../../domain/payment/unknown-outcome';

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
      (_, lookups) => ((ask('unknown', lookups)?.atMs ?? 0) - unknownSinceMs) / 60_000,
    );
    expect(minutes).toEqual([1, 5, 15, 60, 360, 1440]);
  });

  it('begins the schedule when the setting says, and goes on as ever', () => {
    const progress = { unknownSinceMs, incompleteHours: 23, firstLookupMs: 5_000 };
    const afterMs = [0, 1].map((lookups) => {
      const lookup = nextLookup({ kind: 'first', status: 'unknown', created_at }, { ...progress, lookups });
      return (lookup?.atMs ?? 0) - unknownSinceMs;
    });
    expect(afterMs).toEqual([5_000, 5 * 60_000]);
  });

  it('takes "never heard of it" as evidence from 5 minutes on', () => {
    expect([0, 1, 2].map((lookups) => ask('unknown', lookups)?.provesAbsence)).toEqual([false, true, true]);
  });

  it('has nothing left to ask about an unknown outcome after the last rung: time alone never ends it', () => {
    expect(ask('unknown', lookupScheduleMs.length)).toBeNull();
  });

  it('ends a customer’s time after the given hours', () => {
    expect(ask('pending', lookupScheduleMs.length)).toEqual({
      atMs: Date.parse('2027-01-01T23:00:00.000Z'),
      provesAbsence: false,
      last: true,
    });
  });
});
