import { inTransaction } from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import { cancelPayment } from '../../../billing/payment/follow-up';
import { ProblemError } from '../../../contracts/problem-error';
import { fixedNow, useApi, planOf } from './test-api';
import { declined, writeRows } from './subscription-rows';

const given = useApi();
beforeAll(async () => {
  await given.ask('POST', '/plans', { body: planOf('gold') });
  for (const id of ['ada', 'bob', 'list']) await given.db.customer.create({ data: { id } });
  await given.db.customer.create({ data: { id: 'gone', erased_at: fixedNow } });
  await given.db.paymentMethod.create({
    data: { id: 'pm_bob', customer_id: 'bob', provider: 'sandbox', token: 'tok_ok' },
  });
  for (const [id, status] of [
    ['sub_active', 'active'],
    ['sub_paused', 'paused'],
    ['sub_ended', 'cancelled'],
  ] as const) {
    const creation = { subscription_id: id, customer_id: 'ada', plan_id: 'gold', quantity: 1 };
    await writeRows(given.db, { ...creation, payment_method_id: null } as never, status, null);
  }
});

const wanted = { customer_id: 'ada', amount: 700, currency: 'EUR', reason: 'set-up fee' };
const create = (body: object, more: object = {}) => given.ask('POST', '/payments', { body, ...more });
const eventsOf = (subject: string) => given.db.outboxEvent.findMany({ where: { subject } });

describe('POST /payments', () => {
  it('writes the payment with its event, and answers 202 requested', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const asked = { ...wanted, subscription_id: 'sub_active' };
    const { status, headers, body } = await create(asked, { headers: { traceparent } });
    expect([status, headers['location']]).toEqual([202, `/payments/${body.id}`]);
    expect(body).toMatchObject({
      kind: 'manual',
      status: 'requested',
      customer_id: 'ada',
      subscription_id: 'sub_active',
      period_index: null,
      amount: 700,
      currency: 'EUR',
      reason: 'set-up fee',
    });
    const [event] = await eventsOf(body.id);
    expect(event).toMatchObject({
      event_id: `${body.id}/requested`,
      topic: 'payments.requested',
      key: 'sub_active',
    });
    expect(JSON.parse(event?.payload ?? '')).toMatchObject({
      source: '/api-gateway',
      traceparent: expect.stringContaining('0af7651916cd43dd8448eb211c80319c') as string,
      data: {
        payment_id: body.id,
        payment_method_id: null,
        actor: { kind: 'api_key', id: 'key_bootstrap', reason: 'set-up fee' },
      },
    });
  });

  it('has the payment’s own key when there is no subscription', async () => {
    const { body } = await create(wanted);
    expect(await eventsOf(body.id)).toMatchObject([{ key: body.id }]);
  });

  it('twenty times at once under one Idempotency-Key is one payment', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(wanted, { key: 'fee-1' })));
    const made = answers.find(({ status }) => status === 202);
    expect(answers.every(({ status }) => [202, 409].includes(status))).toBe(true);
    expect((await create(wanted, { key: 'fee-1' })).body).toEqual(made?.body);
    expect(await eventsOf(made?.body.id)).toHaveLength(1);
  });

  it.each([
    ['customer_id', { customer_id: 'nobody' }],
    ['customer_id', { customer_id: 'gone' }],
    ['subscription_id', { subscription_id: 'sub_none' }],
    ['subscription_id', { customer_id: 'bob', subscription_id: 'sub_active' }],
    ['payment_method_id', { payment_method_id: 'pm_bob' }],
    ['amount', { amount: 0 }],
    ['amount', { amount: 1.5 }],
    ['currency', { currency: 'eur' }],
    ['reason', { reason: undefined }],
    ['status', { status: 'completed' }],
  ])('is not acceptable: %s of %j', async (path, more) => {
    const { status, body } = await create({ ...wanted, ...more });
    expect([status, body.errors[0].path]).toEqual([422, path]);
  });

  it('in another currency than its subscription has is refused before anything is written, without one it is not', async () => {
    const before = await given.db.payment.count();
    const { body } = await create({ ...wanted, subscription_id: 'sub_active', currency: 'USD' });
    expect(body.errors).toEqual([
      { path: 'currency', message: 'must be EUR, the currency of the subscription' },
    ]);
    expect(await given.db.payment.count()).toBe(before);
    expect((await create({ ...wanted, currency: 'USD' })).status).toBe(202);
  });

  it.each([
    ['sub_ended', 'subscription_final', 'cancelled'],
    ['sub_paused', 'subscription_state', 'paused'],
  ])('is refused for %s', async (subscription_id, code, reason) => {
    const { status, body } = await create({ ...wanted, subscription_id });
    expect([status, body.code, body.reason]).toEqual([409, code, reason]);
  });

  it('needs its scope', async () => {
    const secret = await given.keyWith('payments:read');
    expect((await create(wanted, { secret })).status).toBe(403);
  });
});

describe('GET /payments', () => {
  const paymentAt = (id: string, at: string, more: object = {}) =>
    given.db.payment.create({
      data: {
        id,
        kind: 'manual',
        status: 'requested',
        customer_id: 'list',
        currency: 'EUR',
        amount: 100,
        announced: true,
        created_at: new Date(at),
        ...more,
      },
    });
  beforeAll(async () => {
    await paymentAt('pay_jan', '2027-01-01T00:00:00Z');
    await paymentAt('pay_feb', '2027-02-01T00:00:00Z', { status: 'completed' });
    await paymentAt('pay_mar', '2027-03-01T00:00:00Z', {
      status: 'failed',
      attempts: {
        create: {
          number: 1,
          idempotency_key: 'pay_mar/1',
          trigger: 'manual',
          on_session: false,
          amount: 100,
          currency: 'EUR',
          status: 'failed',
          failure: declined,
          started_at: fixedNow,
          settled_at: fixedNow,
        },
      },
    });
  });

  it.each([
    ['', ['pay_mar', 'pay_feb', 'pay_jan']],
    ['&status=completed', ['pay_feb']],
    ['&category=soft', ['pay_mar']],
    ['&category=hard', []],
    ['&from=2027-02-01T00:00:00Z', ['pay_mar', 'pay_feb']],
    ['&to=2027-02-01T00:00:00Z', ['pay_jan']],
    ['&from=2027-01-15T00:00:00Z&to=2027-02-15T00:00:00Z', ['pay_feb']],
    ['&subscription_id=sub_active', []],
  ])('filters by %s', async (query, ids) => {
    const { body } = await given.ask('GET', `/payments?customer_id=list${query}`);
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual(ids);
  });

  it('gives pages, without attempts', async () => {
    const first = await given.ask('GET', '/payments?customer_id=list&limit=2');
    expect(first.body.data[0]).not.toHaveProperty('attempts');
    const next = await given.ask(
      'GET',
      `/payments?customer_id=list&limit=2&cursor=${first.body.next_cursor}`,
    );
    expect(next.body).toMatchObject({ data: [{ id: 'pay_jan' }], next_cursor: null });
  });

  it.each(['status=paid', 'category=bad', 'from=yesterday', 'customer=list'])('refuses %s', async (query) => {
    expect((await given.ask('GET', `/payments?${query}`)).status).toBe(422);
  });
});

describe('POST /payments/{id}/cancel', () => {
  beforeEach(() => {
    given.payments.onCancel = async (id, { reason }) =>
      void (await cancelPayment({ db: given.db, providers: new Map() }, id, reason));
  });
  const cancel = (id: string) =>
    given.ask('POST', `/payments/${id}/cancel`, { body: { reason: 'a mistake' } });

  it('cancels what nobody has tried to take; again: unchanged', async () => {
    const { body } = await create(wanted);
    const first = await cancel(body.id);
    expect(first).toMatchObject({ status: 200, body: { id: body.id, status: 'cancelled' } });
    expect(await cancel(body.id)).toMatchObject({ status: 200, body: first.body });
  });

  it('keeps the wish while an attempt is open', async () => {
    const { body } = await create(wanted);
    await inTransaction(given.db, async (tx) => {
      sql(tx).enqueue`UPDATE payments SET status = 'unknown' WHERE id = ${body.id}`;
      sql(tx).enqueue`
        INSERT INTO payment_attempts
          (payment_id, number, idempotency_key, trigger, on_session, amount, currency, status, started_at)
        VALUES (${body.id}, 1, ${`${body.id}/1`}, 'manual', false, 700, 'EUR', 'unknown', ${fixedNow})`;
    });
    expect(await cancel(body.id)).toMatchObject({ status: 200, body: { status: 'unknown' } });
    expect(await given.db.payment.findUnique({ where: { id: body.id } })).toMatchObject({
      cancel_reason: 'a mistake',
    });
  });

  it('is refused for what was paid, and for what a subscription collects', async () => {
    const { body } = await create(wanted);
    const where = { id: body.id };
    await given.db.payment.update({ where, data: { status: 'completed' } });
    expect((await cancel(body.id)).body).toMatchObject({
      code: 'payment_not_cancellable',
      reason: 'completed',
    });
    await given.db.payment.update({ where, data: { status: 'failed', kind: 'renewal' } });
    expect((await cancel(body.id)).body).toMatchObject({ status: 409, reason: 'collected_by_subscription' });
  });

  it('is 503 while nobody answers, 404 for nothing, 422 without a reason', async () => {
    given.payments.onCancel = () => Promise.reject(new ProblemError('unavailable', 'away'));
    const { body } = await create(wanted);
    expect((await cancel(body.id)).status).toBe(503);
    expect((await cancel('pay_none')).status).toBe(404);
    expect((await given.ask('POST', `/payments/${body.id}/cancel`, { body: {} })).status).toBe(422);
  });
});
