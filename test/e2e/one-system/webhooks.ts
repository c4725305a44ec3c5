/** What the provider's webhooks settle, whatever is held, repeated, late or away meanwhile. */
import { randomUUID } from 'node:crypto';
import StripeLibrary from 'stripe';
import { knownTokens } from '../../../providers/sandbox/tokens';
import type { Answer, Json, TestSystem } from '../../support/system';
import { stripeSecret, theSystem } from './system';
import { eventually } from '../../support/eventually';
import { tokenTable, type TokenRow } from './token-table';

let its: TestSystem;
beforeAll(async () => {
  its = theSystem();
  // The consumers have joined their groups once they have handled something.
  await deliveries(paymentIdOf(await (await order('tok_ok')).answer), 1);
});
afterEach(() => its?.heal());

interface Delivery {
  id: string;
  event_type: string;
  status: string;
  outcome: string | null;
  payment_id: string;
}

/** The ledger's rows about a payment, once there are so many and each is done with. */
function deliveries(paymentId: string, count: number): Promise<Delivery[]> {
  const look = async () => {
    const { data } = (await its.get(`/webhook-deliveries?payment_id=${paymentId}`)) as unknown as {
      data: Delivery[];
    };
    return data.length === count && data.every(({ status }) => status !== 'stored') && data;
  };
  return eventually(`${count} deliveries about ${paymentId} to be done with`, look, { timeoutMs: 60_000 });
}
const paymentIdOf = ({ body }: Answer) => (body['first_payment'] as { payment_id: string }).payment_id;

async function order(token: string): Promise<{ customer: string; answer: Promise<Answer> }> {
  const { customer, order: body } = await its.buyer(token);
  const answer = its.call('POST', '/subscriptions', body, randomUUID());
  answer.catch(() => undefined);
  return { customer, answer };
}

interface Paid {
  status: string;
  attempts: { status: string; failure: { code: string } | null }[];
}

/** The payment, once it is what the table says. */
function standing(paymentId: string, wanted: Partial<TokenRow['payments'][number]>): Promise<true> {
  let last = '';
  const look = async () => {
    const { status, attempts } = (await its.get(`/payments/${paymentId}`)) as unknown as Paid;
    const words = attempts.map((one) => [one.status, one.failure?.code].filter(Boolean).join(' '));
    last = `${status}: ${words.join(', ')}`;
    return status === wanted.status && words.join() === wanted.attempts?.join();
  };
  return eventually(`a payment that is ${wanted.status}`, look, { timeoutMs: 100_000, everyMs: 250 }).then(
    () => true,
    (error: unknown) => {
      throw new Error(`${paymentId} is ${last}`, { cause: error });
    },
  );
}

/** Every retry that was asked for has come to something; until then another one is refused as in flight. */
const concluded = (paymentId: string): Promise<boolean> =>
  eventually('the retries to be concluded', async () => {
    const { data } = (await its.get(`/payments/${paymentId}/retry-requests`)) as { data: Json[] };
    return data.every(({ settled_at: at }) => at !== null);
  });

/** Asks for the row's payments, and for the retries that it names. @returns the customer's charges */
async function lived({ token, payments }: TokenRow): Promise<string[]> {
  const { customer } = await its.buyer(token);
  for (const { status, attempts } of payments) {
    const request = { customer_id: customer, amount: 1000, currency: 'EUR', reason: 'an extra' };
    const { body } = await its.call('POST', '/payments', request);
    const id = String(body['id']);
    for (let made = 1; made < attempts.length; made += 1) {
      await standing(id, { status: 'failed', attempts: attempts.slice(0, made) });
      await concluded(id);
      expect(await its.call('POST', `/payments/${id}/retry`, { reason: 'now' })).toMatchObject({
        status: 202,
      });
    }
    await standing(id, { status, attempts });
  }
  const charges = await its.charges(customer);
  return charges.map(({ status, amount }) => `${status} ${amount}`).toReversed();
}

test('each token ends as the table says: the payment, its attempts and the provider’s ledger agree', async () => {
  const names = tokenTable.map(({ token }) => token.replace(/fail_\d+/, 'fail_N'));
  expect(names.toSorted()).toEqual([...knownTokens].toSorted());
  await its.control({ pending_ms: 300 });
  // In parallel: the slowest is answered after half a minute.
  const found = await Promise.all(tokenTable.map(async (row) => ({ ...row, ledger: await lived(row) })));
  await its.control({ pending_ms: 2_000 });
  expect(found).toEqual(tokenTable);
});

test('a customer who is there authenticates: the order waits for that alone, and is paid once', async () => {
  const { customer, answer } = await order('tok_authentication_required');
  const open = await answer;
  expect(open).toMatchObject({ status: 202, body: { first_payment: { status: 'requires_action' } } });
  const [charge] = await its.charges(customer);
  const done = await fetch(`${its.system.sandboxUrl}/v1/charges/${charge?.id}/authenticate`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ succeed: true }),
  });
  expect(done.status).toBe(200);
  await standing(paymentIdOf(open), { status: 'completed', attempts: ['completed'] });
  expect((await its.charges(customer)).map(({ status }) => status)).toEqual(['succeeded']);
});

test('a payment that is pending is settled by webhook while its creation still waits: 201', async () => {
  const { answer } = await order('tok_pending_then_ok');
  const settled = await answer;
  expect(settled).toMatchObject({ status: 201, body: { status: 'active' } });
  const paymentId = paymentIdOf(settled);
  const payment = await its.row('SELECT settled_by FROM payment_attempts WHERE payment_id = $1', paymentId);
  expect(payment).toEqual({ settled_by: 'webhook' });
  expect(await deliveries(paymentId, 1)).toMatchObject([
    {
      event_type: 'charge.succeeded',
      status: 'processed',
      outcome: 'The attempt is completed by this webhook.',
    },
  ]);
});

test('one that fails later is declined as if at once, and only webhooks.received tells of it', async () => {
  const { answer } = await order('tok_pending_then_fail');
  const { status, body } = await answer;
  expect(status).toBe(402);
  const id = String(body['subscription_id']);
  await deliveries(String(body['payment_id']), 1);
  await its.topicsAreIdle();
  expect(its.topics.of(id)).toEqual([]);
  expect(its.topics.of(id, 'webhooks.received')).toHaveLength(1);
});

test('answered as still open, it is settled within seconds of its webhook, and published', async () => {
  await its.control({ hold_webhooks: true });
  const { answer } = await order('tok_pending_then_ok');
  const open = await answer;
  expect(open).toMatchObject({ status: 202, body: { status: 'incomplete' } });
  const id = String(open.body['id']);
  await its.topics.consumedBy('payment-service', await its.topics.next('subscriptions.created', id));
  await its.control({ hold_webhooks: false });
  // The next lookup would be a minute after the first call.
  const completed = await its.topics.next('payments.completed', id);
  expect(completed.event.data).toMatchObject({ settled_by: 'webhook', kind: 'first' });
  await eventually('the subscription to be active', async () => {
    return (await its.get(`/subscriptions/${id}`))['status'] === 'active';
  });
});

test('a failure that comes after the answer is published by the webhook handler', async () => {
  await its.control({ hold_webhooks: true });
  const { answer } = await order('tok_pending_then_fail');
  const open = await answer;
  expect(open.status).toBe(202);
  const id = String(open.body['id']);
  await its.topics.consumedBy('payment-service', await its.topics.next('subscriptions.created', id));
  await its.control({ hold_webhooks: false });
  const failed = await its.topics.next('payments.failed', id);
  expect(failed.event).toMatchObject({ source: '/webhook-handler', data: { failure: { category: 'soft' } } });
  await eventually('the subscription to be expired', async () => {
    return (await its.get(`/subscriptions/${id}`))['status'] === 'expired';
  });
});

test('the webhook before our own answer: the answer finds it settled, and the money was taken once', async () => {
  await its.control({ hold_answers: true });
  const { customer, answer } = await order('tok_ok');
  const settled = await answer;
  expect(settled).toMatchObject({ status: 201, body: { status: 'active' } });
  const attempt = await its.row(
    'SELECT status, settled_by FROM payment_attempts WHERE payment_id = $1',
    paymentIdOf(settled),
  );
  expect(attempt).toEqual({ status: 'completed', settled_by: 'webhook' });
  expect(await its.charges(customer)).toHaveLength(1);
});

test('every webhook 50 times at once and in any order: one row each, one effect', async () => {
  await its.control({ hold_webhooks: true });
  const orders = await Promise.all([order('tok_ok'), order('tok_ok'), order('tok_lost_answer_ok')]);
  const answers = await Promise.all(orders.map(({ answer }) => answer));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  await its.control({ hold_webhooks: false, duplicate_webhooks: 49, shuffle_webhooks: true });
  for (const answer of answers) {
    const paymentId = paymentIdOf(answer);
    await deliveries(paymentId, 1);
    expect(await its.get(`/payments/${paymentId}`)).toMatchObject({ status: 'completed' });
  }
  for (const { customer } of orders) expect(await its.charges(customer)).toHaveLength(1);
});

test('Stripe’s own signature: its webhook settles a payment whose answer was lost, and is refused when altered', async () => {
  const customer = await its.made('/customers', { name: 'Ada' });
  const method = { provider: 'stripe', token: 'pm_card_visa', default: true };
  await its.made(`/customers/${customer}/payment-methods`, method);
  const request = { customer_id: customer, amount: 1000, currency: 'EUR', reason: 'an extra' };
  const paymentId = String((await its.call('POST', '/payments', request)).body['id']);
  await eventually('the attempt', () =>
    its.row('SELECT 1 AS one FROM payment_attempts WHERE payment_id = $1', paymentId),
  );
  const intent = {
    id: `pi_${randomUUID().replaceAll('-', '')}`,
    object: 'payment_intent',
    status: 'succeeded',
    amount: 1000,
    amount_received: 1000,
    currency: 'eur',
    metadata: { payment_id: paymentId, attempt: '1' },
  };
  const type = 'payment_intent.succeeded';
  const payload = JSON.stringify({
    id: `evt_${randomUUID()}`,
    object: 'event',
    type,
    data: { object: intent },
  });
  const header = StripeLibrary.webhooks.generateTestHeaderString({ payload, secret: stripeSecret });
  const send = async (body: string) => {
    const headers = { 'Content-Type': 'application/json', 'Stripe-Signature': header };
    const answer = await fetch(`${its.system.apiUrl}/webhooks/stripe`, { method: 'POST', headers, body });
    return [answer.status, ((await answer.json()) as { received?: boolean }).received];
  };
  expect(await send(payload.replace('1000', '1001'))).toEqual([401, undefined]);
  expect(await Promise.all([send(payload), send(payload)])).toEqual([
    [200, true],
    [200, true],
  ]);
  expect(await deliveries(paymentId, 1)).toMatchObject([{ event_type: type, status: 'processed' }]);
  await standing(paymentId, { status: 'completed', attempts: ['completed'] });
  const { event } = await its.topics.next('payments.completed', paymentId);
  expect(event.data).toMatchObject({ provider: 'stripe', settled_by: 'webhook', amount: 1000 });
});

test('PostgreSQL away while webhooks come: the provider sends again, and nothing is lost', async () => {
  await its.control({ hold_webhooks: true });
  const { answer } = await order('tok_ok');
  const paymentId = paymentIdOf(await answer);
  // The provider's own database is on the same server: what it has in hand has to be in hand before.
  const { body, headers } = await signedByTheProvider();
  const { postgres } = its.system.platform;
  await postgres.stop();
  const refused = await fetch(`${its.system.apiUrl}/webhooks/sandbox`, { method: 'POST', body, headers });
  expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([503, 2]);
  await its.control({ hold_webhooks: false });
  await postgres.start();
  await its.untilReady();
  expect(await deliveries(paymentId, 1)).toMatchObject([{ status: 'processed' }]);
  expect(its.crashed).toEqual([]);
});

/** An event about nothing, signed with the secret that the provider has. */
async function signedByTheProvider(): Promise<{ body: string; headers: Record<string, string> }> {
  const { Webhook } = await import('standardwebhooks');
  const [secret = ''] = (its.system.environment['SANDBOX_WEBHOOK_SECRETS'] ?? '').split(',');
  const [id, at] = [`evt_${randomUUID()}`, new Date()];
  const body = JSON.stringify({ id, type: 'charge.refreshed', created_at: at.toISOString(), data: null });
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
  return { body, headers };
}

test('API and provider killed while webhooks are on their way: each comes once', async () => {
  await its.control({ hold_webhooks: true });
  const orders = await Promise.all(Array.from({ length: 5 }, () => order('tok_ok')));
  const paymentIds = (await Promise.all(orders.map(({ answer }) => answer))).map(paymentIdOf);
  await its.control({ hold_webhooks: false, duplicate_webhooks: 20 });
  await Promise.all(['api', 'sandbox'].map((name) => its.system.product(name).kill()));
  await Promise.all(['api', 'sandbox'].map((name) => its.startAgain(name)));
  for (const paymentId of paymentIds) await deliveries(paymentId, 1);
  const [one = ''] = paymentIds;
  const [delivery] = await deliveries(one, 1);
  const replayed = await its.call('POST', `/webhook-deliveries/${delivery?.id}/replay`);
  expect(replayed.status).toBe(202);
  expect(await deliveries(one, 1)).toMatchObject([{ status: 'processed' }]);
});
