/** POST /subscriptions: the checks before, the asking, and the answer that the rows give. */
import { ProblemError } from '../../../contracts/problem-error';
import type { SubscriptionCreation } from '../../../contracts/workflows/commands';
import { useApi, planOf } from './test-api';
import { declined, writeRows } from './subscription-rows';

const api = useApi();
let methodId: string;
beforeAll(async () => {
  await api.ask('POST', '/plans', { body: planOf('gold') });
  await api.ask('POST', '/plans', { body: planOf('free', { amount: 0 }) });
  await api.ask('POST', '/plans', { body: planOf('tried', { trial_days: 14 }) });
  await api.ask('POST', '/plans', { body: planOf('dear', { amount: 999_999_999_999 }) });
  await api.ask('POST', '/plans', { body: planOf('old') });
  await api.ask('PATCH', '/plans/old', { body: { active: false } });
  for (const id of ['ada', 'poor', 'other', 'gone']) await api.ask('POST', '/customers', { body: { id } });
  const body = { provider: 'sandbox', token: 'tok_ok' };
  methodId = (await api.ask('POST', '/customers/ada/payment-methods', { body })).body.id;
  await api.ask('POST', '/customers/gone/erase');
});
beforeEach(() => {
  api.process.creations = [];
  api.process.commands = [];
  api.process.onCreate = async (creation) => {
    await writeRows(api.db, creation, 'active', 'completed');
    return 'concluded';
  };
  api.process.onCommand = () => Promise.resolve();
});

const subscribe = (more: object = {}, key?: string) =>
  api.ask('POST', '/subscriptions', { body: { customer_id: 'ada', plan_id: 'gold', ...more }, key });

describe('creation', () => {
  test('a paid one is answered 201 with its first payment and place', async () => {
    const made = await subscribe();
    expect(made.status).toBe(201);
    expect(made.headers['location']).toBe(`/subscriptions/${made.body.id}`);
    expect(made.body).toMatchObject({
      id: expect.stringMatching(/^sub_[0-9a-z]{26}$/),
      status: 'active',
      period: { index: 1, paid: true },
      first_payment: { status: 'completed', amount: 1000, currency: 'EUR', next_action: null, failure: null },
    });
    const read = await api.ask('GET', `/subscriptions/${made.body.id}`);
    const { first_payment: _, ...subscription } = made.body;
    expect(read.body).toEqual(subscription);
  });

  test('the process is handed everything that it needs, with instants fixed at the request', async () => {
    const made = await subscribe({
      quantity: 3,
      time_zone: 'Europe/Moscow',
      start_at: '2027-02-01T03:00:00+03:00',
      retry_policy_id: 'default',
      metadata: { order: 'A-1' },
    });
    expect(api.process.creations).toEqual([
      {
        subscription_id: made.body.id,
        traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/),
        customer_id: 'ada',
        plan_id: 'gold',
        quantity: 3,
        payment_method_id: methodId,
        trial_days: null,
        start_at: '2027-02-01T00:00:00.000Z',
        time_zone: 'Europe/Moscow',
        retry_policy_id: 'default',
        metadata: { order: 'A-1' },
        actor: { kind: 'api_key', id: 'key_bootstrap', reason: null },
        command_id: `${made.body.id}/create`,
        // By PostgreSQL's clock, which judges it.
        accept_by: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
        answer_within_ms: 10_000,
      },
    ]);
  });

  test('a declined first payment is answered 402 with the failure, and again so', async () => {
    api.process.onCreate = async (creation) => {
      await writeRows(api.db, creation, 'expired', 'failed');
      return 'concluded';
    };
    const refused = await subscribe({}, 'declined');
    expect(refused.status).toBe(402);
    expect(refused.body).toMatchObject({ code: 'payment_declined', failure: declined });
    expect(refused.body.payment_id).toBe(`pay_of_${refused.body.subscription_id}`);
    const again = await subscribe({}, 'declined');
    expect(again.text).toBe(refused.text);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(api.process.creations).toHaveLength(1);
  });

  test('an open first payment is answered 202 with what the customer has to do', async () => {
    api.process.onCreate = async (creation) => {
      await writeRows(api.db, creation, 'incomplete', 'requires_action');
      return 'concluded';
    };
    const open = await subscribe();
    expect(open.status).toBe(202);
    expect(open.body.first_payment).toMatchObject({
      status: 'requires_action',
      next_action: { type: 'redirect', url: 'https://bank.example/3ds', expires_at: null },
    });
  });

  test.each([
    ['the process comes too late', () => Promise.resolve('too_late' as const)],
    ['no row is there', () => Promise.resolve('concluded' as const)],
    [
      'the row is not concluded',
      async (creation: SubscriptionCreation) => {
        await writeRows(api.db, creation, 'incomplete', 'processing', 0);
        return 'concluded' as const;
      },
    ],
    [
      'the process does not answer',
      () => Promise.reject(new ProblemError('unavailable', 'Temporal does not answer.')),
    ],
  ])('503 with the subscription’s id when %s; the same key may ask again at once', async (name, onCreate) => {
    api.process.onCreate = onCreate;
    const unavailable = await subscribe({}, `away ${name}`);
    expect(unavailable.status).toBe(503);
    expect(unavailable.headers['retry-after']).toMatch(/^\d+$/);
    expect(unavailable.body).toMatchObject({
      code: 'unavailable',
      subscription_id: expect.stringMatching(/^sub_/),
    });

    api.process.onCreate = async (creation) => {
      await api.db.paymentAttempt.deleteMany({ where: { payment_id: `pay_of_${creation.subscription_id}` } });
      await api.db.payment.deleteMany({ where: { subscription_id: creation.subscription_id } });
      await api.db.subscription.deleteMany({ where: { id: creation.subscription_id } });
      await writeRows(api.db, creation, 'active', 'completed');
      return 'concluded';
    };
    const made = await subscribe({}, `away ${name}`);
    expect(made.status).toBe(201);
    expect(made.body.id).toBe(unavailable.body.subscription_id);
    expect(api.process.creations).toHaveLength(2);
    expect(api.process.creations[0]?.command_id).toBe(api.process.creations[1]?.command_id);
  });

  test('a process that came too late is 503 even when a row is there', async () => {
    api.process.onCreate = async (creation) => {
      await writeRows(api.db, creation, 'active', 'completed');
      return 'too_late';
    };
    expect((await subscribe()).status).toBe(503);
  });

  test('a creation that has begun is carried on, whatever would be refused by now', async () => {
    api.process.onCreate = async (creation) => {
      await writeRows(api.db, creation, 'incomplete', 'processing', 0);
      return 'concluded';
    };
    const begun = await subscribe({}, 'begun');
    expect(begun.status).toBe(503);
    await api.ask('PATCH', '/plans/gold', { body: { active: false } });
    api.process.onCreate = async ({ subscription_id }) => {
      await api.db.subscription.update({ where: { id: subscription_id }, data: { version: 1 } });
      return 'concluded';
    };
    const resumed = await subscribe({}, 'begun');
    await api.ask('PATCH', '/plans/gold', { body: { active: true } });
    expect(resumed.status).toBe(202);
    expect(resumed.body.id).toBe(begun.body.subscription_id);
    expect(api.process.creations[1]?.payment_method_id).toBe(methodId);
  });

  test('something unexpected after the id is known names the subscription, too', async () => {
    api.process.onCreate = () => Promise.reject(new Error('secret inside'));
    const failed = await subscribe();
    expect(failed.status).toBe(500);
    expect(failed.body.subscription_id).toMatch(/^sub_/);
    expect(failed.text).not.toContain('secret inside');
  });

  test('a run that was cut off after the effect is answered from the row, without asking again', async () => {
    const first = await subscribe({}, 'cut-off');
    await api.db.$executeRaw`
      UPDATE idempotency_keys SET status = NULL, body = NULL, lease_until = '2020-01-01' WHERE key = 'cut-off'`;
    // What would be refused now was accepted then.
    await api.ask('PATCH', '/plans/gold', { body: { active: false } });
    const again = await subscribe({}, 'cut-off');
    await api.ask('PATCH', '/plans/gold', { body: { active: true } });
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(api.process.creations).toHaveLength(1);
  });

  test('20 at once under one key ask the process once', async () => {
    const tries = await Promise.all(Array.from({ length: 20 }, () => subscribe({}, 'twenty')));
    expect(api.process.creations).toHaveLength(1);
    expect(tries.every(({ status }) => status === 201 || status === 409)).toBe(true);
  });

  test.each([
    ['an unknown customer', { customer_id: 'nobody' }, 'customer_id'],
    ['an erased customer', { customer_id: 'gone' }, 'customer_id'],
    ['an unknown plan', { plan_id: 'nothing' }, 'plan_id'],
    ['a plan that is not sold', { plan_id: 'old' }, 'plan_id'],
    ['a payment method of nobody', { payment_method_id: 'pm_x' }, 'payment_method_id'],
    ['no payment method where one is due', { customer_id: 'poor' }, 'payment_method_id'],
    [
      'no payment method when the trial is waived',
      { customer_id: 'poor', plan_id: 'tried', trial_days: 0 },
      'payment_method_id',
    ],
    ['an amount beyond the bound', { plan_id: 'dear', quantity: 1_000_000 }, 'quantity'],
    ['a quantity of nothing', { quantity: 0 }, 'quantity'],
    ['a start in the past', { start_at: '2027-01-15T11:59:59Z' }, 'start_at'],
    ['a start beyond 10 years', { start_at: '2037-01-15T12:00:00.001Z' }, 'start_at'],
    ['a start that is no instant', { start_at: '2027-02-01' }, 'start_at'],
    ['a policy that does not exist', { retry_policy_id: 'mine' }, 'retry_policy_id'],
    ['an amount of the caller’s own', { amount: 1 }, 'amount'],
    ['a status of the caller’s own', { status: 'active' }, 'status'],
    ['a test clock, which is no field yet', { test_clock_id: 'clk_1' }, 'test_clock_id'],
  ])('%s is refused, and nothing is asked of the process', async (_name, more, path) => {
    const refused = await subscribe(more);
    expect(refused.status).toBe(422);
    expect(refused.body.errors).toEqual([{ path, message: expect.any(String) }]);
    expect(api.process.creations).toEqual([]);
  });

  test('somebody else’s and a deleted payment method are refused', async () => {
    const body = { provider: 'sandbox', token: 'tok_ok', default: false };
    const others = (await api.ask('POST', '/customers/other/payment-methods', { body })).body.id;
    const deleted = (await api.ask('POST', '/customers/ada/payment-methods', { body })).body.id;
    await api.ask('DELETE', `/customers/ada/payment-methods/${deleted}`);
    for (const payment_method_id of [others, deleted]) {
      const refused = await subscribe({ payment_method_id });
      expect(refused.body.errors[0].path).toBe('payment_method_id');
    }
  });

  test.each([
    ['a trial', { plan_id: 'tried' }],
    ['a trial of its own', { trial_days: 7 }],
    ['a later start', { start_at: '2027-02-01T00:00:00Z' }],
    ['a free plan', { plan_id: 'free' }],
  ])('%s needs no payment method', async (_name, more) => {
    api.process.onCreate = async (creation) => {
      await writeRows(api.db, creation, 'trialing', null);
      return 'concluded';
    };
    const made = await subscribe({ customer_id: 'poor', ...more });
    expect(made.status).toBe(201);
    expect(made.body.first_payment).toBeNull();
    expect(api.process.creations[0]?.payment_method_id).toBeNull();
  });
});
