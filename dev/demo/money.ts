/** The demo's chapter about money: a change, a change of mind and a refund, and what the ledger says of them. */
import {
  advance,
  call,
  customerWith,
  expect,
  get,
  until,
  type ByClock,
  type Json,
  type Story,
} from './narrator';

interface Paid extends ByClock {
  subscription: string;
  customer: string;
}

/** @param plan at 10.00 EUR a month */
export async function playMoney(story: Story, plan: string): Promise<void> {
  const paid = await subscribe(story, plan);
  await upgrade(paid);
  await leave(paid, plan);
  await showLedger(paid);
}

async function subscribe(story: Story, plan: string): Promise<Paid> {
  const { system, narrate, run } = story;
  narrate.step('Money: 10.00 EUR are paid for April 2032');
  const made = await call(system, narrate, 'POST', '/test-clocks', { now: '2032-04-01T00:00:00Z' }, 201);
  const clock = String(made['id']);
  const { customer } = await customerWith(story, `tok_ok#money-${run}`, clock);
  const body = { customer_id: customer, plan_id: plan, time_zone: 'UTC' };
  const { id } = await call(system, narrate, 'POST', '/subscriptions', body, 201);
  return { ...story, clock, customer, subscription: String(id) };
}

async function upgrade(paid: Paid): Promise<void> {
  const { system, narrate, run, subscription } = paid;
  narrate.step('On 16 April to 30.00 EUR a month: the rest of the month costs 15.00, of which 5.00 are paid');
  const plan = { id: `diamond-${run}`, name: 'Diamond', currency: 'EUR', amount: 3000 };
  const monthly = { interval: { unit: 'month', count: 1 } };
  await call(system, narrate, 'POST', '/plans', { ...plan, ...monthly }, 201);
  await advance(paid, '2032-04-16T00:00:00Z');
  const body = { plan_id: plan.id, proration: 'charge_now' };
  const preview = await call(
    system,
    narrate,
    'POST',
    `/subscriptions/${subscription}/change-preview`,
    body,
    200,
  );
  expect((preview['due_now'] as Json)['amount'] === 1000, 'the preview does not ask for 10.00');
  const asShown = { ...body, as_of: preview['as_of'] };
  await call(system, narrate, 'PUT', `/subscriptions/${subscription}`, asShown, 200);
}

async function leave(paid: Paid, plan: string): Promise<void> {
  const { system, narrate, subscription } = paid;
  narrate.step('A change of mind on 24 April, and the end at once: what was not used goes back');
  await advance(paid, '2032-04-24T00:00:00Z');
  await call(system, narrate, 'PUT', `/subscriptions/${subscription}`, { plan_id: plan }, 200);
  const path = `/subscriptions/${subscription}?mode=now&refund=prorated&reason=moved`;
  await call(system, narrate, 'DELETE', path, undefined, 200);
}

async function showLedger({ system, narrate, subscription, customer }: Paid): Promise<void> {
  narrate.step('The ledger: where every unit went');
  const settled = (page: Json) => (page['data'] as Json[]).some(({ kind }) => kind === 'refund_settled');
  const path = `/subscriptions/${subscription}/ledger?limit=100`;
  const { data } = (await until('the refund', () => get(system, path), settled)) as { data: Json[] };
  for (const { at, kind, entries } of data.toReversed()) {
    const text = (entries as Json[]).map(entryText).join(', ');
    narrate.line(`${String(at).slice(0, 10)} ${String(kind)}: ${text}`);
  }
  const all = data.flatMap(({ entries }) => entries as Json[]);
  const sumOf = (account: string) =>
    all.filter((entry) => entry['account'] === account).reduce((sum, { amount }) => sum + Number(amount), 0);
  // 5.00 until the 16th, 8 of 15 days of 15.00; the rest of 20.00 went back.
  expect(sumOf('cash/sandbox') === 1300 && sumOf('earned') === -1300, 'the ledger does not keep 13.00');
  expect(all.reduce((sum, { amount }) => sum + Number(amount), 0) === 0, 'the entries do not sum to zero');
  narrate.line('charged 20.00 EUR, used 13.00, given back 7.00');
  narrate.line(`everything of this customer as CSV: GET /customers/${customer}/ledger (Accept: text/csv)`);
}

function entryText({ account, amount }: Json): string {
  const value = Number(amount) / 100;
  return `${String(account)} ${value > 0 ? '+' : ''}${value.toFixed(2)}`;
}
