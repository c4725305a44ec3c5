/** Reading subscriptions, their periods and payments; cancelling them. */
import { ProblemError } from '../../../contracts/problem-error';
import { fixedNow, useApi, planOf } from './test-api';
import { declined, writeRows } from './subscription-rows';

const api = useApi();
beforeAll(async () => {
  await api.ask('POST', '/plans', { body: planOf('gold') });
  for (const id of ['ada', 'other']) await api.ask('POST', '/customers', { body: { id } });
  const body = { provider: 'sandbox', token: 'tok_ok' };
  await api.ask('POST', '/customers/ada/payment-methods', { body });
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

describe('reading', () => {
  test('filters narrow the list and stay with the caller', async () => {
    const made = await subscribe({ customer_id: 'ada' });
    const list = async (query: string) =>
      (await api.ask('GET', `/subscriptions?limit=100&${query}`)).body.data;
    const ids = (await list('customer_id=ada&status=active&plan_id=gold')).map(
      ({ id }: { id: string }) => id,
    );
    expect(ids).toContain(made.body.id);
    expect(await list('customer_id=other')).toEqual([]);
    expect(await list('status=paused')).toEqual([]);
    expect((await api.ask('GET', '/subscriptions?status=alive')).status).toBe(422);
  });

  test('periods are listed oldest first, page by page', async () => {
    const { id } = (await subscribe()).body;
    const start = (index: number) => new Date(Date.UTC(2027, index, 1));
    await api.db.subscriptionPeriod.createMany({
      data: [0, 1, 2].map((index) => ({
        subscription_id: id,
        index,
        start: start(index),
        end: start(index + 1),
        currency: 'EUR',
        amount: 1000,
        paid_at: index < 2 ? start(index) : null,
        payment_id: index === 1 ? 'pay_1' : null,
      })),
    });
    const first = await api.ask('GET', `/subscriptions/${id}/periods?limit=2`);
    expect(first.body.data[1]).toEqual({
      index: 1,
      start: '2027-02-01T00:00:00.000Z',
      end: '2027-03-01T00:00:00.000Z',
      currency: 'EUR',
      amount: 1000,
      paid_at: '2027-02-01T00:00:00.000Z',
      paid_recorded_at: null,
      payment_id: 'pay_1',
    });
    const rest = await api.ask(
      'GET',
      `/subscriptions/${id}/periods?limit=2&cursor=${first.body.next_cursor}`,
    );
    expect(rest.body.data.map(({ index }: { index: number }) => index)).toEqual([2]);
    expect(rest.body.next_cursor).toBeNull();
    expect((await api.ask('GET', '/subscriptions/sub_none/periods')).status).toBe(404);
  });

  test('a payment is read with its attempts', async () => {
    api.process.onCreate = async (creation) => {
      await writeRows(api.db, creation, 'expired', 'failed');
      return 'concluded';
    };
    const { payment_id } = (await subscribe()).body;
    const read = await api.ask('GET', `/payments/${payment_id}`);
    expect(read.status).toBe(200);
    expect(read.body).toMatchObject({ id: payment_id, kind: 'first', status: 'failed' });
    expect(read.body.attempts).toEqual([
      expect.objectContaining({ number: 1, idempotency_key: `${payment_id}/1`, failure: declined }),
    ]);
    expect((await api.ask('GET', '/payments/pay_none')).status).toBe(404);
  });
});

describe('cancelling', () => {
  const cancel = (id: string, query = '', headers = {}) =>
    api.ask('DELETE', `/subscriptions/${id}${query}`, { headers });
  const setStatus = (id: string, status: string) =>
    api.db.subscription.update({
      where: { id },
      data: { status, cancelled_at: status === 'cancelled' ? fixedNow : null },
    });

  test('is asked of the process with who and why, and answered from the row', async () => {
    const { id } = (await subscribe()).body;
    api.process.onCommand = async (subscriptionId) => void (await setStatus(subscriptionId, 'cancelled'));
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const headers = { 'x-request-id': 'cancel-call', traceparent };
    const cancelled = await cancel(id, '?reason=moved%20away', headers);
    expect(cancelled.status).toBe(200);
    expect(cancelled.body).toMatchObject({ id, status: 'cancelled', cancelled_at: fixedNow.toISOString() });
    expect(api.process.commands).toEqual([
      {
        subscriptionId: id,
        name: 'cancel',
        command: {
          command_id: expect.stringMatching(`^${id}/cancel/cancel-call/`),
          mode: 'now',
          refund: 'none',
          reason: 'moved away',
          actor: { kind: 'api_key', id: 'key_bootstrap', reason: 'moved away' },
          traceparent,
        },
      },
    ]);
    const audited = await api.db.auditLog.findFirst({ where: { request_id: 'cancel-call' } });
    expect(audited).toMatchObject({
      action: 'DELETE /subscriptions/{subscription_id}',
      subject_id: id,
      actor: { id: 'key_bootstrap', reason: 'moved away' },
    });
  });

  test('again is 200 and unchanged; the process is woken, in case it has not heard of its end', async () => {
    const { id } = (await subscribe()).body;
    await setStatus(id, 'cancelled');
    const again = await cancel(id);
    expect(again.status).toBe(200);
    expect(again.body.status).toBe('cancelled');
    expect([api.process.commands, api.process.woken]).toEqual([[], [id]]);
  });

  test('the command follows from the Idempotency-Key when there is one', async () => {
    const { id } = (await subscribe()).body;
    await api.ask('DELETE', `/subscriptions/${id}`, { key: 'once' });
    await api.ask('DELETE', `/subscriptions/${id}`, { key: 'once' });
    const [first, second] = api.process.commands.map(({ command }) => command.command_id);
    expect(first).toBe(second);
  });

  test('an expired one is refused by naming its state; an unknown one is not found', async () => {
    const { id } = (await subscribe()).body;
    await setStatus(id, 'expired');
    const refused = await cancel(id);
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({
      code: 'subscription_final',
      detail: expect.stringMatching(/expired/),
    });
    expect((await cancel('sub_none')).status).toBe(404);
  });

  test('what the process refuses is the answer', async () => {
    const { id } = (await subscribe()).body;
    api.process.onCommand = () =>
      Promise.reject(new ProblemError('unavailable', 'Temporal does not answer.'));
    expect((await cancel(id)).status).toBe(503);
  });

  test.each(['?mode=later', '?refund=some', '?mode=now&mode=now', '?why=x', `?reason=${'x'.repeat(501)}`])(
    '%s is refused',
    async (query) => {
      const { id } = (await subscribe()).body;
      expect((await cancel(id, query)).status).toBe(422);
      expect(api.process.commands).toEqual([]);
    },
  );
});
