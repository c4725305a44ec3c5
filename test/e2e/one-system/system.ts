/** The one system that the suites of this folder share, one suite after the other. */
import { randomUUID } from 'node:crypto';
import { pickFreePort } from '../../../dev/platform/ports';
import { TestSystem } from '../../support/system';

/** Newest first. */
const newerSecret = 'whsec_newer_0123456789abcdef';
export const stripeSecret = 'whsec_former_0123456789abcdef';
/** The service outside whose requests are accepted. */
export const externalSource = '/erp';
/** Longer than the API waits for a worker. */
export const creationAcceptSeconds = 16;

/** An order whose request never reached the provider, of a customer whose clock goes on. */
export interface LostRequest {
  clock: string;
  subscriptionId: string;
  customer: string;
  paymentId: string;
}

let shared: { its: TestSystem; lostRequest: Promise<LostRequest> } | undefined;

/** Starts it; what takes a real minute to prove begins at once. */
export async function openSystem(): Promise<void> {
  const its = await TestSystem.start(['sandbox', 'api', 'worker', 'bridge'], {
    RECONCILE_EVERY_SECONDS: '10',
    TEST_CLOCK_STALL_SECONDS: '5',
    IDEMPOTENCY_LEASE_SECONDS: '20',
    CREATION_ACCEPT_SECONDS: String(creationAcceptSeconds),
    EXTERNAL_SOURCES: externalSource,
    STRIPE_SECRET_KEY: 'sk_test_nobody',
    STRIPE_WEBHOOK_SECRETS: `${newerSecret},${stripeSecret}`,
    // No server listens there: outcomes come by webhook alone.
    STRIPE_API_URL: `http://127.0.0.1:${await pickFreePort()}`,
  });
  const lostRequest = loseRequest(its);
  // Awaited by the test that looks at it.
  lostRequest.catch(() => undefined);
  shared = { its, lostRequest };
}

export async function closeSystem(): Promise<void> {
  await shared?.its.close();
}

export function theSystem(): TestSystem {
  if (shared === undefined) throw new Error('the system was not started');
  return shared.its;
}

export function theLostRequest(): Promise<LostRequest> {
  if (shared === undefined) throw new Error('the system was not started');
  return shared.lostRequest;
}

async function loseRequest(its: TestSystem): Promise<LostRequest> {
  const clock = await its.made('/test-clocks', { now: '2033-05-01T00:00:00Z' });
  const { customer, order } = await its.buyer('tok_lost_request', clock);
  const { status, body } = await its.call('POST', '/subscriptions', order, randomUUID());
  if (status !== 202) throw new Error(`the order was answered ${status}: ${JSON.stringify(body)}`);
  const { payment_id: paymentId } = body['first_payment'] as { payment_id: string };
  const to = '2033-05-01T07:00:00Z';
  const advance = await its.call('POST', `/test-clocks/${clock}/advance`, { to });
  if (advance.status !== 202) throw new Error(`the advance was answered ${advance.status}`);
  return { clock, customer, subscriptionId: String(body['id']), paymentId };
}
