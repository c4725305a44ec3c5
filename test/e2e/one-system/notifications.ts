/** What customers are told of a failed renewal, on the whole system, by test clock. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Dunning } from '../../support/dunning';
import { theSystem } from './system';
import { eventually } from '../../support/eventually';
import type { TestSystem } from '../../support/system';

let its: TestSystem;
beforeAll(() => {
  its = theSystem();
});

interface Reported {
  event_id: string;
  template: string;
  status: string;
  attempts: number;
}

/** What the service has done, oldest first, once it has done `wanted`. */
function outcomeOf(customer: string, wanted: number): Promise<Reported[]> {
  return eventually(`${wanted} notifications`, async () => {
    const { data } = await its.get(`/notifications?customer_id=${customer}&limit=100`);
    const reported = (data as Reported[]).toReversed();
    return reported.length >= wanted && reported.every(({ status }) => status !== 'sending') && reported;
  });
}

/** What was asked for, and for when, as the topic has it. */
function askedOf(customer: string): unknown[][] {
  const asked = its.topics.of(customer, 'notifications.requested');
  return asked.map(({ event }) => [event.data['template'], event.data['not_before']]);
}

test('customers are told what the preview announced, in its order, once each, whatever comes twice', async () => {
  const dunning = new Dunning(its);
  const clock = await its.made('/test-clocks', { now: '2031-01-01T12:00:00Z' });
  const dunned = await dunning.subscribed(clock, { token: 'tok_insufficient_funds' });
  const { customer } = dunned;
  await its.call('PATCH', `/customers/${customer}`, { email: 'ada@example.com' });
  await its.advance(clock, '2031-03-03T00:00:00Z');
  expect(await dunning.read(dunned)).toMatchObject({ status: 'expired' });

  const failed_at = (await dunning.attempts(dunned))[0]?.finished_at;
  const failure = { category: 'insufficient_funds', failed_at, time_zone: 'Europe/Berlin' };
  const templates = {
    attempt: 'payment_failed',
    reminder: 'final_action_ahead',
    final_action: 'final_action_taken',
  };
  const entries = await dunning.announced('default', failure);
  const announced = entries.map(({ kind, at }) => [templates[kind], at]);
  await its.topicsAreIdle();
  expect(askedOf(customer)).toEqual([['payment_failed', failed_at], ...announced]);

  const reported = await outcomeOf(customer, announced.length + 1);
  expect(reported.map(({ template }) => template)).toEqual(askedOf(customer).map(([template]) => template));
  expect(reported.every(({ status, attempts }) => status === 'sent' && attempts === 1)).toBe(true);
  const mails = () => readdirSync(join(its.system.platform.dir, 'notifications')).length;
  expect(mails()).toBe(reported.length);

  // The relay publishes all of it again, and a bridge that was killed reads it anew.
  await its.system.product('bridge').kill();
  const again = `UPDATE outbox_events SET published_at = NULL WHERE topic = 'notifications.requested' AND key = $1`;
  await its.row(again, customer);
  await its.startAgain('bridge');
  await its.topicsAreIdle();
  const last = its.topics.of(customer, 'notifications.requested').at(-1);
  if (last === undefined) throw new Error('nothing was published');
  await its.topics.consumedBy('notification-service', last);
  expect(await outcomeOf(customer, reported.length)).toEqual(reported);
  expect(mails()).toBe(reported.length);
});
