/** Group payment-service on webhooks.received: whoever waits for a payment is told, and nobody is made up. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { paymentStart } from '../../../contracts/workflows/workflows';
import { completed, declined, useBilling, pending } from '../../support/billing';
import { webhooksOf, type Reported, type Webhooks } from '../../support/stored-webhooks';
import { until } from '../../support/until';
import { useTemporal } from '../../support/temporal';

const given = useBilling();
const client = useTemporal();
let webhooks: Webhooks;
beforeAll(async () => {
  webhooks = webhooksOf(given.db, client);
});

const stored = (paymentId: string, reported?: Reported) => webhooks.stored(paymentId, reported);
const consume = (record: { data: { delivery_id: string } }) => webhooks.consume(record);
const deliveryOf = (id: string) => given.db.webhookDelivery.findUniqueOrThrow({ where: { id } });
let subscriptions = 0;
/** Ids of this file's own: others' workflows are on the same server. */
const begun = () => {
  subscriptions += 1;
  return given.begun({ subscription_id: `sub_waits_${subscriptions}` });
};
const begin = (paymentId: string) =>
  beginAttempt(given.db, { payment_id: paymentId, number: 1, trigger: 'first' }, false);
const attempt = (paymentId: string, outcome: typeof completed) => {
  given.provider.charges = [outcome];
  return attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
};

/** A payment whose attempt is on its way. */
async function inFlight(more: object): Promise<string> {
  const { paymentId } = await begun();
  await begin(paymentId);
  await given.db.payment.update({ where: { id: paymentId }, data: more });
  return paymentId;
}

describe('whoever waits', () => {
  const followUp = (paymentId: string) => client.workflow.getHandle(`payment/${paymentId}`);
  const signals = async (paymentId: string) => {
    const { events: history } = await followUp(paymentId).fetchHistory();
    return (history ?? [])
      .map((event) => event.workflowExecutionSignaledEventAttributes?.signalName)
      .filter((name) => name !== undefined && name !== null);
  };
  const isThere = (paymentId: string) =>
    followUp(paymentId)
      .describe()
      .then(
        () => true,
        () => false,
      );

  it('is told by the signal settled, after the rows say so', async () => {
    const paymentId = await inFlight({ announced: true });
    const { workflowType, ...options } = paymentStart(paymentId, { incompleteHours: 23 });
    await client.workflow.start(workflowType, options);
    await consume(await stored(paymentId));
    expect(await signals(paymentId)).toEqual(['settled']);
  });

  it('is told of a failure, too, which the webhook handler has settled', async () => {
    const paymentId = await inFlight({ announced: true });
    const { workflowType, ...options } = paymentStart(paymentId, { incompleteHours: 23 });
    await client.workflow.start(workflowType, options);
    await consume(await stored(paymentId, { status: 'failed' }));
    expect(await signals(paymentId)).toEqual(['settled']);
  });

  it('is not made up: nobody followed up, nobody waits', async () => {
    const { paymentId } = await begun();
    await begin(paymentId);
    await consume(await stored(paymentId));
    expect(await isThere(paymentId)).toBe(false);
    const paid = await begun();
    await attempt(paid.paymentId, completed);
    await consume(await stored(paid.paymentId));
    expect(await isThere(paid.paymentId)).toBe(false);
  });

  it('is started again where a subscription was answered as incomplete and lost its follow-up', async () => {
    const { paymentId, subscriptionId } = await begun();
    await attempt(paymentId, pending);
    await applyFirstPayment(given.db, subscriptionId);
    await consume(await stored(paymentId));
    await until('the follow-up runs', () => isThere(paymentId));
  });

  it('hears nothing twice from an attempt that a decline of our own has settled', async () => {
    const { paymentId } = await begun();
    await attempt(paymentId, declined);
    const reported = await stored(paymentId, { status: 'failed' });
    await consume(reported);
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({ status: 'processed' });
    expect(await isThere(paymentId)).toBe(false);
  });
});
