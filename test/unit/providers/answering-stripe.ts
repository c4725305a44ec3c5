/** A Stripe that gives the answers of a test in turn, and what it was asked. */
import { stripeProvider } from '../../../providers/stripe/adapter';
import { serverThat, textOf } from './answering-server';
import type { Reply } from './contract/wire';

export { stopServer as stopStripe } from './answering-server';

export const timeoutMs = 10_000;
export const secretKey = 'sk_test_1';

interface Seen {
  request: string;
  key: string | undefined;
  parameters: Record<string, string>;
  headers: Record<string, unknown>;
}

/** The adapter over a Stripe that gives these answers in turn, and what it was asked. */
export async function given(replies: Reply[], more: { returnUrl?: string } = {}) {
  const seen: Seen[] = [];
  const apiUrl = await serverThat((req, res) => {
    void textOf(req).then((text) => {
      const url = new URL(req.url ?? '', 'http://stripe.example');
      seen.push({
        request: `${req.method} ${url.pathname}`,
        key: req.headers['idempotency-key'] as string | undefined,
        parameters: Object.fromEntries([...url.searchParams, ...new URLSearchParams(text)]),
        headers: req.headers,
      });
      const { status, body } = replies[seen.length - 1] ?? { status: 500, body: '' };
      res.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_1' });
      res.end(JSON.stringify(body));
    });
  });
  return { seen, provider: stripeProvider({ secretKey, apiUrl, ...more }) };
}

export const ok = (body: object): Reply => ({ status: 200, body });
