import {
  decideRefund,
  decideRefundSettlement,
  refundAgainAfterMs,
  refundedStatus,
  refundNeedsOperator,
} from '../../../domain/payment/refund';

const paid = { status: 'completed', amount: 1000, disputed: 0, lost: 0 } as const;

describe('a refund', () => {
  it.each([
    ['all of a payment', 1000, null, 1000],
    ['a part', 1000, 400, 400],
    ['all that is left', 600, null, 600],
    ['exactly what is left', 600, 600, 600],
  ])('may be %s', (_, left, wanted, amount) => {
    expect(decideRefund('completed', left, wanted)).toEqual({ kind: 'reserve', amount });
  });

  it.each([
    ['more_than_left', 'completed', 600, 601],
    ['nothing_left', 'completed', 0, null],
    ['nothing_left', 'refunded', 0, 1],
    ['not_paid', 'failed', 1000, null],
    ['not_paid', 'unknown', 1000, null],
    ['disputed', 'disputed', 1000, null],
  ] as const)('is refused: %s', (reason, status, left, wanted) => {
    expect(decideRefund(status, left, wanted)).toEqual({ kind: 'refused', reason });
  });

  it('makes a payment partially refunded, then refunded; a disputed one stays disputed', () => {
    expect(refundedStatus(paid, 400)).toBe('partially_refunded');
    expect(refundedStatus({ ...paid, status: 'partially_refunded' }, 1000)).toBe('refunded');
    expect(refundedStatus({ ...paid, status: 'disputed' }, 1000)).toBe('disputed');
    expect(refundedStatus({ ...paid, disputed: 300 }, 0)).toBe('disputed');
    expect(refundedStatus({ ...paid, lost: 600 }, 400)).toBe('disputed');
    // The refund failed after it had succeeded: there is something to give back again.
    expect(refundedStatus({ ...paid, status: 'disputed', lost: 600 }, 0)).toBe('completed');
  });

  it.each([
    ['pending', null, 'succeeded', 'paid'],
    ['pending', null, 'failed', 'failed'],
    ['pending', null, 'pending', 'noted'],
    ['succeeded', null, 'succeeded', 'unchanged'],
    ['succeeded', null, 'pending', 'unchanged'],
    ['succeeded', null, 'failed', 'failed_after_success'],
    ['failed', null, 'failed', 'unchanged'],
    ['failed', null, 'succeeded', 'paid'],
    ['failed', new Date(0), 'succeeded', 'paid_after_release'],
  ] as const)(
    'that is %s (given up: %s) and reported to be %s is %s',
    (status, released_at, reported, kind) => {
      const outcome =
        reported === 'failed'
          ? { status: reported, provider_reference: 're_1', reason: 'declined' }
          : { status: reported, provider_reference: 're_1' };
      expect(decideRefundSettlement({ status, released_at }, outcome)).toEqual({ kind });
      expect(
        decideRefundSettlement({ status, released_at }, { status: 'unknown', reason: 'timeout' }),
      ).toEqual({
        kind: 'unchanged',
      });
    },
  );

  it('of which nothing went is none: the payment is completed again', () => {
    expect(refundedStatus({ ...paid, status: 'refunded' }, 0)).toBe('completed');
  });

  it('without a final answer is asked for less and less often, daily in the end, with a person told', () => {
    const minutes = [1, 2, 3, 4, 5, 6, 7, 100].map((asked) => refundAgainAfterMs(asked) / 60_000);
    expect(minutes).toEqual([1, 5, 15, 60, 360, 1440, 1440, 1440]);
    expect([6, 7].map(refundNeedsOperator)).toEqual([false, true]);
  });
});
