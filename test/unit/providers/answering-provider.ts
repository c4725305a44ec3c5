/** A sandbox provider that answers as a test wants, and the charge that tests ask it for. */
import type { RequestListener } from 'node:http';
import type { ChargeRequest, PaymentProvider } from '../../../providers/port';
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import { serverThat } from './answering-server';

export const request: ChargeRequest = {
  idempotencyKey: 'pay_1/2',
  amount: 1500,
  currency: 'EUR',
  token: 'tok_ok#secret',
  offSession: true,
  paymentId: 'pay_1',
  attempt: 2,
  subscriptionId: null,
  customerId: 'cus_1',
  providerCustomer: null,
};
export const lookupRequest = { ...request, startedAt: '2027-03-01T09:00:00.000Z' };
export const taken = {
  id: 'ch_1',
  idempotency_key: 'pay_1/2',
  amount: 1500,
  currency: 'EUR',
  token: 'tok_ok#secret',
  status: 'succeeded',
  failure: null,
  next_action: null,
  metadata: { payment_id: 'pay_1', attempt: 2, subscription_id: null, customer_id: 'cus_1' },
  created_at: '2027-03-01T09:00:00.000Z',
};
export const timeoutMs = 5_000;

export { stopServer as stopProvider, textOf } from './answering-server';

/** The adapter, pointed at a provider with these answers; `path` is a part of its address. */
export async function providerThat(answers: RequestListener, path = ''): Promise<PaymentProvider> {
  return sandboxProvider({ baseUrl: `${await serverThat(answers)}${path}` });
}

/** The adapter, pointed at a provider that always gives the one answer. */
export function providerAnswering(httpStatus: number, body: unknown): Promise<PaymentProvider> {
  return providerThat((_req, res) => {
    res.writeHead(httpStatus, { 'content-type': 'application/json' });
    res.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}
