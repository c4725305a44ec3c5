/**
 * Refunds and disputes that were made at the provider name no payment of ours, only its charge: how the payment is found.
 */
import { attemptPayment } from '../../../billing/payment/attempt';
import { replayDelivery } from '../../../billing/webhook/deliveries';
import { inTransaction } from '../../../prisma/client';
import { useBilling } from '../../support/billing';
import { webhooksOf, type Reported, type Webhooks } from '../../support/stored-webhooks';
import { useTemporal } from '../../support/temporal';

const given = useBilling();
const client = useTemporal();
let webhooks: Webhooks;
beforeAll(() => {
  webhooks = webhooksOf(given.db, client);
});

const deliveryOf = (id: string) => given.db.webhookDelivery.findUniqueOrThrow({ where: { id } });
const paymentOf = (id: string) => given.db.payment.findUniqueOrThrow({ where: { id } });

async function begun(): Promise<{ paymentId: string; pay(reference: string): Promise<unknown> }> {
  const { paymentId } = await given.begun();
  const pay = (reference: string) => {
    given.provider.charges = [{ status: 'completed', provider_reference: reference }];
    return attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
  };
  return { paymentId, pay };
}

const reports: [string, (reference: string) => Reported][] = [
  ['a dispute', (reference) => ({ reference, dispute: { dispute_reference: 'du_1', status: 'opened' } })],
  ['a refund', (reference) => ({ reference, refund: { idempotency_key: null, amount: 400 } })],
];

describe.each(reports)('%s that names no payment', (what, reportOf) => {
  const charge = `ch_of_${what.replace(' ', '_')}`;

  it('belongs to the payment that has its charge', async () => {
    const { paymentId, pay } = await begun();
    await pay(charge);
    const reported = await webhooks.stored(null, reportOf(charge));
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({ payment_id: paymentId });
    await webhooks.consume(reported);
    const { outcome } = await deliveryOf(reported.deliveryId);
    expect(outcome).not.toBe('It is about nothing of ours.');
  });

  it('belongs to nobody when another provider tells it', async () => {
    const reported = await webhooks.stored(null, { ...reportOf(charge), provider: 'other' });
    await webhooks.consume(reported);
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({
      payment_id: null,
      status: 'ignored',
      outcome: 'It is about nothing of ours.',
    });
  });

  it('is found by a later look, when it came before the charge was known', async () => {
    const { paymentId, pay } = await begun();
    const early = await webhooks.stored(null, reportOf(`${charge}_early`));
    expect(await deliveryOf(early.deliveryId)).toMatchObject({ payment_id: null });
    await pay(`${charge}_early`);
    await webhooks.consume(early);
    const { outcome, payment_id } = await deliveryOf(early.deliveryId);
    expect(payment_id).toBe(paymentId);
    expect(outcome).not.toBe('It is about nothing of ours.');
  });

  it('is found by a replay, when it was ignored before the charge was known', async () => {
    const { paymentId, pay } = await begun();
    const early = await webhooks.stored(null, reportOf(`${charge}_again`));
    await webhooks.consume(early);
    expect(await deliveryOf(early.deliveryId)).toMatchObject({ status: 'ignored', payment_id: null });
    await pay(`${charge}_again`);
    await inTransaction(given.db, (tx) => replayDelivery(tx, early.deliveryId));
    await webhooks.consume(early);
    expect(await deliveryOf(early.deliveryId)).toMatchObject({ payment_id: paymentId });
  });
});

it.each([
  ['inquiry', 'ignored'],
  ['won', 'processed'],
] as const)('a dispute that is no more than %s takes nothing: it is %s', async (status, verdict) => {
  const { paymentId, pay } = await begun();
  await pay(`ch_${status}`);
  const reported = await webhooks.stored(null, { reference: `ch_${status}`, dispute: { status } });
  await webhooks.consume(reported);
  expect(await deliveryOf(reported.deliveryId)).toMatchObject({ status: verdict, payment_id: paymentId });
  expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed' });
});
