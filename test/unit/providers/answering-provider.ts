/**
 * A provider that answers as a test wants, and the charge that tests ask it for.
 *
 * Owns: one HTTP server at a time, and its end. Invariant: nothing listens after `stopProvider`.
 */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChargeRequest, PaymentProvider } from '../../../providers/port';
import { sandboxProvider } from '../../../providers/sandbox/adapter';

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

let server: Server | undefined;

/** The adapter, pointed at a provider with these answers; `path` is a part of its address. */
export async function providerThat(answers: RequestListener, path = ''): Promise<PaymentProvider> {
  await stopProvider();
  server = createServer(answers).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return sandboxProvider({ baseUrl: `http://127.0.0.1:${port}${path}` });
}

/** The adapter, pointed at a provider that always gives the one answer. */
export function providerAnswering(httpStatus: number, body: unknown): Promise<PaymentProvider> {
  return providerThat((_req, res) => {
    res.writeHead(httpStatus, { 'content-type': 'application/json' });
    res.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

export async function stopProvider(): Promise<void> {
  if (!server) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  server = undefined;
  await closed;
}
