/**
 * The demo's story, step by step, against a running system. Each step checks what it tells and throws when it is not
 * so: a demo that exits with 0 has seen everything it printed.
 */
import { subscriptionWorkflowId, paymentWorkflowId } from '../../contracts/workflows/workflows';
import {
  call,
  charges,
  customerWith,
  expect,
  get,
  record,
  workflow,
  type Json,
  type Story,
} from './narrator';
import { playDunning } from './dunning';
import { playMoney } from './money';
import { playYears } from './years';

/** Tells the whole story. @throws Error that names the step that failed */
export async function playStory(story: Story): Promise<void> {
  const plan = await createPlan(story);
  const bought = await buy(story, plan);
  await followOnKafka(story, bought);
  await declined(story, plan);
  await answerLost(story, plan);
  await decidedLater(story, plan);
  await takenByHand(story);
  await cancel(story, bought);
  await compareLedgers(story);
  await playYears(story, plan);
  await playMoney(story, plan);
  await playDunning(story, plan);
}

async function createPlan({ system, narrate, run }: Story): Promise<string> {
  narrate.step('A plan: 10.00 EUR a month');
  const body = {
    id: `gold-${run}`,
    name: 'Gold',
    currency: 'EUR',
    amount: 1000,
    interval: { unit: 'month', count: 1 },
  };
  const plan = await call(system, narrate, 'POST', '/plans', body, 201);
  return String(plan['id']);
}

async function buy(story: Story, plan: string): Promise<string> {
  const { system, narrate, run } = story;
  narrate.step('A customer subscribes; the first payment is taken at once');
  const { customer } = await customerWith(story, `tok_ok#${run}`);
  const body = { customer_id: customer, plan_id: plan };
  const headers = { 'Idempotency-Key': `demo-${run}` };
  const subscription = await call(system, narrate, 'POST', '/subscriptions', body, 201, headers);
  expect(subscription['status'] === 'active', 'the subscription is not active');
  const id = String(subscription['id']);
  workflow(story, subscriptionWorkflowId(id));
  narrate.line('The same request once more (same Idempotency-Key): the same subscription, no second charge.');
  const again = await call(system, narrate, 'POST', '/subscriptions', body, 201, headers);
  expect(again['id'] === id, 'the repeated request made another subscription');
  return id;
}

async function followOnKafka({ watch, narrate }: Story, id: string): Promise<void> {
  narrate.step('What other services see: an ordinary Kafka consumer outside the product');
  const created = await watch.next('subscriptions.created', id, 30_000);
  record(narrate, created);
  const committed = await watch.consumed('payment-service', created, 30_000);
  narrate.line(`group payment-service has consumed it (committed offset ${committed})`);
}

async function declined(story: Story, plan: string): Promise<void> {
  const { system, narrate, watch, run } = story;
  narrate.step('A customer whose bank declines');
  const { customer } = await customerWith(story, `tok_insufficient_funds#${run}`);
  const body = { customer_id: customer, plan_id: plan };
  const problem = await call(system, narrate, 'POST', '/subscriptions', body, 402);
  const failure = problem['failure'] as Json;
  narrate.line(
    `refused: ${String(problem['code'])}, ${String(failure['code'])} (${String(failure['category'])})`,
  );
  const narrated = watch.seen(String(problem['subscription_id']));
  expect(
    narrated.every(({ topic }) => topic === 'webhooks.received'),
    'a declined creation is on a topic',
  );
  narrate.line('and on no topic of ours: but for the provider’s own webhook, it never happened');
}

async function answerLost(story: Story, plan: string): Promise<void> {
  const { system, narrate, run } = story;
  narrate.step('The provider charges, but its answer is lost: payment/{id} asks again with the same key');
  const { customer } = await customerWith(story, `tok_lost_answer_ok#${run}`);
  const body = { customer_id: customer, plan_id: plan };
  const subscription = await call(system, narrate, 'POST', '/subscriptions', body, 201);
  expect(subscription['status'] === 'active', 'the lost answer was not recovered');
  const first = subscription['first_payment'] as Json;
  workflow(story, paymentWorkflowId(String(first['payment_id'])));
  const ledger = await charges(system, String(first['payment_id']));
  expect(ledger.length === 1, `the provider charged ${ledger.length} times`);
  narrate.line('the provider’s own ledger: charged once');
}

async function decidedLater(story: Story, plan: string): Promise<void> {
  const { system, narrate, watch, run } = story;
  narrate.step('The provider decides two seconds later and tells by webhook: verified, stored, used once');
  const { customer } = await customerWith(story, `tok_pending_then_ok#${run}`);
  const body = { customer_id: customer, plan_id: plan };
  const subscription = await call(system, narrate, 'POST', '/subscriptions', body, 201);
  expect(subscription['status'] === 'active', 'the webhook did not settle the payment');
  const received = await watch.next('webhooks.received', String(subscription['id']), 30_000);
  record(narrate, received);
  const delivery = await get(system, `/webhook-deliveries/${String(received.event.data['delivery_id'])}`);
  narrate.line(
    `${String(delivery['id'])} ${String(delivery['event_type'])} ${String(delivery['status'])}: ${String(delivery['outcome'])}`,
  );
  expect(delivery['status'] === 'processed', 'the webhook was not processed');
}

async function takenByHand(story: Story): Promise<void> {
  const { system, narrate, watch, run } = story;
  narrate.step('A payment of its own: an operator takes a fee');
  const { customer } = await customerWith(story, `tok_ok#${run}`);
  const fee = { customer_id: customer, amount: 250, currency: 'EUR', reason: 'set-up fee' };
  const { id } = await call(system, narrate, 'POST', '/payments', fee, 202);
  const payment = String(id);
  record(narrate, await watch.next('payments.requested', payment, 30_000));
  workflow(story, paymentWorkflowId(payment));
  record(narrate, await watch.next('payments.completed', payment, 30_000));
  const ledger = await charges(system, payment);
  expect(ledger.length === 1 && ledger[0]?.['amount'] === 250, 'the fee was not charged once');
  narrate.line('the provider’s own ledger: 2.50 EUR, charged once');
}

async function cancel(story: Story, id: string): Promise<void> {
  const { system, narrate, watch } = story;
  narrate.step('The first customer cancels');
  const cancelled = await call(
    system,
    narrate,
    'DELETE',
    `/subscriptions/${id}?mode=now&reason=moved`,
    undefined,
    200,
  );
  expect(cancelled['status'] === 'cancelled', 'the subscription is not cancelled');
  const event = await watch.next('subscriptions.cancelled', id, 30_000);
  record(narrate, event);
  const committed = await watch.consumed('payment-service', event, 30_000);
  narrate.line(`group payment-service has consumed it (committed offset ${committed})`);
  workflow(story, subscriptionWorkflowId(id));
}

async function compareLedgers({ system, narrate, run }: Story): Promise<void> {
  narrate.step('The provider’s ledger against ours');
  const all = (await charges(system)).filter((charge) => String(charge['token']).endsWith(`#${run}`));
  for (const charge of all) {
    const payment = await get(system, `/payments/${String((charge['metadata'] as Json)['payment_id'])}`);
    narrate.line(
      `${String(charge['id'])} ${String(charge['status'])} ${String(charge['amount'])} ${String(charge['currency'])}` +
        ` = ${String(payment['id'])} ${String(payment['status'])}`,
    );
    const agrees = (charge['status'] === 'succeeded') === (payment['status'] === 'completed');
    expect(agrees, 'the ledgers disagree');
  }
  const taken = all.filter((charge) => charge['status'] === 'succeeded').length;
  expect(
    all.length === 5 && taken === 4,
    `expected 5 charges, 4 of them taken; there are ${all.length} and ${taken}`,
  );
}
