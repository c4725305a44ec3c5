/** What counts against a card's budget: every attempt with that card, whosever method it is and whatever it paid. */
import { inTransaction } from '../../../prisma/client';
import { paymentRow } from '../../../billing/rows';
import { countedMethod, refusalNow } from '../../../billing/payment/retry-facts';
import { useBilling } from '../../support/billing';

const given = useBilling();
beforeAll(async () => {
  await given.db.customer.create({ data: { id: 'cus_2' } });
  const methods = [
    { id: 'pm_same', customer_id: 'cus_2', provider: 'sandbox', fingerprint: 'card', deleted_at: new Date() },
    { id: 'pm_elsewhere', customer_id: 'cus_2', provider: 'other', fingerprint: 'card' },
    { id: 'pm_unknown', customer_id: 'cus_2', provider: 'sandbox', fingerprint: null },
    { id: 'pm_unknown_2', customer_id: 'cus_2', provider: 'sandbox', fingerprint: null },
  ];
  await given.db.paymentMethod.createMany({ data: methods.map((one) => ({ ...one, token: one.id })) });
  await given.db.paymentMethod.update({
    where: { id: 'pm_1' },
    data: { fingerprint: 'card', brand: 'visa' },
  });
});

/** A failed payment of a customer, tried so often with a method. */
async function tried(id: string, payment_method_id: string, times: number): Promise<void> {
  const customer_id = payment_method_id === 'pm_1' ? 'cus_1' : 'cus_2';
  const money = { amount: 1000, currency: 'EUR' };
  await given.db.payment.create({
    data: { id, kind: 'manual', status: 'failed', customer_id, payment_method_id, announced: true, ...money },
  });
  await given.db.paymentAttempt.createMany({
    data: Array.from({ length: times }, (_, index) => ({
      payment_id: id,
      number: index + 1,
      idempotency_key: `${id}/${index + 1}`,
      trigger: 'manual',
      on_session: false,
      provider: 'sandbox',
      payment_method_id,
      status: 'failed',
      failure: { code: 'insufficient_funds', category: 'soft' },
      started_at: new Date(),
      settled_at: new Date(),
      ...money,
    })),
  });
}

const counted = async (id: string) => {
  const method = await given.db.paymentMethod.findUniqueOrThrow({ where: { id } });
  const found = await inTransaction(given.db, (tx) => countedMethod(tx, method, new Date()));
  return found?.attempts.length;
};
const refusal = async (paymentId: string) => {
  const payment = paymentRow(await given.db.payment.findUniqueOrThrow({ where: { id: paymentId } }));
  return inTransaction(given.db, (tx) => refusalNow(tx, payment, null, null, new Date()));
};

test('methods that are the same card share its budget; another provider’s and unknown ones have their own', async () => {
  await tried('pay_own', 'pm_1', 1);
  expect(await refusal('pay_own')).toBeNull();
  await tried('pay_elsewhere', 'pm_elsewhere', 30);
  await tried('pay_unknown', 'pm_unknown', 30);
  expect(await counted('pm_1')).toBe(1);
  expect(await counted('pm_unknown_2')).toBe(0);

  // Visa’s 20 in 30 days: 19 of them were another customer’s.
  await tried('pay_same', 'pm_same', 18);
  expect(await refusal('pay_own')).toBeNull();
  await tried('pay_same_2', 'pm_same', 1);

  expect(await counted('pm_1')).toBe(20);
  expect(await refusal('pay_own')).toBe('budget_exhausted');
});
