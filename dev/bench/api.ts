/** Calls of the REST API for benchmarks. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import type { System } from '../platform/system';

/** Creates a subscription whose first period is paid. */
export type Subscribe = () => Promise<void>;

interface Answer {
  status: number;
  body: { id: string };
}
/** Sends a POST. */
type Post = (path: string, body: object) => Promise<Answer>;

function poster({ apiUrl, apiKey }: System): Post {
  // The measuring process takes little of the machine: this costs half of what `fetch` does.
  const agent = new Agent({ keepAlive: true });
  const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' };
  return async (path, body) => {
    const sent = request(`${apiUrl}${path}`, { method: 'POST', headers, agent });
    sent.end(JSON.stringify(body));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, body: (await json(response)) as { id: string } };
  };
}

/** @throws Error when the answer is another one than 201 */
async function created(post: Post, path: string, body: object): Promise<string> {
  const answer = await post(path, body);
  if (answer.status !== 201)
    throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body.id;
}

async function createPlan(post: Post): Promise<string> {
  const interval = { unit: 'month', count: 1 };
  return created(post, '/plans', { name: 'Bench', currency: 'EUR', amount: 1000, interval });
}

async function createCustomer(post: Post): Promise<string> {
  const customerId = await created(post, '/customers', {});
  const card = { provider: 'sandbox', token: tokenOf(randomUUID()), default: true };
  await created(post, `/customers/${customerId}/payment-methods`, card);
  return customerId;
}

/** A plan, a customer and a payment method; what it returns creates one subscription more for them. */
export async function subscriber(system: System): Promise<Subscribe> {
  const post = poster(system);
  const subscription = { plan_id: await createPlan(post), customer_id: await createCustomer(post) };
  return async () => void (await created(post, '/subscriptions', subscription));
}

/** A plan; what it returns creates a customer with a card and a subscription. */
export async function newSubscriber(system: System): Promise<Subscribe> {
  const post = poster(system);
  const planId = await createPlan(post);
  return async () => {
    const customerId = await createCustomer(post);
    await created(post, '/subscriptions', { customer_id: customerId, plan_id: planId });
  };
}

/** A plan, a customer and a card; what it returns sends POST /subscriptions and answers with the status. */
export async function subscriptionSender(system: System): Promise<() => Promise<number>> {
  const post = poster(system);
  const subscription = { plan_id: await createPlan(post), customer_id: await createCustomer(post) };
  return async () => (await post('/subscriptions', subscription)).status;
}

/** A token that pays, of a card of its own. Letters alone: digits in a row may look like a card number, which is refused. */
export function tokenOf(card: string): string {
  return `tok_ok#${card.replaceAll(/\d/g, 'x')}`;
}
