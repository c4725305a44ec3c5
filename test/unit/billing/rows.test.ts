import { attemptRow, paymentRow, subscriptionRow } from '../../../billing/rows';

describe('a row that was read through a Prisma model', () => {
  it('is passed on as it is when the contract knows its words', () => {
    const row = { id: 'pay_1', kind: 'renewal', status: 'failed', amount: 100n };
    expect(paymentRow(row)).toBe(row);
  });

  it('is refused with its table, its key and the column when the contract does not know a word', () => {
    expect(() => paymentRow({ id: 'pay_1', status: 'lost' })).toThrow(
      'payments: row ["pay_1"] has an unknown status: "lost"',
    );
    expect(() => attemptRow({ payment_id: 'pay_1', number: 2, trigger: 'chance' })).toThrow(
      'payment_attempts: row ["pay_1",2] has an unknown trigger: "chance"',
    );
  });

  it('may lack a column that was not selected, and hold null where the column allows it', () => {
    expect(subscriptionRow({ status: 'active', paused_from: null })).toEqual({
      status: 'active',
      paused_from: null,
    });
  });
});
