/** Webhooks of the sandbox provider, signed as it signs them, for benchmarks. */
import { randomUUID } from 'node:crypto';
import { request as httpRequest, type Agent } from 'node:http';
import { Webhook } from 'standardwebhooks';
import type { System } from '../platform/system';
import { tokenOf } from './api';

const knownPayments = 20;

export interface SignedWebhook {
  body: string;
  headers: Record<string, string>;
}

/** Payments that were paid at once, as most that a provider tells of. */
export async function givenPayments({ apiUrl, apiKey }: System): Promise<string[]> {
  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${apiUrl}${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (response.status !== 201)
      throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const interval = { unit: 'month', count: 1 };
  const plan = await post('/plans', { name: 'Bench', currency: 'EUR', amount: 1000, interval });
  const customer = String((await post('/customers', {}))['id']);
  const method = { provider: 'sandbox', token: tokenOf(randomUUID()), default: true };
  await post(`/customers/${customer}/payment-methods`, method);
  const paymentIds: string[] = [];
  while (paymentIds.length < knownPayments) {
    const made = await post('/subscriptions', { customer_id: customer, plan_id: plan['id'] });
    paymentIds.push((made['first_payment'] as { payment_id: string }).payment_id);
  }
  return paymentIds;
}

/** Events about these payments in turn, each with an id of its own, signed as of now. */
export function signedWebhooks(
  { environment }: System,
  paymentIds: readonly string[],
  count: number,
): SignedWebhook[] {
  const [secret = ''] = (environment['SANDBOX_WEBHOOK_SECRETS'] ?? '').split(',');
  const signer = new Webhook(secret);
  const at = new Date();
  return Array.from({ length: count }, (_, index) => {
    const id = `evt_${randomUUID()}`;
    const paymentId = paymentIds[index % paymentIds.length] ?? '';
    const data = {
      id: `ch_${paymentId}`,
      idempotency_key: `${paymentId}/1`,
      amount: 1000,
      currency: 'EUR',
      token: 'tok_ok',
      status: 'succeeded',
      failure: null,
      next_action: null,
      metadata: { payment_id: paymentId, attempt: 1, subscription_id: 'sub_1', customer_id: 'cus_1' },
      created_at: at.toISOString(),
    };
    const body = JSON.stringify({ id, type: 'charge.succeeded', created_at: at.toISOString(), data });
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': signer.sign(id, at, body),
    };
    return { body, headers };
  });
}

/** Sends one. @returns the status of the answer */
export function statusOf(url: string, agent: Agent, { body, headers }: SignedWebhook): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers, agent }, (response) => {
      response.on('error', reject);
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    request.on('error', reject);
    request.end(body);
  });
}
