import { waitsForPayment } from '../../../domain/subscription/open-payment';

const idle = { status: 'active', open_payment_id: null, pending_change: null } as const;
const change = {
  plan_id: 'plan_2',
  quantity: 1,
  effective: 'when_paid',
  effective_at: null,
  payment_id: 'pay_change',
} as const;

describe('a subscription that waits for a payment', () => {
  it('waits for the payment of its open period', () => {
    expect(waitsForPayment({ ...idle, open_payment_id: 'pay_1' }, 'pay_1')).toBe(true);
    expect(waitsForPayment({ ...idle, open_payment_id: 'pay_1' }, 'pay_2')).toBe(false);
  });

  it('waits for the payment of its pending change', () => {
    expect(waitsForPayment({ ...idle, pending_change: change }, 'pay_change')).toBe(true);
  });

  it('waits for nothing when it has neither, or is final', () => {
    expect(waitsForPayment(idle, 'pay_1')).toBe(false);
    expect(waitsForPayment({ ...idle, status: 'expired', open_payment_id: 'pay_1' }, 'pay_1')).toBe(false);
  });
});
