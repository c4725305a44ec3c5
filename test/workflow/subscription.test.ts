import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { Subscription } from '../../contracts/http/subscriptions';
import { command, record, scriptSubscription } from '../support/workflows/subscription-activities';
import {
  startSubscriptionWorkers,
  type SubscriptionWorkers,
} from '../support/workflows/subscription-workers';
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

describe('subscription/{id}', () => {
  it('creates, charges and concludes before it answers', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    await run(fake, async () => {
      expect(await create('sub_paid')).toBe('concluded');
    });
    expect(fake.log).toEqual(['begin', 'attempt', 'apply first']);
  });

  it('answers "too late" and ends when nothing may be created any more', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    fake.activities.createSubscription = async () => ({ kind: 'none' });
    await run(fake, async () => {
      expect(await create('sub_late')).toBe('too_late');
      await handleOf('sub_late').result();
    });
    expect(fake.log).toEqual([]);
  });

  it('ends when the first payment was declined', async () => {
    const failure = {
      category: 'soft',
      code: 'insufficient_funds',
      provider_code: null,
      message: '',
      network_advice: null,
    } as const;
    const fake = scriptSubscription({ status: 'failed', failure }, 'expired');
    await run(fake, async () => {
      await create('sub_declined');
      await handleOf('sub_declined').result();
    });
  });

  it('has an open first payment followed up, waits for it as long as the caller, then concludes', async () => {
    const fake = scriptSubscription({ status: 'open' }, 'incomplete');
    await run(fake, async () => {
      expect(await create('sub_open', 500)).toBe('concluded');
    });
    expect(fake.log).toEqual(['begin', 'attempt', 'follow up', 'apply first']);
  });

  it('answers at once when the customer has to act: nothing can settle before', async () => {
    const fake = scriptSubscription({ status: 'open', waits_for_customer: true }, 'incomplete');
    await run(fake, async () => {
      const before = await subscriptions.time.env.currentTimeMs();
      expect(await create('sub_customer', 3_600_000)).toBe('concluded');
      expect((await subscriptions.time.env.currentTimeMs()) - before).toBeLessThan(60_000);
    });
    expect(fake.log).toEqual(['begin', 'attempt', 'follow up', 'apply first']);
  });

  it('applies a first payment that settles later', async () => {
    const fake = scriptSubscription({ status: 'open' }, 'incomplete');
    await run(fake, async () => {
      await create('sub_later', 1);
      const handle = handleOf('sub_later');
      await handle.signal('firstPaymentSettled', { payment_id: 'pay_1', outcome: 'failed' });
      await handle.executeUpdate('cancel', { args: [command('sub_later')] });
    });
    expect(fake.log.slice(-2)).toEqual(['apply first', 'cancel']);
  });

  it('adopts the row when its history is gone', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    fake.row.current = record('active', 3);
    await run(fake, async () => {
      const cancelled = await ask<Subscription>('sub_adopted', null, 'cancel', [command('sub_adopted')]);
      expect(cancelled.status).toBe('cancelled');
    });
    expect(fake.log).toEqual(['cancel']);
  });

  it('carries on a creation that another run left unfinished', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    fake.row.current = record('incomplete', 0);
    await run(fake, async () => {
      await ask('sub_unfinished', null, 'cancel', [command('sub_unfinished')]);
    });
    expect(fake.log).toEqual(['attempt', 'apply first', 'cancel']);
  });

  it('refuses to cancel what expired, with the code of the error table', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    fake.row.current = record('expired', 2);
    fake.activities.commitCancellation = async () => ({
      kind: 'refused',
      code: 'subscription_final',
      detail: 'The subscription is expired.',
      reason: 'expired',
      record: record('expired', 2),
    });
    await run(fake, async () => {
      const refused = await ask('sub_expired', null, 'cancel', [command('sub_expired')]).catch(
        (e: unknown) => e,
      );
      expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
      expect((refused as WorkflowUpdateFailedError).cause).toMatchObject({ type: 'subscription_final' });
    });
  });

  it('answers "unavailable" when the database is away at the first step, and does not lose itself', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    const commit = fake.activities.commitCancellation;
    let isUnavailable = true;
    fake.activities.commitCancellation = async (...args) => {
      if (isUnavailable) throw new Error('connect ECONNREFUSED');
      return commit(...args);
    };
    await run(fake, async () => {
      await create('sub_away');
      const cancel = () => ask<Subscription>('sub_away', null, 'cancel', [command('sub_away')]);
      const refused = await cancel().catch((e: unknown) => e);
      expect((refused as WorkflowUpdateFailedError).cause).toMatchObject({ type: 'unavailable' });
      isUnavailable = false;
      expect((await cancel()).status).toBe('cancelled');
    });
  });

  it('waits for the database after the first commit instead of failing', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    const make = fake.activities.createSubscription;
    let failures = 0;
    fake.activities.createSubscription = async (wanted) => {
      if (failures < 6) {
        failures += 1;
        fake.write('incomplete');
        throw new Error('connect ECONNREFUSED');
      }
      return make(wanted);
    };
    await run(fake, async () => {
      expect(await create('sub_patient')).toBe('concluded');
    });
    expect(failures).toBe(6);
  });

  it('does not hold up a message while an outcome that was told cannot be applied', async () => {
    const fake = scriptSubscription({ status: 'open' }, 'incomplete');
    const apply = fake.activities.applyFirstPayment;
    let vain = 0;
    fake.activities.applyFirstPayment = async (id) => {
      if (fake.row.current?.subscription.version === 0) return apply(id);
      vain += 1;
      throw new Error('connect ECONNREFUSED');
    };
    await run(fake, async () => {
      await create('sub_held_up', 1);
      const handle = handleOf('sub_held_up');
      await handle.signal('firstPaymentSettled', { payment_id: 'pay_1', outcome: 'completed' });
      await until('it was tried in vain', async () => vain >= 5);
      const cancelled = await ask<Subscription>('sub_held_up', null, 'cancel', [command('sub_held_up')]);
      expect(cancelled.status).toBe('cancelled');
      await handle.result();
    });
  });

  it('finds out by itself about a commit that it never heard of', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    const { commitCancellation: commit } = fake.activities;
    fake.activities.commitCancellation = async (...args) => {
      if (fake.row.current?.subscription.status === 'active') await commit(...args);
      throw new Error('the connection was lost');
    };
    await run(fake, async () => {
      await create('sub_in_doubt');
      const cancel = ask('sub_in_doubt', null, 'cancel', [command('sub_in_doubt')]);
      const refused = await cancel.catch((e: unknown) => e);
      expect((refused as WorkflowUpdateFailedError).cause).toMatchObject({ type: 'unavailable' });
      await handleOf('sub_in_doubt').result();
    });
    expect(fake.row.current?.subscription.status).toBe('cancelled');
  });

  it('answers a refused creation with its code', async () => {
    const fake = scriptSubscription({ status: 'completed' });
    fake.activities.createSubscription = async () => {
      throw ApplicationFailure.nonRetryable('the plan is gone', 'validation_failed');
    };
    await run(fake, async () => {
      const refused = await create('sub_refused').catch((e: unknown) => e);
      expect((refused as WorkflowUpdateFailedError).cause).toMatchObject({ type: 'validation_failed' });
    });
  });
});
