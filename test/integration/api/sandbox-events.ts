/** Webhooks of the sandbox provider as they arrive, made and signed by the official library. */
import { Webhook } from 'standardwebhooks';
import { fixedNow, webhookSecrets } from './test-api';

/** `former` is on its way out, and still accepted. */
export const [newest = '', former = ''] = webhookSecrets;
let events = 0;

interface Reported {
  id?: string;
  type?: string;
  paymentId?: string;
  attempt?: number;
  amount?: number;
  currency?: string;
  /** Sent as it is instead of an event. */
  body?: string | Buffer;
}

/** An event of the sandbox about a charge, as bytes with their headers. */
export function webhook(reported: Reported = {}, secrets: readonly string[] = [newest], at = fixedNow) {
  events += 1;
  const { id = `evt_${events}`, type = 'charge.succeeded', paymentId = 'pay_x', attempt = 1 } = reported;
  const failure = type === 'charge.failed' ? { code: 'insufficient_funds', message: 'No funds.' } : null;
  const data = {
    id: `ch_${events}`,
    idempotency_key: `${paymentId}/${attempt}`,
    amount: reported.amount ?? 1000,
    currency: reported.currency ?? 'EUR',
    token: 'tok_ok',
    status: failure === null ? 'succeeded' : 'failed',
    failure,
    next_action: null,
    metadata: { payment_id: paymentId, attempt, subscription_id: null, customer_id: 'cus_1' },
    created_at: at.toISOString(),
  };
  const body = Buffer.from(
    (reported.body as string | undefined) ?? JSON.stringify({ id, type, created_at: at.toISOString(), data }),
  );
  // The library signs what it decodes, which is the same for UTF-8.
  const signature = secrets.map((secret) => new Webhook(secret).sign(id, at, body.toString())).join(' ');
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': signature,
  };
  return { id, body, headers };
}
export type Sent = ReturnType<typeof webhook>;
