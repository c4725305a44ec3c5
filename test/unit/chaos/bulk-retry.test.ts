import type { Charge } from '../../../providers/sandbox/charge';
import { onceEach, type RetriedPayment } from '../../chaos/bulk-retry';

const retried: RetriedPayment = {
  id: 'pay_1',
  status: 'completed',
  token: 'tok_ok#1',
  attempts: 1,
  all_attempts: 2,
  requests: 'attempted',
};
const charge = {
  id: 'ch_1',
  idempotency_key: 'pay_1/2',
  metadata: { payment_id: 'pay_1' },
} as unknown as Charge;
const declined = { ...retried, status: 'failed', token: 'tok_insufficient_funds#1' };

test('each tried once breaks nothing', () => {
  expect(onceEach([retried], [charge])).toEqual([]);
  expect(onceEach([declined], [charge])).toEqual([]);
});

test.each([
  [{ attempts: 2, all_attempts: 3 }, [charge], 'pay_1 was tried 2 times'],
  [{ all_attempts: 3 }, [charge], 'pay_1 was tried 1 times (3 attempts in all)'],
  [{ requests: 'refused completed' }, [charge], 'the retry request for pay_1 ended as refused completed'],
  [
    { requests: 'attempted, attempted' },
    [charge],
    'the retry request for pay_1 ended as attempted, attempted',
  ],
  [{}, [], 'the provider has 0 charges of pay_1'],
  [{}, [charge, charge], 'the provider has 2 charges of pay_1'],
  [{ status: 'failed' }, [charge], 'pay_1 with tok_ok#1 is failed'],
])('%j breaks it', (change, charges, violation) => {
  expect(onceEach([{ ...retried, ...change }], charges)).toEqual([expect.stringContaining(violation)]);
});
