/** What a deployment without test clocks, or with a live payment provider, refuses. */
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import { useApi } from './test-api';

const sandbox = sandboxProvider({ baseUrl: 'http://127.0.0.1:1' });
const api = useApi({
  allowTestClocks: false,
  providers: new Map([
    ['sandbox', sandbox],
    ['stripe', { ...sandbox, name: 'stripe', isLive: true }],
  ]),
});

/** A clock of before, when they were allowed, with a customer. */
async function customerOnClock(id: string) {
  await api.db.testClock.create({ data: { id: `clk_${id}`, now: new Date('2027-01-01T00:00:00Z') } });
  await api.db.customer.create({ data: { id, test_clock_id: `clk_${id}` } });
  return `clk_${id}`;
}
const addMethod = (customer: string, provider: string) =>
  api.ask('POST', `/customers/${customer}/payment-methods`, { body: { provider, token: 'tok_ok' } });

describe('I8: test clocks that are switched off', () => {
  it('are not made', async () => {
    const { status, body } = await api.ask('POST', '/test-clocks', { body: { now: '2027-01-01T00:00:00Z' } });
    expect({ status, code: body.code }).toEqual({ status: 403, code: 'test_clocks_disabled' });
    expect(await api.db.testClock.count()).toBe(0);
  });

  it('are not advanced, but can be read and deleted, when they are there from before', async () => {
    const clock = await customerOnClock('before');
    const body = { to: '2028-01-01T00:00:00Z' };
    expect(await api.ask('POST', `/test-clocks/${clock}/advance`, { body })).toMatchObject({
      status: 403,
      body: { code: 'test_clocks_disabled' },
    });
    expect(api.clocks.advances).toEqual([]);
    expect((await api.ask('GET', `/test-clocks/${clock}`)).status).toBe(200);
    expect((await api.ask('DELETE', `/test-clocks/${clock}`)).status).toBe(200);
  });

  it('get no new customers; those without a clock are made as ever', async () => {
    const clock = await customerOnClock('first');
    const bound = await api.ask('POST', '/customers', { body: { test_clock_id: clock } });
    expect(bound).toMatchObject({ status: 403, body: { code: 'test_clocks_disabled' } });
    expect((await api.ask('POST', '/customers', { body: { id: 'real' } })).status).toBe(201);
  });
});

describe('I8: a live payment provider', () => {
  it('is refused to a customer on a test clock, and nothing is stored', async () => {
    await customerOnClock('timed');
    expect(await addMethod('timed', 'stripe')).toMatchObject({
      status: 409,
      body: { code: 'live_provider_on_test_clock' },
    });
    expect(await api.db.paymentMethod.count({ where: { customer_id: 'timed' } })).toBe(0);
  });

  it('is not refused to a customer without one, nor is another provider to the customer on the clock', async () => {
    await customerOnClock('second');
    await api.ask('POST', '/customers', { body: { id: 'paying' } });
    expect((await addMethod('paying', 'stripe')).status).toBe(201);
    expect((await addMethod('second', 'sandbox')).status).toBe(201);
  });
});
