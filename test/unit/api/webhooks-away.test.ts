/** Webhooks while PostgreSQL is away: the provider is asked to send them again, and only its own are looked at. */
import { Webhook } from 'standardwebhooks';
import { webhookSourcesFrom } from '../../../bin/providers';
import { loadConfig } from '../../../config';
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import { testApp, type TestApp } from './test-app';

const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const at = new Date('2027-01-15T12:00:00.000Z');
const body = JSON.stringify({ id: 'evt_1', type: 'charge.refreshed', created_at: at.toISOString(), data: 1 });

let given: TestApp;
beforeAll(async () => {
  const adapters = new Map([['sandbox', sandboxProvider({ baseUrl: 'http://127.0.0.1:1' })]]);
  const sources = webhookSourcesFrom(loadConfig({ SANDBOX_WEBHOOK_SECRETS: secret }), adapters);
  given = await testApp({ webhooks: { sources, count: () => undefined } });
});
afterAll(() => given.end());

const send = (signature: string) =>
  fetch(`${given.server.url}/webhooks/sandbox`, {
    method: 'POST',
    body,
    headers: {
      connection: 'close',
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(at.getTime() / 1_000),
      'webhook-signature': signature,
    },
  });

test('a verified one is answered 503 with Retry-After', async () => {
  const response = await send(new Webhook(secret).sign('evt_1', at, body));
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('2');
  expect(await response.json()).toMatchObject({ code: 'unavailable' });
});

test('another one costs no query: 401 all the same', async () => {
  expect((await send('v1,AAAA')).status).toBe(401);
});

test('a provider whose secret is not set has no webhooks', () => {
  const adapters = new Map([['sandbox', sandboxProvider({ baseUrl: 'http://127.0.0.1:1' })]]);
  expect([...webhookSourcesFrom(loadConfig({}), adapters).keys()]).toEqual([]);
});
