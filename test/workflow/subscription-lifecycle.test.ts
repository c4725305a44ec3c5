import type { WorkflowUpdateFailedError } from '@temporalio/client';
import { subscriptionStart } from '../../contracts/workflows/workflows';
import { failure } from '../../domain/payment/payment';
import {
  changeCommand,
  command,
  record,
  scriptSubscription,
} from '../support/workflows/subscription-activities';
import {
  startSubscriptionWorkers,
  type SubscriptionWorkers,
} from '../support/workflows/subscription-workers';
import { actor } from '../support/creation';
import { until } from '../support/until';

let subscriptions: SubscriptionWorkers;
beforeAll(async () => {
  subscriptions = await startSubscriptionWorkers();
});
afterAll(() => subscriptions.close());
const ask: SubscriptionWorkers['ask'] = (...args) => subscriptions.ask(...args);
const create: SubscriptionWorkers['create'] = (...args) => subscriptions.create(...args);
const run: SubscriptionWorkers['run'] = (...args) => subscriptions.run(...args);
const handleOf = (id: string) => subscriptions.time.env.client.workflow.getHandle(`subscription/${id}`);

describe('the life of subscription/{id}', () => {
  it('takes over in one task what a renewal run has made of the row, and charges nothing', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    await run(fake, async () => {
      await create('sub_looks');
      const handle = handleOf('sub_looks');
      const before = (await handle.fetchHistory()).events?.length ?? 0;
      fake.row.current = record('past_due', 4, { open_payment_id: 'pay_2' });
      await handle.signal('look', {});
      await until('it has looked', async () => {
        const { events } = await handle.fetchHistory();
        return events?.slice(before).some(({ markerRecordedEventAttributes: marker }) => marker);
      });
      const events = ((await handle.fetchHistory()).events ?? []).slice(before);
      expect(events.filter(({ workflowTaskStartedEventAttributes: started }) => started)).toHaveLength(1);
      await handle.executeUpdate('cancel', { args: [command('sub_looks')] });
    });
    expect(fake.log).not.toContain('attempt renewal');
  });

  it.each([
    ['without a payload', undefined],
    ['with one', {}],
  ])('ends when it looks, %s, and its row says that it has ended', async (name, payload) => {
    const fake = scriptSubscription({ status: 'completed' });
    const id = `sub_ended_elsewhere_${name.replaceAll(' ', '_')}`;
    await run(fake, async () => {
      await create(id);
      const handle = handleOf(id);
      // Committed by a worker that was killed before it could say so.
      fake.row.current = record('cancelled', 2);
      await handle.signal('look', ...(payload === undefined ? [] : [payload]));
      await until('it has ended', async () => (await handle.describe()).status.name === 'COMPLETED');
    });
  });

  it.each([
    ['declined', { status: 'failed', failure: failure('do_not_honor', '') }, 'attempt renewal', false],
    ['open', { status: 'open' }, 'follow up', true],
    ['being_made', { status: 'open', under_way_ms: 9_000 }, 'attempt renewal', false],
  ] as const)(
    'attempts, as a repair, what was opened and never attempted: %s',
    async (name, answer, last, isFollowedUp) => {
      const fake = scriptSubscription(answer);
      fake.activities.applyPayment = async () => fake.row.current ?? record('active', 4);
      fake.row.current = record('active', 3);
      const id = `sub_repaired_${name}`;
      await run(fake, async () => {
        await ask(id, null, 'pause', [{ command_id: 'p', actor, resume_at: null }]);
        fake.row.current = record('active', 5, { open_payment_id: 'pay_4' });
        await handleOf(id).signal('look', { repair: true });
        await until('it was attempted', async () => fake.log.includes(last));
        await ask(id, null, 'cancel', [command(id)]);
      });
      expect(fake.log.filter((step) => step === 'attempt renewal')).toHaveLength(1);
      expect(fake.log.includes('follow up')).toBe(isFollowedUp);
    },
  );

  it('has a change wait for its charge as long as the caller does, then leaves it waiting', async () => {
    const fake = scriptSubscription({ status: 'open' });
    fake.activities.commitChange = async () => ({
      kind: 'charge',
      record: record('active', 1),
      payment_id: 'pay_9',
    });
    fake.row.current = record('active', 1);
    await run(fake, async () => {
      await ask('sub_change', null, 'change', [{ ...changeCommand, answer_within_ms: 1_000 }]);
      await ask('sub_change', null, 'cancel', [command('sub_change')]);
    });
    expect(fake.log).toEqual(['attempt manual', 'follow up', 'conclude', 'cancel']);
  });

  it('refuses a declined change with the payment and its failure', async () => {
    const declined = failure('do_not_honor', 'No.');
    const fake = scriptSubscription({ status: 'failed', failure: declined });
    const held = record('active', 1);
    fake.activities.commitChange = async () => ({ kind: 'charge', record: held, payment_id: 'pay_9' });
    fake.activities.concludeChange = async () => ({
      kind: 'declined',
      record: held,
      payment_id: 'pay_9',
      failure: declined,
    });
    fake.row.current = held;
    await run(fake, async () => {
      const refused = await ask('sub_no', null, 'change', [changeCommand]).catch((e: unknown) => e);
      expect((refused as WorkflowUpdateFailedError).cause).toMatchObject({
        type: 'payment_declined',
        details: [{ payment_id: 'pay_9', failure: declined }],
      });
    });
  });

  it('goes on with what an earlier run had opened', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    fake.activities.applyPayment = async () => {
      fake.log.push('apply');
      return fake.row.current ?? record('active', 4);
    };
    fake.row.current = record('active', 4, { open_payment_id: 'pay_4' });
    await run(fake, async () => {
      const { workflowType, ...options } = subscriptionStart({ subscription_id: 'sub_lost', creation: null });
      await subscriptions.time.env.client.workflow.start(workflowType, options);
      await until('it was collected', async () => fake.log.includes('attempt renewal'));
    });
    expect(fake.log.filter((step) => step === 'attempt renewal')).toHaveLength(1);
  });
});
