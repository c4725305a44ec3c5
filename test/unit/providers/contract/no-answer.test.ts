/** Whatever goes wrong between us and a provider: nobody knows what became of the call, and nobody throws. */
import type { RequestListener } from 'node:http';
import type { PaymentProvider } from '../../../../providers/port';
import { serverThat, stopServer } from '../answering-server';
import { sandboxWire } from './sandbox-wire';
import { stripeWire } from './stripe-wire';
import type { Wire } from './wire';

afterEach(stopServer);

type Operation = [string, (provider: PaymentProvider, wire: Wire, timeoutMs?: number) => Promise<object>];
const timeout = 10_000;
const charging: Operation = ['charge', (p, wire, ms = timeout) => p.charge(wire.charge, ms)];
const lookingUp: Operation = ['lookup', (p, wire, ms = timeout) => p.lookup(wire.lookup, ms)];
const refunding: Operation = ['refund', (p, wire, ms = timeout) => p.refund(wire.refund, ms)];
const preparing: Operation = [
  'ensurePaymentMethod',
  (p, { charge }, ms = timeout) =>
    p.ensurePaymentMethod?.({ ...charge, knownProviderCustomer: null }, ms) ??
    Promise.reject(new Error('none')),
];
const cancelling: Operation = [
  'cancel',
  (p, wire, ms = timeout) => p.cancel?.(wire.cancel, ms) ?? Promise.reject(new Error('none')),
];
const operations = [
  ...[charging, lookingUp, refunding, cancelling].map(([name, run]) => ({ wire: sandboxWire, name, run })),
  ...[charging, lookingUp, refunding, cancelling, preparing].map(([name, run]) => ({
    wire: stripeWire,
    name,
    run,
  })),
].map((each) => ({ ...each, provider: each.wire.name }));

const html = '<!doctype html><title>Sign in to the network</title>';
const everything = { object: 'payment_intent', id: 'pi_1', status: 'succeeded', data: [], has_more: false };

describe.each(operations)('$provider: $name', ({ wire, run }) => {
  const requests: string[] = [];
  const answered = async (answers: RequestListener, timeoutMs?: number) => {
    requests.length = 0;
    const baseUrl = await serverThat((req, res) => {
      requests.push(`${req.method} ${req.url}`);
      answers(req, res);
    });
    return run(wire.provider(baseUrl), wire, timeoutMs);
  };
  const replied = (status: number, body: unknown) =>
    answered((_req, res) => {
      res.writeHead(status, { 'content-type': 'application/json' });
      res.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  const unknown = (reason: string) => ({ status: 'unknown', reason });

  test.each<[string, number, unknown, string]>([
    ['HTML with 200', 200, html, 'unreadable_answer'],
    ['nothing with 200', 200, '', 'unreadable_answer'],
    ['null', 200, 'null', 'unreadable_answer'],
    ['a bare list', 200, [], 'unreadable_answer'],
    ['a text', 200, '"succeeded"', 'unreadable_answer'],
    ['an empty object', 200, {}, 'unreadable_answer'],
    ['half an object', 200, JSON.stringify(everything).slice(0, -9), 'unreadable_answer'],
    ['no content', 204, '', 'http_204'],
    [
      'a sign-in wanted',
      401,
      { error: { type: 'invalid_request_error', code: 'x', message: 'x' } },
      'http_401',
    ],
    ['a permission missing', 403, html, 'http_403'],
    ['409 of something between', 409, html, 'http_409'],
    ['429 of something between', 429, html, 'rate_limited'],
    ['500', 500, { error: { type: 'api_error', code: 'internal', message: 'x' } }, 'http_500'],
    ['500 that looks like a result', 500, everything, 'http_500'],
    ['502', 502, html, 'http_502'],
    ['503', 503, '', 'http_503'],
    ['504', 504, html, 'http_504'],
  ])('%s is unknown, after one request', async (_what, status, body, reason) => {
    expect(await replied(status, body)).toEqual(unknown(reason));
    expect(requests).toHaveLength(1);
  });

  test.each([301, 302, 303, 307, 308])('a redirect by %s is not followed', async (status) => {
    const outcome = await answered((req, res) => {
      if (req.url === '/elsewhere') res.end(JSON.stringify(everything));
      else res.writeHead(status, { location: '/elsewhere' }).end(JSON.stringify(everything));
    });

    expect(outcome).toEqual(unknown(`http_${status}`));
    expect(requests).toHaveLength(1);
  });

  test('no answer in time, or one that never ends, is unknown', async () => {
    expect(await answered(() => undefined, 100)).toEqual(unknown('timeout'));

    const endless = await answered((_req, res) => void res.writeHead(200).write('{"id":'), 100);
    expect(endless).toEqual(unknown('timeout'));
  });

  test('a connection cut before or within the answer is unknown, and nothing is sent again', async () => {
    expect(await answered((req) => req.socket.destroy())).toEqual(unknown('connection_lost'));
    expect(requests).toHaveLength(1);

    expect(await answered((req) => req.socket.resetAndDestroy())).toEqual(unknown('connection_lost'));
    expect(requests).toHaveLength(1);

    const within = await answered((req, res) => {
      res.writeHead(200, { 'content-length': '1000' });
      res.write('{"id":', () => req.socket.destroy());
    });
    expect(within).toEqual(unknown('connection_lost'));
    expect(requests).toHaveLength(1);
  });

  test('nobody listening is unknown', async () => {
    const provider = wire.provider(await serverThat(() => undefined));
    await stopServer();

    expect(await run(provider, wire)).toEqual(unknown('connection_lost'));
  });

  test('an answer without end is given up at the limit', async () => {
    let sentBytes = 0;
    let reportClosed: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => (reportClosed = resolve));
    const outcome = await answered((req, res) => {
      res.writeHead(200);
      const block = Buffer.alloc(64 * 1024, ' ');
      const send = () => {
        sentBytes += block.length;
        if (!res.destroyed) res.write(block, () => setImmediate(send));
      };
      req.socket.once('close', reportClosed);
      send();
    });

    expect(outcome).toEqual(unknown('unreadable_answer'));
    await closed;
    expect(sentBytes).toBeGreaterThan(wire.maxAnswerBytes);
  });

  test('no outcome repeats a secret', async () => {
    const message = wire.secrets.join(' ');
    for (const status of [200, 400, 402, 404, 409, 422, 429, 500]) {
      const error = { type: 'card_error', code: message, decline_code: message, message };
      const outcome = JSON.stringify(await replied(status, { error, id: message }));
      for (const secret of wire.secrets) expect(outcome).not.toContain(secret);
    }
  });
});
