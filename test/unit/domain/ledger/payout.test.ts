/** Which payments pay a customer's credit out. */
import { decidePayout, type PayingPayment } from '../../../../domain/ledger/payout';

const paying = (id: string, credit: number, left = credit, step = 1): PayingPayment => ({
  id,
  credit,
  left,
  step,
});
const parts = (...amounts: [string, number][]) => ({
  kind: 'pays',
  parts: amounts.map(([payment_id, amount]) => ({ payment_id, amount })),
});

it('pays an amount out of the first payments, and no more of each than is left of it', () => {
  const payments = [paying('a', 500, 300), paying('b', 400), paying('c', 200)];
  expect(decidePayout(payments, 600)).toEqual(parts(['a', 300], ['b', 300]));
  expect(decidePayout(payments, 300)).toEqual(parts(['a', 300]));
});

it('pays all of it out when no amount is named', () => {
  expect(decidePayout([paying('a', 500, 300), paying('b', 400)], null)).toEqual(
    parts(['a', 300], ['b', 400]),
  );
});

it('is refused beyond what the payments can give back', () => {
  const payments = [paying('a', 500, 300), paying('b', 400, 0)];
  expect(decidePayout(payments, 301)).toEqual({ kind: 'refused', reason: 'not_enough', payable: 300 });
  expect(decidePayout([paying('b', 400, 0)], null)).toMatchObject({ reason: 'not_enough', payable: 0 });
  expect(decidePayout([], null)).toMatchObject({ reason: 'not_enough', payable: 0 });
});

it('pays each payment in the steps of its provider, and says what can be paid instead', () => {
  const payments = [paying('a', 1_005, 1_005, 10), paying('b', 300, 300, 10)];
  expect(decidePayout(payments, null)).toEqual(parts(['a', 1_000], ['b', 300]));
  expect(decidePayout(payments, 1_200)).toEqual(parts(['a', 1_000], ['b', 200]));
  expect(decidePayout(payments, 1_205)).toEqual({ kind: 'refused', reason: 'not_in_steps', payable: 1_200 });
  expect(decidePayout(payments, 1_305)).toEqual({ kind: 'refused', reason: 'not_enough', payable: 1_300 });
});
