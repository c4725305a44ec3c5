/** Calls of the REST API for benchmarks. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import type { System } from '../platform/system';

/** Creates a subscription whose first period is paid. */
export type Subscribe = () => Promise<void>;

/** A plan, a customer and a payment method; what it returns creates one subscription more for them. */
export async function subscriber({ apiUrl, apiKey }: System): Promise<Subscribe> {
  // Whoever measures takes little of the machine: this costs half of what `fetch` does.
  const agent = new Agent({ keepAlive: true });
  const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' };
  const post = async (path: string, body: object): Promise<{ id: string }> => {
    const asked = request(`${apiUrl}${path}`, { method: 'POST', headers, agent });
    asked.end(JSON.stringify(body));
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const answer = (await json(response)) as { id: string };
    if (response.statusCode !== 201)
      throw new Error(`${path} answered ${response.statusCode}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const interval = { unit: 'month', count: 1 };
  const plan = await post('/plans', { name: 'Bench', currency: 'EUR', amount: 1000, interval });
  const customer = await post('/customers', {});
  const token = tokenOf(randomUUID());
  await post(`/customers/${customer.id}/payment-methods`, { provider: 'sandbox', token, default: true });
  return async () => void (await post('/subscriptions', { customer_id: customer.id, plan_id: plan.id }));
}

/** A token that pays, of a card of its own. Letters alone: digits in a row may look like a card number, which is refused. */
export function tokenOf(card: string): string {
  return `tok_ok#${card.replaceAll(/\d/g, 'x')}`;
}
