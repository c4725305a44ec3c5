import { Client, Connection } from '@temporalio/client';
import { attemptPayment } from '../../../activities/payment/attempt';
import { applyFirstPayment } from '../../../activities/subscription/first-payment';
import { commitCancellation } from '../../../activities/subscription/commands';
import { runGroup, type RunningGroup } from '../../../bridge/consumer';
import { paymentServiceHandlers } from '../../../bridge/consumers/payment-service';
import { startRelay, type Relay } from '../../../bridge/relay';
import {
  actor,
  completed,
  declined,
  givenBilling,
  noAnswer,
  type GivenBilling,
} from '../../support/given-billing';
import { freshKafka, quiet, type FreshKafka, type ReadRecord } from '../../support/topics';
import { until } from '../../support/until';

let given: GivenBilling;
let kafka: FreshKafka;
let connection: Connection;
let client: Client;
let relay: Relay;
let group: RunningGroup;
let failed: ReadRecord[];
let paid: ReadRecord[];
beforeAll(async () => {
  connection = await Connection.connect({ address: process.env['TEST_TEMPORAL_ADDRESS'] });
  client = new Client({ connection });
  [given, kafka] = await Promise.all([givenBilling(), freshKafka()]);
  [failed, paid] = await Promise.all([kafka.read('payments.failed'), kafka.read('payments.completed')]);
  relay = startRelay({ databaseUrl: given.url, db: given.db, kafka: kafka.client, log: quiet });
  const onFatal = (error: Error) => {
    throw error;
  };
  const handlers = paymentServiceHandlers({ db: given.db, client, incompleteHours: 23 });
  group = await runGroup(
    { kafka: kafka.client, db: given.db, log: quiet, onFatal },
    'payment-service',
    handlers,
  );
});
afterAll(async () => {
  await group.close();
  await relay.close();
  await Promise.all([kafka.end(), given.end(), connection.close()]);
});

const paymentOf = (id: string) => given.db.payment.findUniqueOrThrow({ where: { id } });
const attempt = (paymentId: string, outcome: typeof completed) => {
  given.provider.charges = [outcome];
  return attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
};
/** A subscription whose creation was concluded with its first payment open. */
async function incomplete(subscription_id: string) {
  const { paymentId } = await given.begun({ subscription_id });
  await attempt(paymentId, noAnswer);
  await applyFirstPayment(given.db, subscription_id);
  return paymentId;
}
const followUp = (paymentId: string) => client.workflow.getHandle(`payment/${paymentId}`);
const isFollowedUp = (paymentId: string) =>
  until('the follow-up runs', () =>
    followUp(paymentId)
      .describe()
      .catch(() => null),
  );
const about = (records: ReadRecord[], paymentId: string) =>
  records.filter(({ message }) => message.value?.toString().includes(`${paymentId}/attempt/`));
const announced = (paymentId: string) =>
  until('the payment is announced', async () => (await paymentOf(paymentId)).announced);

describe('group payment-service', () => {
  it('announces a first payment that is open, and starts its follow-up', async () => {
    const paymentId = await incomplete('sub_bridge_open');
    await announced(paymentId);
    await isFollowedUp(paymentId);
    expect(about([...failed, ...paid], paymentId)).toEqual([]);
    await attempt(paymentId, completed);
    await until('its outcome is published', async () => about(paid, paymentId).length === 1);
  });

  it('publishes an outcome that came about the time of the announcement exactly once', async () => {
    const { paymentId } = await given.begun({ subscription_id: 'sub_bridge_early' });
    await attempt(paymentId, noAnswer);
    await applyFirstPayment(given.db, 'sub_bridge_early');
    await attempt(paymentId, declined);
    await announced(paymentId);
    await isFollowedUp(paymentId);
    await until('its outcome is published', async () => about(failed, paymentId).length > 0);
    expect(await given.db.outboxEvent.count({ where: { subject: paymentId } })).toBe(1);
  });

  it('does nothing about a first payment that was paid at once', async () => {
    const { paymentId } = await given.begun({ subscription_id: 'sub_bridge_paid' });
    await attempt(paymentId, completed);
    await applyFirstPayment(given.db, 'sub_bridge_paid');
    // The next creation's record has another key: wait for both to be published, then for the later one's effect.
    const later = await incomplete('sub_bridge_later');
    await announced(later);
    expect((await paymentOf(paymentId)).announced).toBe(false);
    expect(await given.db.outboxEvent.count({ where: { subject: paymentId } })).toBe(0);
  });

  it('has the open payment of a cancelled subscription cancelled', async () => {
    const paymentId = await incomplete('sub_bridge_gone');
    const command = {
      command_id: 'sub_bridge_gone/c',
      mode: 'now',
      refund: 'none',
      reason: null,
      actor,
    } as const;
    await commitCancellation(given.db, 'sub_bridge_gone', command);
    const signal = await until('its follow-up is told', async () => {
      const { events } = await followUp(paymentId)
        .fetchHistory()
        .catch(() => ({ events: [] }));
      return events?.find((event) => event.workflowExecutionSignaledEventAttributes);
    });
    expect(signal.workflowExecutionSignaledEventAttributes?.signalName).toBe('cancel');
  });

  it('puts aside what speaks of a payment that does not exist', async () => {
    const handlers = paymentServiceHandlers({ db: given.db, client, incompleteHours: 23 });
    const paymentId = await incomplete('sub_bridge_known');
    const { payload } = await given.db.outboxEvent.findFirstOrThrow({
      where: { subject: 'sub_bridge_known' },
    });
    const { data } = JSON.parse((payload ?? '{}').replaceAll(paymentId, 'pay_nobody')) as { data: never };
    const handled = handlers['subscriptions.created']?.({ id: 'x', subject: undefined, time: '', data });
    await expect(handled).rejects.toMatchObject({ name: 'Unprocessable', code: 'unknown_payment' });
  });
});

describe('announcing against settling', () => {
  it('publishes exactly one outcome, whoever comes first', async () => {
    const handlers = paymentServiceHandlers({ db: given.db, client, incompleteHours: 23 });
    for (let round = 0; round < 20; round += 1) {
      const id = `sub_bridge_race_${round}`;
      const paymentId = await incomplete(id);
      const { payload } = await given.db.outboxEvent.findFirstOrThrow({ where: { subject: id } });
      const { data } = JSON.parse(payload ?? '{}') as { data: never };
      const event = { id: 'x', subject: undefined, time: '', data };
      await Promise.all([
        handlers['subscriptions.created']?.(event),
        attempt(paymentId, round % 2 === 0 ? completed : declined),
      ]);
      expect(await given.db.outboxEvent.count({ where: { subject: paymentId } })).toBe(1);
    }
  });
});
