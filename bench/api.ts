/** Calls of the REST API for benchmarks. */
import { randomUUID } from 'node:crypto';
import type { System } from '../infra/platform/system';

/** Creates a subscription whose first period is paid. */
export type Subscribe = () => Promise<void>;

/** A plan, a customer and a payment method; what it returns creates one subscription more for them. */
export async function subscriber({ apiUrl, apiKey }: System): Promise<Subscribe> {
  const post = async (path: string, body: object): Promise<{ id: string }> => {
    const response = await fetch(`${apiUrl}${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { id: string };
    if (response.status !== 201)
      throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`);
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
