/** Cards that come late, and many commands at once, on the whole system. */
import type { Json, TestSystem } from '../../support/system';
import { theSystem } from './system';
import { eventually } from '../../support/eventually';

let its: TestSystem;
beforeAll(() => {
  its = theSystem();
});

test('W2, W11: a default card of a trial’s failed renewal is tried at once, and what is due by then opens', async () => {
  const clock = await its.made('/test-clocks', { now: '2031-01-01T12:00:00.000Z' });
  const interval = { unit: 'day', count: 2 };
  const plan = await its.made('/plans', { name: 'Two days', currency: 'EUR', amount: 100, interval });
  const customer = await its.made('/customers', { test_clock_id: clock });
  const order = { customer_id: customer, plan_id: plan, trial_days: 2 };
  const id = await its.made('/subscriptions', order);
  await its.advance(clock, '2031-01-08T00:00:00.000Z');
  expect(await its.get(`/subscriptions/${id}`)).toMatchObject({ status: 'past_due', period: { index: 1 } });

  const card = { provider: 'sandbox', token: 'tok_ok#late' };
  await its.made(`/customers/${customer}/payment-methods`, card);

  // The clock stands still: the periods of 3, 5 and 7 January are due by it.
  const read = async () => {
    const subscription = await its.get(`/subscriptions/${id}`);
    const { index, paid } = subscription['period'] as { index: number; paid: boolean };
    return index === 3 && paid ? subscription : undefined;
  };
  expect(await eventually('the period of now to be paid', read)).toMatchObject({
    status: 'active',
    period: { start: '2031-01-07T12:00:00.000Z' },
  });
  expect((await its.charges(customer)).map(({ status }) => status)).toEqual(Array(3).fill('succeeded'));
});

test('W5: twelve changes of one subscription at once are answered 200, or 429 with Retry-After', async () => {
  const { order } = await its.buyer('tok_ok');
  const id = await its.made('/subscriptions', order);
  const put = (seat: number) => its.call('PUT', `/subscriptions/${id}`, { metadata: { seat: String(seat) } });
  const answers = await Promise.all(Array.from({ length: 12 }, (_, at) => put(at)));
  const refused = answers.filter(({ status }) => status !== 200);
  expect(refused.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual(
    refused.map(() => [429, '1']),
  );
  const { version } = (await its.get(`/subscriptions/${id}`)) as Json & { version: number };
  // Each that was answered has its version, and nothing has two.
  expect(version).toBeGreaterThanOrEqual(1 + answers.length - refused.length);
  expect(version).toBeLessThanOrEqual(1 + answers.length);
});
