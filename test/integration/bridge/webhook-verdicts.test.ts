/** What each kind of webhook makes of a payment in each state, the words for people included; told again, no more. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { cancelPayment } from '../../../billing/payment/follow-up';
import { commitCancellation } from '../../../billing/subscription/commands';
import { inTransaction } from '../../../prisma/client';
import { reserveRefund } from '../../../billing/payment/reserve-refund';
import { settleRefund } from '../../../billing/payment/settle-refund';
import type { AttemptOutcome } from '../../../domain/payment/payment';
import { completed, declined, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { webhooksOf, type Webhooks } from '../../support/stored-webhooks';
import { verdicts, type State } from './webhook-verdicts';
import { useTemporal } from '../../support/temporal';

const given = useBilling();
const temporal = useTemporal();
let webhooks: Webhooks;
beforeAll(async () => {
  webhooks = webhooksOf(given.db, temporal);
});

interface Known {
  paymentId: string;
  subscriptionId: string;
}

const asked = (paymentId: string, number: number, outcome: AttemptOutcome) => {
  given.provider.charges = [outcome];
  return attemptPayment(given, { payment_id: paymentId, number, trigger: 'renewal' });
};

/** How a renewal's payment of 1000 EUR came to be as it is; each is made anew. */
const states: Record<State, (known: Known) => Promise<unknown>> = {
  begun: ({ paymentId }: Known) =>
    beginAttempt(given.db, { payment_id: paymentId, number: 1, trigger: 'renewal' }, false),
  completed: ({ paymentId }: Known) => asked(paymentId, 1, completed),
  failed: ({ paymentId }: Known) => asked(paymentId, 1, declined),
  'failed, then completed by the second attempt': async ({ paymentId }: Known) => {
    await asked(paymentId, 1, declined);
    await asked(paymentId, 2, { status: 'completed', provider_reference: 'ch_2' });
  },
  uncollectible: async ({ paymentId }: Known) => {
    await asked(paymentId, 1, declined);
    await given.db.payment.update({ where: { id: paymentId }, data: { status: 'uncollectible' } });
  },
  'cancelled after a failure': async ({ paymentId }: Known) => {
    await asked(paymentId, 1, declined);
    await cancelPayment(given, paymentId, 'not wanted');
  },
  'begun, and its subscription cancelled': async (known: Known) => {
    await states.begun(known);
    const command = {
      command_id: `${known.paymentId}/c`,
      mode: 'now',
      refund: 'none',
      reason: null,
      actor,
    } as const;
    await commitCancellation(given, known.subscriptionId, command);
  },
  disputed: async (known: Known) => {
    await states.completed(known);
    await webhooks.consume(await webhooks.stored(known.paymentId, { dispute: true }));
  },
  'completed, 400 of it asked back': async (known: Known) => {
    await states.completed(known);
    const request = { refund_id: `rfd_${known.paymentId}`, amount: 400, reason: 'asked', actor };
    await inTransaction(given.db, (tx) => reserveRefund(tx, { ...request, payment_id: known.paymentId }));
  },
  'completed, 400 of it given back': async (known: Known) => {
    await states['completed, 400 of it asked back'](known);
    const outcome = { status: 'succeeded', provider_reference: 're_1' } as const;
    await inTransaction(given.db, (tx) => settleRefund(tx, `rfd_${known.paymentId}`, outcome));
  },
};

/** Everything that the payment came to. */
async function standing(paymentId: string) {
  const { status, version } = await given.db.payment.findUniqueOrThrow({ where: { id: paymentId } });
  const tasks = await given.db.operatorTask.findMany({ where: { subject_id: paymentId } });
  const refunds = await given.db.refund.findMany({ where: { payment_id: paymentId } });
  const unwanted = refunds.filter(({ requested_by }) => (requested_by as { kind: string }).kind === 'system');
  return {
    version,
    payment: status,
    tasks: tasks.map(({ kind }) => kind),
    givenBack: unwanted.map(({ reason, amount }) => `${amount} ${reason}`),
  };
}

test.each(verdicts)(
  '$state: it is told $what',
  async ({ state, reported, verdict, payment, task, givenBack }) => {
    const known = await given.begun();
    const { paymentId } = known;
    await given.db.payment.update({ where: { id: paymentId }, data: { kind: 'renewal' } });
    await states[state](known);

    const webhook = await webhooks.stored(
      paymentId,
      typeof reported === 'function' ? reported(paymentId) : reported,
    );
    await webhooks.consume(webhook);

    const delivery = await given.db.webhookDelivery.findUniqueOrThrow({ where: { id: webhook.deliveryId } });
    expect([delivery.status, delivery.outcome?.replace(/rfd_\w+/, 'rfd')]).toEqual(verdict);
    const once = await standing(paymentId);
    expect(once).toMatchObject({
      payment,
      tasks: task === undefined ? [] : [task],
      givenBack: givenBack === undefined ? [] : [`1000 ${givenBack}`],
    });
    await webhooks.consume(webhook);
    expect(await standing(paymentId)).toEqual(once);
  },
);
