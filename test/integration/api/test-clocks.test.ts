import { ProblemError } from '../../../contracts/problem-error';
import { useApi, planOf } from './test-api';

const api = useApi();
beforeAll(async () => {
  await api.ask('POST', '/plans', { body: planOf('gold') });
});

const made = async (now = '2030-01-01T00:00:00Z') =>
  String((await api.ask('POST', '/test-clocks', { body: { now } })).body.id);

describe('POST /test-clocks', () => {
  it('makes a clock that stands at the given instant', async () => {
    const { status, headers, body } = await api.ask('POST', '/test-clocks', {
      body: { now: '2030-01-01T01:00:00+01:00' },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      now: '2030-01-01T00:00:00.000Z',
      status: 'ready',
      target: null,
      steps: 0,
      detail: null,
    });
    expect(body.id).toMatch(/^clk_/);
    expect(headers.location).toBe(`/test-clocks/${body.id}`);
    expect((await api.ask('GET', `/test-clocks/${body.id}`)).body).toEqual(body);
    const { body: listed } = await api.ask('GET', '/test-clocks');
    expect(listed.data[0]).toEqual(body);
  });

  it('makes the same clock again under the same Idempotency-Key', async () => {
    const ask = { body: { now: '2030-01-01T00:00:00Z' }, key: 'clock-1' };
    const [first, second] = [
      await api.ask('POST', '/test-clocks', ask),
      await api.ask('POST', '/test-clocks', ask),
    ];
    expect(second.body).toEqual(first.body);
  });

  it.each(['0000-01-01T00:00:00Z', '2201-01-01T00:00:00Z', 'tomorrow'])('refuses %s', async (now) => {
    const { status, body } = await api.ask('POST', '/test-clocks', { body: { now } });
    expect({ status, path: body.errors[0].path }).toEqual({ status: 422, path: 'now' });
  });

  it('needs the scope test_clocks', async () => {
    const secret = await api.keyWith('customers:write', 'subscriptions:write');
    const { status } = await api.ask('POST', '/test-clocks', {
      secret,
      body: { now: '2030-01-01T00:00:00Z' },
    });
    expect(status).toBe(403);
  });
});

describe('customers of a test clock', () => {
  it('are bound to it when they are made, for ever', async () => {
    const clock = await made();
    const body = { id: 'bound', test_clock_id: clock };
    const customer = await api.ask('POST', '/customers', { body });
    expect(customer).toMatchObject({ status: 201, body: { test_clock_id: clock } });
    const changed = await api.ask('PATCH', '/customers/bound', { body: { test_clock_id: await made() } });
    expect(changed.status).toBe(422);
  });

  it('are refused with a clock that is not there', async () => {
    const { status, body } = await api.ask('POST', '/customers', { body: { test_clock_id: 'clk_none' } });
    expect({ status, errors: body.errors }).toEqual({
      status: 422,
      errors: [{ path: 'test_clock_id', message: 'must be the id of a test clock' }],
    });
  });

  it('have start_at judged by their clock', async () => {
    const clock = await made('2020-01-01T00:00:00Z');
    await api.ask('POST', '/customers', { body: { id: 'early', test_clock_id: clock } });
    const order = (start_at: string) =>
      api.ask('POST', '/subscriptions', { body: { customer_id: 'early', plan_id: 'gold', start_at } });
    const { body } = await order('2019-12-31T00:00:00Z');
    expect(body.errors).toEqual([
      { path: 'start_at', message: 'must lie in the future; leave it out to start now' },
    ]);
    // Long past in real time.
    api.process.creations = [];
    await order('2020-02-01T00:00:00Z');
    expect(api.process.creations).toMatchObject([{ start_at: '2020-02-01T00:00:00.000Z' }]);
  });
});

describe('POST /test-clocks/{id}/advance', () => {
  it('asks the clock’s process and answers the clock as it stands', async () => {
    const clock = await made();
    api.clocks.onAdvance = async (id) => {
      const data = { status: 'advancing', target: new Date('2030-02-01T00:00:00Z') };
      await api.db.testClock.update({ where: { id }, data });
    };
    const body = { to: '2030-02-01T01:00:00+01:00' };
    const answer = await api.ask('POST', `/test-clocks/${clock}/advance`, { body });
    expect(answer).toMatchObject({
      status: 202,
      body: { status: 'advancing', target: '2030-02-01T00:00:00.000Z' },
    });
    expect(api.clocks.advances.at(-1)).toEqual({
      clockId: clock,
      command: { to: '2030-02-01T00:00:00.000Z' },
    });
  });

  it('answers what the process refuses', async () => {
    const clock = await made();
    api.clocks.onAdvance = () => Promise.reject(new ProblemError('test_clock_advancing', 'On its way.'));
    const body = { to: '2030-02-01T00:00:00Z' };
    const answer = await api.ask('POST', `/test-clocks/${clock}/advance`, { body });
    expect(answer).toMatchObject({ status: 409, body: { code: 'test_clock_advancing' } });
  });

  it('knows no clock that is not there', async () => {
    const body = { to: '2030-02-01T00:00:00Z' };
    expect((await api.ask('POST', '/test-clocks/clk_none/advance', { body })).status).toBe(404);
  });
});

describe('DELETE /test-clocks/{id}', () => {
  const terms = { plan_id: 'gold', quantity: 1, currency: 'EUR', amount: 1000 };
  const calendar = {
    interval_unit: 'month',
    interval_count: 1,
    time_zone: 'UTC',
    billing_anchor: new Date('2030-01-01T00:00:00Z'),
    start_at: new Date('2030-01-01T00:00:00Z'),
  };

  it('cancels what lives by it through their processes, and is done with the clock', async () => {
    const clock = await made();
    await api.ask('POST', '/customers', { body: { id: 'leaving', test_clock_id: clock } });
    const row = (id: string, status: string) => ({
      id,
      customer_id: 'leaving',
      test_clock_id: clock,
      status,
      ...terms,
      ...calendar,
    });
    await api.db.subscription.createMany({
      data: [row('sub_lives', 'active'), row('sub_waits', 'scheduled'), row('sub_over', 'expired')],
    });
    api.process.commands = [];
    // One of them ends by itself meanwhile.
    api.process.onCommand = (id) =>
      id === 'sub_waits'
        ? Promise.reject(new ProblemError('subscription_final', 'Over.'))
        : Promise.resolve();
    expect((await api.ask('DELETE', `/test-clocks/${clock}`)).status).toBe(200);
    expect(api.process.commands).toMatchObject([
      { subscriptionId: 'sub_lives', name: 'cancel', command: { mode: 'now', refund: 'none' } },
      { subscriptionId: 'sub_waits', name: 'cancel' },
    ]);
    expect((await api.ask('GET', `/test-clocks/${clock}`)).status).toBe(404);
    const order = { customer_id: 'leaving', plan_id: 'gold', trial_days: 3 };
    const { body } = await api.ask('POST', '/subscriptions', { body: order });
    expect(body.errors).toEqual([
      { path: 'customer_id', message: 'must not be a customer of a deleted test clock' },
    ]);
  });

  it('finishes, asked again, what an interrupted call left', async () => {
    const clock = await made();
    api.process.onCommand = () => Promise.reject(new ProblemError('unavailable', 'Away.'));
    await api.ask('POST', '/customers', { body: { id: 'left', test_clock_id: clock } });
    const left = { id: 'sub_left', customer_id: 'left', test_clock_id: clock, status: 'active' };
    await api.db.subscription.create({ data: { ...left, ...terms, ...calendar } });
    expect((await api.ask('DELETE', `/test-clocks/${clock}`)).status).toBe(503);
    api.process.onCommand = () => Promise.resolve();
    api.process.commands = [];
    expect((await api.ask('DELETE', `/test-clocks/${clock}`)).status).toBe(200);
    expect(api.process.commands).toMatchObject([{ subscriptionId: 'sub_left' }]);
  });
});
