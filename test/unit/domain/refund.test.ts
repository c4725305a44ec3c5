import {
  decideRefund,
  refundAgainAfterMs,
  refundedStatus,
  refundNeedsOperator,
} from '../../../domain/payment/refund';

const paid = { status: 'completed', amount: 1000 } as const;

describe('a refund', () => {
  it.each([
    ['all of a payment', 0, null, 1000],
    ['a part', 0, 400, 400],
    ['all that is left', 400, null, 600],
    ['exactly what is left', 400, 600, 600],
  ])('may be %s', (_, reserved, wanted, amount) => {
    expect(decideRefund(paid, reserved, wanted)).toEqual({ kind: 'reserve', amount });
  });

  it.each([
    ['more_than_left', paid, 400, 601],
    ['nothing_left', paid, 1000, null],
    ['nothing_left', { ...paid, status: 'refunded' }, 1000, 1],
    ['not_paid', { ...paid, status: 'failed' }, 0, null],
    ['not_paid', { ...paid, status: 'unknown' }, 0, null],
    ['disputed', { ...paid, status: 'disputed' }, 0, null],
  ] as const)('is refused: %s', (reason, payment, reserved, wanted) => {
    expect(decideRefund(payment, reserved, wanted)).toEqual({ kind: 'refused', reason });
  });

  it('makes a payment partially refunded, then refunded; a disputed one stays disputed', () => {
    expect(refundedStatus(paid, 400)).toBe('partially_refunded');
    expect(refundedStatus({ ...paid, status: 'partially_refunded' }, 1000)).toBe('refunded');
    expect(refundedStatus({ ...paid, status: 'disputed' }, 1000)).toBe('disputed');
  });

  it('without a final answer is asked for less and less often, daily in the end, with a person told', () => {
    const minutes = [1, 2, 3, 4, 5, 6, 7, 100].map((asked) => refundAgainAfterMs(asked) / 60_000);
    expect(minutes).toEqual([1, 5, 15, 60, 360, 1440, 1440, 1440]);
    expect([6, 7].map(refundNeedsOperator)).toEqual([false, true]);
  });
});
