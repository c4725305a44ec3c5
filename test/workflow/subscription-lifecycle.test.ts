import type { WorkflowUpdateFailedError } from '@temporalio/client';
import type { Subscription } from '../../contracts/http/subscriptions';
import { subscriptionStart } from '../../contracts/workflows/workflows';
import { failure } from '../../domain/payment/payment';
import {
  changeCommand,
  command,
  record,
  scriptSubscription,
} from '../support/workflows/subscription-activities';
import { actor } from '../support/creation';
import {
  startSubscriptionWorkers,
  type SubscriptionWorkers,
} from '../support/workflows/subscription-workers';
import { until } from '../support/until';
import { traceOf } from '../support/trace';

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
  it('opens what is due and collects it in the same task', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    await run(fake, async () => {
      await create('sub_due');
      const handle = handleOf('sub_due');
      const before = (await handle.fetchHistory()).events?.length ?? 0;
      await handle.signal('renewRequired', { period_index: 2, cause: 'period_end' });
      await until('it was applied', async () => fake.log.at(-1) === 'apply');
      await handle.executeUpdate('cancel', { args: [command('sub_due')] });
      const events = ((await handle.fetchHistory()).events ?? []).slice(before);
      const tasks = events.filter(({ workflowTaskStartedEventAttributes: started }) => started);
      expect(tasks).toHaveLength(2);
    });
    expect(fake.log.slice(-4)).toEqual(['open', 'attempt renewal', 'apply', 'cancel']);
  });

  it('ends when it is woken and its row says that it has ended', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    // Committed by a worker that was killed before it could tell.
    fake.activities.renewSubscription = async () => ({
      kind: 'done',
      did: 'cancel',
      shows: true,
      record: record('cancelled', 2),
      followUp: null,
    });
    await run(fake, async () => {
      await create('sub_ended_elsewhere');
      const handle = handleOf('sub_ended_elsewhere');
      await handle.signal('renewRequired', {});
      await until('it has ended', async () => (await handle.describe()).status.name === 'COMPLETED');
    });
  });

  it('I15: renews with the trace of what prompted it, and with none where a prompt has no payload', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    const prompts: unknown[] = [];
    fake.activities.renewSubscription = async (_, prompt) => {
      prompts.push(prompt);
      const next = record(prompts.length < 3 ? 'active' : 'cancelled', 2);
      return { kind: 'done', did: 'open_period', shows: false, record: next, followUp: null };
    };
    const trace = { ...traceOf('1'), tracestate: 'vendor=1' };
    await run(fake, async () => {
      await create('sub_traced');
      const handle = handleOf('sub_traced');
      await handle.signal('renewRequired', { period_index: 2, cause: 'period_end', ...trace });
      await handle.signal('renewRequired');
      await handle.signal('renewRequired', null);
      await until('it has ended', async () => (await handle.describe()).status.name === 'COMPLETED');
    });
    expect(prompts).toEqual([trace, {}, {}]);
  });

  it('leaves a declined renewal to the Retry Service, and has an open one followed up', async () => {
    for (const [name, answer, last] of [
      ['sub_declined_renewal', { status: 'failed', failure: failure('do_not_honor', '') }, 'attempt renewal'],
      ['sub_open_renewal', { status: 'open' }, 'follow up'],
    ] as const) {
      const fake = scriptSubscription(answer);
      fake.row.current = record('active', 1);
      await run(fake, async () => {
        const { workflowType, ...options } = subscriptionStart({ subscription_id: name, creation: null });
        await subscriptions.time.env.client.workflow.signalWithStart(workflowType, {
          ...options,
          signal: 'renewRequired',
          signalArgs: [{ period_index: 2, cause: 'period_end' }],
        });
        await until('it was attempted', async () => fake.log.includes(last));
        await ask(name, null, 'cancel', [command(name)]);
      });
      expect(fake.log).toContain(last);
      expect(fake.log.includes('follow up')).toBe(answer.status === 'open');
    }
  });

  it('waits for a due instant that is close, and holds up no message meanwhile', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    const open = fake.activities.renewSubscription;
    let asked = 0;
    fake.activities.renewSubscription = async (id) => {
      asked += 1;
      const early = { kind: 'early' as const, record: record('active', 1), wait_ms: 30_000, followUp: null };
      return asked === 1 ? early : open(id);
    };
    fake.row.current = record('active', 1);
    await run(fake, async () => {
      const paused = ask<Subscription>('sub_early', null, 'pause', [
        { command_id: 'p', actor, resume_at: null },
      ]);
      await paused;
      const handle = handleOf('sub_early');
      await handle.signal('renewRequired', { period_index: 2, cause: 'period_end' });
      await until('it was asked', async () => asked === 1);
      await handle.executeUpdate('resume', { args: [{ command_id: 'r', actor }] });
      expect(asked).toBe(1);
      await subscriptions.time.env.sleep('31 s');
      await until('it was opened', async () => fake.log.includes('open'));
      await ask('sub_early', null, 'cancel', [command('sub_early')]);
    });
  });

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
