/** The demo's chapters by test clock: half a year of a subscription in seconds, through the same servers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { subscriptionWorkflowId, testClockStart } from '../../contracts/workflows/workflows';
import {
  advance,
  call,
  charges,
  customerWith,
  expect,
  get,
  workflow,
  type ByClock,
  type Json,
} from './narrator';
import type { Story } from './narrator';

interface Years extends ByClock {
  subscription: string;
}

/** @param plan at 10.00 EUR a month */
export async function playYears(story: Story, plan: string): Promise<void> {
  const years = await beginTrial(story, plan);
  await renew(years);
  await upgrade(years);
  await pause(years);
  await end(years);
}

async function beginTrial(story: Story, plan: string): Promise<Years> {
  const { system, narrate, run } = story;
  narrate.step('Years in seconds: a test clock that stands at 1 January 2030, and a trial of 14 days');
  const made = await call(system, narrate, 'POST', '/test-clocks', { now: '2030-01-01T09:00:00Z' }, 201);
  const clock = String(made['id']);
  const { customer } = await customerWith(story, `tok_ok#years-${run}`, clock);
  const body = { customer_id: customer, plan_id: plan, trial_days: 14 };
  const subscription = await call(system, narrate, 'POST', '/subscriptions', body, 201);
  expect(subscription['status'] === 'trialing', 'the trial did not begin');
  narrate.line(`free until ${String(subscription['trial_end'])}`);
  workflow(story, testClockStart(clock).workflowId);
  return { ...story, clock, subscription: String(subscription['id']) };
}

async function renew(years: Years): Promise<void> {
  const { narrate, watch, subscription } = years;
  narrate.step('The trial ends, and two renewals follow');
  await advance(years, '2030-03-20T09:00:00Z');
  const { data } = (await get(years.system, `/subscriptions/${subscription}/periods`)) as { data: Json[] };
  for (const period of data) narrate.line(periodText(period));
  expect(data.filter(({ payment_id }) => payment_id !== null).length === 3, 'not three paid periods');
  for (const topic of ['subscriptions.renew_required', 'payments.completed']) {
    await watch.next(topic, subscription, 30_000);
    const count = await narrated(years, topic, 3);
    narrate.line(`topic ${topic}: ${count} records with this subscription’s key`);
  }
  workflow(years, subscriptionWorkflowId(subscription));
}

async function upgrade(years: Years): Promise<void> {
  const { system, narrate, run, subscription } = years;
  narrate.step('An upgrade in the middle of a period: the difference is charged now');
  const plan = {
    id: `platinum-${run}`,
    name: 'Platinum',
    currency: 'EUR',
    amount: 2000,
    interval: { unit: 'month', count: 1 },
  };
  await call(system, narrate, 'POST', '/plans', plan, 201);
  const body = { plan_id: plan.id, proration: 'charge_now' };
  const path = `/subscriptions/${subscription}`;
  const preview = await call(system, narrate, 'POST', `${path}/change-preview`, body, 200);
  const dueNow = preview['due_now'] as { amount: number };
  for (const line of preview['lines'] as Json[]) {
    narrate.line(`${String(line['description'])}: ${String(line['amount'])}`);
  }
  const changed = await call(system, narrate, 'PUT', path, body, 200);
  expect(changed['plan_id'] === plan.id && changed['amount'] === 2000, 'the plan did not change');
  const taken = (await charges(system)).filter(
    ({ metadata }) => (metadata as Json)['subscription_id'] === subscription,
  );
  expect(
    taken.some(({ amount }) => amount === dueNow.amount),
    'the difference was not charged',
  );
  narrate.line(`the provider’s own ledger: ${dueNow.amount} taken for the rest of the period`);
}

async function pause(years: Years): Promise<void> {
  const { system, narrate, subscription } = years;
  narrate.step('A pause until 1 May, and its end');
  const path = `/subscriptions/${subscription}`;
  const resumeAt = '2030-05-01T09:00:00.000Z';
  const paused = await call(system, narrate, 'POST', `${path}/pause`, { resume_at: resumeAt }, 200);
  expect(paused['status'] === 'paused', 'the subscription is not paused');
  await advance(years, '2030-05-02T09:00:00Z');
  const resumed = await get(system, path);
  const period = resumed['period'] as Json;
  expect(resumed['status'] === 'active' && period['start'] === resumeAt, 'it was not resumed in time');
  narrate.line(`nothing was charged meanwhile; ${periodText(period)}`);
}

async function end(years: Years): Promise<void> {
  const { system, narrate, watch, subscription } = years;
  narrate.step('A cancellation at the end of the period');
  const path = `/subscriptions/${subscription}`;
  const ending = await call(system, narrate, 'DELETE', `${path}?mode=period_end`, undefined, 200);
  expect(ending['status'] === 'active', 'the paid period is not kept');
  await advance(years, '2030-06-15T09:00:00Z');
  const ended = await get(system, path);
  expect(ended['status'] === 'cancelled', 'the subscription is not cancelled');
  expect(ended['cancelled_at'] === ending['cancel_at'], 'it was not cancelled at its period’s end');
  narrate.line(`cancelled at ${String(ended['cancelled_at'])}`);
  await watch.next('subscriptions.cancelled', subscription, 30_000);
  await call(system, narrate, 'DELETE', `/test-clocks/${years.clock}`, undefined, 200);
}

/** What the topic had by then; the clock waits for publication, and this consumer reads a little later. */
async function narrated({ watch, subscription }: Years, topic: string, wanted: number): Promise<number> {
  const count = () => watch.seen(subscription).filter((record) => record.topic === topic).length;
  for (let tries = 0; tries < 300 && count() < wanted; tries += 1) await sleep(100);
  expect(count() === wanted, `${topic} has ${count()} records instead of ${wanted}`);
  return count();
}

function periodText({ index, start, end, payment_id }: Json): string {
  const what = payment_id === null ? 'trial' : 'paid';
  return `period ${String(index)}: ${String(start)} to ${String(end)}, ${what}`;
}
