import { paymentServiceHandlers } from '../../../bridge/consumers/payment-service';
import type { EventData } from '../../../contracts/topics/events';
import { WorkflowClient } from '../../../temporal/client';
import { useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { outside, outsider } from '../../support/outside';
import { useTemporal } from '../../support/temporal';
import { someTrace } from '../../support/trace';

const given = useBilling();
const client = useTemporal();

const wanted: EventData<'payments.requested'> = {
  payment_id: 'pay_outside',
  customer_id: 'cus_1',
  subscription_id: null,
  amount: 5_000,
  currency: 'EUR',
  payment_method_id: null,
  reason: 'usage of March',
  actor: { ...actor, kind: 'external', id: 'meter' },
};
async function read(more: Partial<typeof wanted>): Promise<void> {
  const handlers = paymentServiceHandlers({
    db: given.db,
    client: new WorkflowClient(client),
    times: { incompleteHours: 23 },
    external: outside({ paymentMax: 5_000 }),
  });
  await handlers['payments.requested']?.({
    id: 'x',
    source: outsider,
    subject: undefined,
    time: '',
    trace: someTrace,
    data: { ...wanted, ...more },
  });
}
const runs = async (paymentId: string) => {
  const { status } = await client.workflow.getHandle(`payment/${paymentId}`).describe();
  return status.name;
};

describe('payments.requested', () => {
  it('of another producer gets its row, and its process', async () => {
    await read({});
    expect(await given.db.payment.findUnique({ where: { id: 'pay_outside' } })).toMatchObject({
      kind: 'manual',
      status: 'requested',
      amount: 5_000n,
      reason: 'usage of March',
      announced: true,
    });
    expect(await runs('pay_outside')).toBe('RUNNING');
  });

  it('read again changes nothing; of a payment that has ended it starts nothing', async () => {
    const before = await given.db.payment.findUnique({ where: { id: 'pay_outside' } });
    await read({});
    expect(await given.db.payment.findUnique({ where: { id: 'pay_outside' } })).toEqual(before);
    await given.db.payment.create({
      data: {
        id: 'pay_done',
        kind: 'manual',
        status: 'completed',
        customer_id: 'cus_1',
        currency: 'EUR',
        amount: 9_000,
        announced: true,
      },
    });
    // Larger than others may ask for: it is ours.
    await read({ payment_id: 'pay_done', amount: 9_000 });
    await expect(runs('pay_done')).rejects.toMatchObject({ name: 'WorkflowNotFoundError' });
  });

  it.each([
    ['another amount', { payment_id: 'pay_outside', amount: 4_999 }, 'contradicts_payment'],
    ['another currency', { payment_id: 'pay_outside', currency: 'USD' }, 'contradicts_payment'],
    ['another customer', { payment_id: 'pay_outside', customer_id: 'cus_2' }, 'contradicts_payment'],
    ['more than others may ask for', { payment_id: 'pay_large', amount: 5_001 }, 'amount_too_large'],
    ['an unknown customer', { payment_id: 'pay_who', customer_id: 'cus_none' }, 'unknown_customer'],
    [
      'an unknown subscription',
      { payment_id: 'pay_sub', subscription_id: 'sub_none' },
      'unknown_subscription',
    ],
    ['an id with a slash', { payment_id: 'pay/1' }, 'contradicts_payment'],
    ['text that PostgreSQL cannot keep', { payment_id: 'pay_nul', reason: 'a\u0000' }, 'contradicts_payment'],
  ])('with %s is put aside, and nothing is written', async (_, more, code) => {
    const before = await given.db.payment.count();
    await expect(read(more)).rejects.toMatchObject({ name: 'Unprocessable', code });
    expect(await given.db.payment.count()).toBe(before);
  });

  it('for the period of a subscription is not believed', async () => {
    const { paymentId, subscriptionId } = await given.begun();
    const terms = { payment_id: paymentId, subscription_id: subscriptionId, amount: 1000 };
    await expect(read(terms)).rejects.toMatchObject({ code: 'contradicts_payment' });
  });

  it('for a subscription that has ended is not believed', async () => {
    const { subscriptionId } = await given.begun();
    await given.db.subscription.update({ where: { id: subscriptionId }, data: { status: 'cancelled' } });
    const terms = { payment_id: 'pay_ended', subscription_id: subscriptionId };
    await expect(read(terms)).rejects.toMatchObject({ code: 'contradicts_subscription' });
  });
});
