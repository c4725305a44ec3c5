import { attemptPayment } from '../../../billing/payment/attempt';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { commitCancellation } from '../../../billing/subscription/commands';
import { runGroup, type RunningGroup } from '../../../bridge/consumer/consumer';
import { paymentServiceHandlers } from '../../../bridge/consumers/payment-service';
import { startRelay, type Relay } from '../../../bridge/relay/relay';
import { retryStart } from '../../../contracts/workflows/workflows';
import { inTransaction } from '../../../prisma/client';
import { completed, declined, noAnswer, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { nothingOutside } from '../../support/outside';
import { subscriptionRecords } from '../../support/own-records';
import { freshKafka, silentLog, type FreshKafka, type ReadRecord } from '../../support/kafka/fresh-kafka';
import { useTemporal } from '../../support/temporal';
import { until } from '../../support/until';
import { WorkflowClient } from '../../../temporal/client';

const given = useBilling();
const client = useTemporal();
let kafka: FreshKafka;
let relay: Relay;
let group: RunningGroup;
let failed: ReadRecord[];
let paid: ReadRecord[];
beforeAll(async () => {
  kafka = await freshKafka();
  [failed, paid] = await Promise.all([kafka.read('payments.failed'), kafka.read('payments.completed')]);
  relay = startRelay({ databaseUrl: given.url, db: given.db, kafka: kafka.client, log: silentLog });
  const onFatal = (error: Error) => {
    throw error;
  };
  group = await runGroup(
    { kafka: kafka.client, db: given.db, log: silentLog, onFatal },
    'payment-service',
    handlers(),
  );
});
afterAll(async () => {
  await group.close();
  await relay.close();
  await kafka.end();
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
/** The name of the first signal that a workflow got. */
async function signalTo(workflowId: string) {
  const signalled = await until(`${workflowId} is told`, async () => {
    const { events } = await client.workflow
      .getHandle(workflowId)
      .fetchHistory()
      .catch(() => ({ events: [] }));
    return events?.find((event) => event.workflowExecutionSignaledEventAttributes);
  });
  return signalled.workflowExecutionSignaledEventAttributes?.signalName;
}
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

const handlers = () =>
  paymentServiceHandlers({
    db: given.db,
    client: new WorkflowClient(client),
    times: { incompleteHours: 23 },
    external: nothingOutside,
  });
const cancel = (id: string) => {
  const command = { command_id: `${id}/c`, mode: 'now', refund: 'none', reason: null, actor } as const;
  return commitCancellation(given, id, command);
};
/** A subscription that was paid (or not) at its creation and is cancelled now; its first payment. */
async function cancelledWith(subscription_id: string, outcome: typeof completed): Promise<string> {
  const known = await given.db.subscription.findUnique({ where: { id: subscription_id } });
  const { paymentId } =
    known === null ? await given.begun({ subscription_id }) : { paymentId: known.first_payment_id ?? '' };
  await attempt(paymentId, outcome);
  await applyFirstPayment(given.db, subscription_id);
  await cancel(subscription_id);
  return paymentId;
}
/** A later payment of the same subscription, which was taken. */
async function later(subscription_id: string, id: string, amount: number): Promise<string> {
  await given.begun({ subscription_id });
  await given.db.payment.create({
    data: {
      id,
      kind: 'renewal',
      status: 'requested',
      customer_id: 'cus_1',
      payment_method_id: 'pm_1',
      subscription_id,
      currency: 'EUR',
      amount,
      announced: true,
      created_at: new Date(Date.now() + 60_000),
    },
  });
  await attempt(id, completed);
  return id;
}
const records = subscriptionRecords(given);

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
    await cancel('sub_bridge_gone');
    expect(await signalTo(`payment/${paymentId}`)).toBe('cancel');
  });

  it('tells whoever waits to try a failed payment of a cancelled subscription again', async () => {
    const [id, renewal] = ['sub_bridge_dunned', 'pay_bridge_dunned'];
    const { paymentId } = await given.begun({ subscription_id: id });
    await attempt(paymentId, completed);
    await applyFirstPayment(given.db, id);
    const price = { currency: 'EUR', amount: 1000, announced: true };
    await given.db.payment.create({
      data: {
        id: renewal,
        kind: 'renewal',
        status: 'failed',
        customer_id: 'cus_1',
        subscription_id: id,
        ...price,
      },
    });
    const { workflowType, ...options } = retryStart(renewal);
    await client.workflow.start(workflowType, options);
    await cancel(id);
    expect(await signalTo(`retry/${renewal}`)).toBe('settled');
  });

  it('gives back what was taken after the cancellation, and what the cancellation asks for, once', async () => {
    const newest = await later('sub_bridge_refund', 'pay_bridge_newest', 300);
    const oldest = await cancelledWith('sub_bridge_refund', completed);
    const event = await records.oldCancellation('sub_bridge_refund', { amount: 700, currency: 'EUR' });
    for (let reading = 0; reading < 3; reading += 1) await handlers()['subscriptions.cancelled']?.(event);
    const amounts = (paymentId: string) =>
      given.db.refund.findMany({
        where: { payment_id: paymentId },
        select: { amount: true, id: true },
      });
    expect(await amounts(newest)).toMatchObject([{ amount: 300n }]);
    expect(await amounts(oldest)).toMatchObject([{ amount: 400n }]);
    for (const paymentId of [newest, oldest]) await isFollowedUp(paymentId);
  });

  it('gives back no more than was taken, and tells a person what is missing', async () => {
    const paymentId = await cancelledWith('sub_bridge_too_much', completed);
    await handlers()['subscriptions.cancelled']?.(
      await records.oldCancellation('sub_bridge_too_much', { amount: 1500, currency: 'EUR' }),
    );
    expect(await given.db.refund.findMany({ where: { payment_id: paymentId } })).toMatchObject([
      { amount: 1000n },
    ]);
    const tasks = await given.db.operatorTask.findMany({ where: { subject_id: 'sub_bridge_too_much' } });
    expect(tasks).toMatchObject([{ kind: 'refund_failed' }]);
    expect(tasks[0]?.detail).toContain('5.00 EUR');
  });

  it('believes no cancellation that our own rows do not know', async () => {
    const { paymentId } = await given.begun({ subscription_id: 'sub_bridge_forged' });
    await attempt(paymentId, completed);
    await applyFirstPayment(given.db, 'sub_bridge_forged');
    const event = await records.cancellation('sub_bridge_forged', { amount: 1000, currency: 'EUR' });
    await expect(handlers()['subscriptions.cancelled']?.(event)).rejects.toMatchObject({
      name: 'Unprocessable',
      code: 'contradicts_subscription',
    });
    expect(await given.db.refund.count({ where: { payment_id: paymentId } })).toBe(0);
  });

  it('gives nothing back for a version that our own history does not know as the cancellation', async () => {
    const paymentId = await cancelledWith('sub_bridge_other_version', completed);
    const event = await records.cancellation('sub_bridge_other_version', { amount: 1000, currency: 'EUR' });
    event.data.subscription.version = 1;
    await expect(handlers()['subscriptions.cancelled']?.(event)).rejects.toMatchObject({
      name: 'Unprocessable',
      code: 'contradicts_subscription',
    });
    expect(await given.db.refund.count({ where: { payment_id: paymentId } })).toBe(0);
  });

  it('puts aside what speaks of a payment that does not exist', async () => {
    const paymentId = await incomplete('sub_bridge_known');
    const event = await records.created('sub_bridge_known', [paymentId, 'pay_nobody']);
    const handled = handlers()['subscriptions.created']?.(event);
    await expect(handled).rejects.toMatchObject({ name: 'Unprocessable', code: 'unknown_payment' });
  });
});

describe('announcing against settling', () => {
  it('publishes exactly one outcome, whoever comes first', async () => {
    for (let round = 0; round < 20; round += 1) {
      const id = `sub_bridge_race_${round}`;
      const paymentId = await incomplete(id);
      const event = await records.created(id);
      await Promise.all([
        handlers()['subscriptions.created']?.(event),
        attempt(paymentId, round % 2 === 0 ? completed : declined),
      ]);
      expect(await given.db.outboxEvent.count({ where: { subject: paymentId } })).toBe(1);
    }
  });

  it('waits for a settlement that is not committed yet, and then publishes its outcome', async () => {
    const [id, template] = ['sub_bridge_settling', 'sub_bridge_template'];
    const { paymentId } = await given.begun({ subscription_id: id });
    // Made of another one's record and history: no record of its own has the group announce it as well.
    const other = await incomplete(template);
    const event = await records.created(template, [other, paymentId], [template, id]);
    await given.db.$executeRaw`
      INSERT INTO changes (subject_id, version, command_id, changes, previous, actor, result, at)
      SELECT ${id}, version, ${id}, changes, previous, actor, result, at FROM changes
      WHERE subject_id = ${template}`;
    const { announcing } = await inTransaction(given.db, async (tx) => {
      await settleAttempt(tx, paymentId, 1, declined, 'webhook');
      const announced = handlers()['subscriptions.created']?.(event);
      await until('the announcement waits', async () => {
        const waiting = await given.db.$queryRaw<unknown[]>`
          SELECT FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted`;
        return waiting.length > 0;
      });
      return { announcing: announced };
    });
    await announcing;
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'failed', announced: true });
    expect(await given.db.outboxEvent.count({ where: { subject: paymentId } })).toBe(1);
  });
});
