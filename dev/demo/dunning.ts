/** The demo's chapters about failed payments: retries as the policy announced them, by hand, and with another card. */
import { retryWorkflowId } from '../../contracts/workflows/workflows';
import {
  advance,
  call,
  customerWith,
  expect,
  get,
  record,
  until,
  workflow,
  type ByClock,
  type Json,
  type Story,
} from './narrator';

/** @param plan at 10.00 EUR a month */
export async function playDunning(story: Story, plan: string): Promise<void> {
  const { system, narrate } = story;
  narrate.step('A renewal is declined: the subscription is past due, and every date to come is known');
  const made = await call(system, narrate, 'POST', '/test-clocks', { now: '2031-01-01T12:00:00Z' }, 201);
  const dunning: ByClock = { ...story, clock: String(made['id']) };
  // The first charge succeeds; the renewal and its two retries are declined.
  const subscription = await subscribed(dunning, plan, 'tok_ok_then_fail_3');
  const { payment, dates } = await declined(dunning, subscription);
  await retriedAsAnnounced(dunning, payment, dates);
  await retriedByHand(dunning, subscription, payment);
  await recoveredByAnotherCard(dunning, plan);
  await call(system, narrate, 'DELETE', `/test-clocks/${dunning.clock}`, undefined, 200);
}

/** @returns the subscription's id */
async function subscribed(dunning: ByClock, plan: string, token: string): Promise<string> {
  const { system, narrate, run, clock } = dunning;
  const { customer } = await customerWith(dunning, `${token}#dunning-${run}`, clock);
  const body = { customer_id: customer, plan_id: plan };
  const subscription = await call(system, narrate, 'POST', '/subscriptions', body, 201);
  return String(subscription['id']);
}

async function declined(
  dunning: ByClock,
  subscription: string,
): Promise<{ payment: string; dates: string[] }> {
  const { system, narrate } = dunning;
  await advance(dunning, '2031-02-01T12:00:00Z');
  const { status, open_payment_id: id } = await get(system, `/subscriptions/${subscription}`);
  expect(status === 'past_due', 'the subscription is not past due');
  const payment = String(id);
  const [attempt] = await attemptsOf(dunning, payment);
  if (attempt === undefined) throw new Error('the renewal was not attempted');
  const { code, category } = attempt['failure'] as Json;
  narrate.line(`${payment}: ${String(code)} (${String(category)}); the subscription is past due`);
  workflow(dunning, retryWorkflowId(payment));
  const failure = { category: code, failed_at: attempt['finished_at'], time_zone: 'Europe/Berlin' };
  const path = '/retry-policies/default/preview';
  const { entries } = await call(system, narrate, 'POST', path, failure, 200);
  for (const { kind, local, reason } of entries as Json[]) {
    narrate.line(`${String(local)} ${String(kind)}: ${String(reason)}`);
  }
  const attempts = (entries as Json[]).filter(({ kind }) => kind === 'attempt');
  return { payment, dates: attempts.map(({ at }) => String(at)) };
}

async function retriedAsAnnounced(dunning: ByClock, payment: string, dates: string[]): Promise<void> {
  const { narrate } = dunning;
  narrate.step('Two automatic retries, at just the instants that were announced');
  await advance(dunning, dates[1] ?? '');
  const [, ...retries] = await attemptsOf(dunning, payment);
  for (const retry of retries) narrate.line(attemptText(retry));
  const made = retries.map(({ finished_at: at }) => at);
  expect(made.join() === dates.slice(0, 2).join(), `retried at ${made.join()}`);
}

async function retriedByHand(dunning: ByClock, subscription: string, payment: string): Promise<void> {
  const { system, narrate, watch } = dunning;
  narrate.step('The customer calls, and an operator retries by hand: the money comes');
  const path = `/payments/${payment}/retry`;
  await call(system, narrate, 'POST', path, { reason: 'the customer called' }, 202);
  record(narrate, await watch.next('payments.retry.requested', subscription, 30_000));
  const { data } = await until(
    'the end of the wish',
    () => get(system, `${path}-requests`),
    (answer) => (answer['data'] as Json[])[0]?.['status'] === 'attempted',
  );
  narrate.line(`the wish led to attempt ${String((data as Json[])[0]?.['attempt'])}`);
  await recovered(dunning, subscription);
  const retry = (await attemptsOf(dunning, payment)).at(-1) as Json;
  narrate.line(attemptText(retry));
  expect(
    retry['trigger'] === 'manual_retry' && retry['status'] === 'completed',
    'it was not retried by hand',
  );
  const again = await call(system, narrate, 'POST', path, { reason: 'once more' }, 409);
  expect(again['reason'] === 'completed', 'a collected payment was tried again');
}

async function recoveredByAnotherCard(dunning: ByClock, plan: string): Promise<void> {
  const { system, narrate, run } = dunning;
  narrate.step('A stolen card is never tried again; another one is charged at once');
  const subscription = await subscribed(dunning, plan, 'tok_ok');
  const { customer_id: customer } = await get(system, `/subscriptions/${subscription}`);
  const paysWith = async (token: string) => {
    const method = { provider: 'sandbox', token: `${token}#card-${run}` };
    const path = `/customers/${String(customer)}/payment-methods`;
    const { id } = await call(system, narrate, 'POST', path, method, 201);
    await call(system, narrate, 'PUT', `/subscriptions/${subscription}`, { payment_method_id: id }, 200);
  };
  await paysWith('tok_stolen');
  await advance(dunning, '2031-03-15T12:00:00Z');
  const { open_payment_id: payment } = await get(system, `/subscriptions/${subscription}`);
  const before = await attemptsOf(dunning, String(payment));
  for (const attempt of before) narrate.line(attemptText(attempt));
  expect(before.length === 1, 'a card that was reported stolen was tried again');
  await paysWith('tok_ok');
  await recovered(dunning, subscription);
  const after = await attemptsOf(dunning, String(payment));
  narrate.line(attemptText(after.at(-1) as Json));
  expect(after.length === 2, `there are ${after.length} attempts`);
}

async function recovered({ system, narrate }: ByClock, subscription: string): Promise<void> {
  await until(
    'the recovery',
    () => get(system, `/subscriptions/${subscription}`),
    ({ status }) => status === 'active',
  );
  narrate.line(`${subscription} is active again`);
}

async function attemptsOf({ system }: ByClock, payment: string): Promise<Json[]> {
  return (await get(system, `/payments/${payment}`))['attempts'] as Json[];
}

function attemptText({ number, trigger, status, failure, finished_at: at }: Json): string {
  const why = failure === null ? '' : ` (${String((failure as Json)['code'])})`;
  return `attempt ${String(number)}, ${String(trigger)}, at ${String(at)}: ${String(status)}${why}`;
}
