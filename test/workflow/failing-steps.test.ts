/** W7: a step that fails for good holds up nothing behind it. */
import type { Subscription } from '../../contracts/http/subscriptions';
import { subscriptionStart } from '../../contracts/workflows/workflows';
import { scriptPayment } from '../support/workflows/payment-activities';
import { startOrRunning, startPayment } from '../support/workflows/payment-runs';
import { command, record, scriptSubscription } from '../support/workflows/subscription-activities';
import {
  startSubscriptionWorkers,
  type SubscriptionWorkers,
} from '../support/workflows/subscription-workers';
import { until } from '../support/until';

const actor = { type: 'operator', id: 'key_1' } as const;
const always = (calls: string[], what: string) => async () => {
  calls.push(what);
  throw new Error('this row cannot be read');
};

let subscriptions: SubscriptionWorkers;
beforeAll(async () => {
  subscriptions = await startSubscriptionWorkers();
});
afterAll(() => subscriptions.close());

/** Lets time pass until the work is done, as far as workflows wait for it. */
async function inSkippedTime<T>(work: Promise<T>): Promise<T> {
  const [done] = await Promise.all([work, subscriptions.time.env.sleep('5 minutes')]);
  return done;
}

describe('W7: a step of subscription/{id} that fails for good', () => {
  const cancel = (id: string) =>
    inSkippedTime(subscriptions.ask<Subscription>(id, null, 'cancel', [command(id)]));

  it('is repeated while a cancellation is answered: applying a payment', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    const failed: string[] = [];
    fake.row.current = record('active', 3, { open_payment_id: 'pay_2' });
    fake.activities.applyPayment = always(failed, 'apply');
    await subscriptions.run(fake, async () => {
      const { workflowType, ...options } = subscriptionStart({ subscription_id: 'sub_w7', creation: null });
      const handle = await subscriptions.time.env.client.workflow.start(workflowType, options);
      await until('it was tried', async () => failed.length > 0);
      expect((await cancel('sub_w7')).status).toBe('cancelled');
      await handle.result();
    });
  });

  it('leaves what a command has committed: the follow-up of an open charge cannot be started', async () => {
    const fake = scriptSubscription({ status: 'open' });
    const failed: string[] = [];
    fake.row.current = record('paused', 3);
    fake.activities.commitResumption = async () => ({
      kind: 'committed',
      record: fake.write('active', { open_payment_id: 'pay_2' }),
      opened_payment_id: 'pay_2',
    });
    fake.activities.startFollowUp = always(failed, 'follow up');
    await subscriptions.run(fake, async () => {
      const resumed = await inSkippedTime(
        subscriptions.ask<Subscription>('sub_w7_open', null, 'resume', [{ command_id: 'resume_1', actor }]),
      );
      expect(resumed.open_payment_id).toBe('pay_2');
      expect((await cancel('sub_w7_open')).status).toBe('cancelled');
    });
    expect(failed.length).toBeGreaterThan(1);
  });

  it('does not hold up the end of a creation that cannot be concluded', async () => {
    const fake = scriptSubscription({ status: 'open' }, 'incomplete');
    const failed: string[] = [];
    fake.activities.applyFirstPayment = always(failed, 'apply first');
    const { createSubscription: create } = fake.activities;
    fake.activities.createSubscription = async (wanted) => {
      const { current } = fake.row;
      if (current === null || current.subscription.version === 0) return create(wanted);
      return { kind: 'concluded', record: current };
    };
    await subscriptions.run(fake, async () => {
      const created = subscriptions.create('sub_w7_first', 1);
      await until('it was tried', async () => failed.length > 0);
      expect((await cancel('sub_w7_first')).status).toBe('cancelled');
      expect(await created).toBe('concluded');
      await subscriptions.time.env.client.workflow.getHandle('subscription/sub_w7_first').result();
    });
  });
});

describe('W7: a step of payment/{id} that fails for good', () => {
  it('is repeated while a refund is answered: looking an attempt up', async () => {
    const scripted = scriptPayment(subscriptions.time, 'pending', {
      kind: 'renewal',
      refunds: ['succeeded'],
    });
    const failed: string[] = [];
    scripted.activities.lookUp = always(failed, 'lookup');
    const { reserveRefund } = scripted.activities;
    scripted.activities.reserveRefund = (...args) => {
      scripted.settle('completed');
      return reserveRefund(...args);
    };
    await subscriptions.time.withWorker('payment-service', scripted.activities, async () => {
      const handle = await startPayment(subscriptions.time, 'pay_w7');
      await subscriptions.time.env.sleep('2 minutes');
      await until('it was tried', async () => failed.length > 0);
      const refund = await subscriptions.time.env.client.workflow.executeUpdateWithStart('refund', {
        startWorkflowOperation: startOrRunning('pay_w7'),
        args: [{ refund_id: 'ref_1', amount: null, reason: 'goodwill', actor }],
      });
      expect(refund).toMatchObject({ status: 'succeeded' });
      await handle.result();
    });
  });

  it('is repeated while a payment is cancelled: paying a refund', async () => {
    const scripted = scriptPayment(subscriptions.time, 'completed');
    const failed: string[] = [];
    scripted.promise('ref_1');
    scripted.activities.payRefund = always(failed, 'refund');
    await subscriptions.time.withWorker('payment-service', scripted.activities, async () => {
      const handle = await startPayment(subscriptions.time, 'pay_w7_refund');
      await subscriptions.time.env.sleep('2 minutes');
      await until('it was tried', async () => failed.length > 5);
      await handle.executeUpdate('cancel', { args: [{ reason: 'caller' }] });
      expect(scripted.whats()).toContain('cancel caller');
      await handle.terminate();
    });
  });
});
