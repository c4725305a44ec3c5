/** What the sandbox adapter makes of each thing that a provider, or something between, may answer to a charge. */
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import { maxAnswerBytes } from '../../../providers/sandbox/http';
import {
  providerAnswering,
  providerThat,
  request,
  stopProvider,
  taken,
  textOf,
  timeoutMs,
} from './answering-provider';

afterEach(stopProvider);

describe('charge', () => {
  test('sends the key, the money and what the charge is for', async () => {
    const seen: unknown[] = [];
    const provider = await providerThat((req, res) => {
      void textOf(req).then((text) => {
        seen.push(req.method, req.url, req.headers['idempotency-key'], JSON.parse(text));
        res.writeHead(201).end(JSON.stringify(taken));
      });
    });

    const outcome = await provider.charge(request, timeoutMs);

    expect(outcome).toEqual({ status: 'completed', provider_reference: 'ch_1' });
    expect(seen).toEqual([
      'POST',
      '/v1/charges',
      'pay_1/2',
      {
        amount: 1500,
        currency: 'EUR',
        token: 'tok_ok#secret',
        off_session: true,
        metadata: { payment_id: 'pay_1', attempt: 2, subscription_id: null, customer_id: 'cus_1' },
      },
    ]);
  });

  test.each([
    ['insufficient_funds', 'insufficient_funds', 'soft'],
    ['do_not_honor', 'do_not_honor', 'soft'],
    ['processing_error', 'processing_error', 'soft'],
    ['expired_card', 'expired_card', 'hard'],
    ['stolen_card', 'stolen_or_lost', 'hard'],
    ['authentication_required', 'authentication_required', 'authentication_required'],
    ['authentication_failed', 'authentication_required', 'authentication_required'],
    ['a_reason_of_next_year', 'do_not_honor', 'soft'],
    ['toString', 'do_not_honor', 'soft'],
  ])('a decline as %s is %s (%s)', async (providerCode, code, category) => {
    const declined = { ...taken, status: 'failed', failure: { code: providerCode, message: 'No.' } };
    const provider = await providerAnswering(201, declined);

    expect(await provider.charge(request, timeoutMs)).toEqual({
      status: 'failed',
      provider_reference: 'ch_1',
      failure: { category, code, provider_code: providerCode, message: 'No.', network_advice: null },
    });
  });

  test('pending and requires_action stay open, with what the customer has to do', async () => {
    const pending = await providerAnswering(201, { ...taken, status: 'pending' });
    expect(await pending.charge(request, timeoutMs)).toEqual({
      status: 'pending',
      provider_reference: 'ch_1',
    });

    const next_action = { type: 'redirect', url: 'http://bank.example/3ds', expires_at: null };
    const asking = await providerAnswering(201, { ...taken, status: 'requires_action', next_action });
    expect(await asking.charge(request, timeoutMs)).toEqual({
      status: 'requires_action',
      provider_reference: 'ch_1',
      next_action,
    });
  });

  test('a token that the provider does not know fails as an invalid payment method', async () => {
    const provider = await providerAnswering(422, { error: { code: 'unknown_token', message: 'x' } });

    expect(await provider.charge(request, timeoutMs)).toEqual({
      status: 'failed',
      provider_reference: null,
      failure: expect.objectContaining({ category: 'hard', code: 'invalid_payment_method' }),
    });
  });

  test.each([
    ['amount', { amount: 1501 }],
    ['currency', { currency: 'USD' }],
  ])('another %s is unknown, and named for an operator', async (_what, more) => {
    const provider = await providerAnswering(201, { ...taken, ...more });
    const named = { amount: taken.amount, currency: taken.currency, provider_reference: taken.id, ...more };

    expect(await provider.charge(request, timeoutMs)).toEqual({
      status: 'unknown',
      reason: 'amount_mismatch',
      named,
    });
  });

  const error = (code: string) => ({ error: { code, message: 'x' } });
  const html = '<!doctype html><title>Sign in to the network</title>';
  test.each<[string, number, unknown, string]>([
    [
      'another amount on a decline',
      201,
      { ...taken, amount: 1, status: 'failed', failure: { code: 'do_not_honor', message: 'x' } },
      'amount_mismatch',
    ],
    ['a charge of another key', 201, { ...taken, idempotency_key: 'pay_1/1' }, 'unreadable_answer'],
    ['a status that does not exist', 201, { ...taken, status: 'perhaps' }, 'unreadable_answer'],
    ['a decline without a reason', 201, { ...taken, status: 'failed' }, 'unreadable_answer'],
    ['an amount as text', 201, { ...taken, amount: '1500' }, 'unreadable_answer'],
    ['HTML', 200, html, 'unreadable_answer'],
    ['nothing', 200, '', 'unreadable_answer'],
    ['half an answer', 201, JSON.stringify(taken).slice(0, -9), 'unreadable_answer'],
    ['no content', 204, '', 'http_204'],
    ['the key in progress', 409, error('idempotency_key_in_progress'), 'in_progress'],
    ['the key with other parameters', 409, error('idempotency_key_reused'), 'idempotency_conflict'],
    ['a conflict of another kind', 409, html, 'http_409'],
    ['parameters refused', 422, error('validation_failed'), 'http_422'],
    ['429', 429, error('rate_limited'), 'rate_limited'],
    ['500', 500, error('internal'), 'http_500'],
    ['500 that looks like a charge', 500, taken, 'http_500'],
    ['503 from something between', 503, html, 'http_503'],
  ])('%s is unknown', async (_what, httpStatus, body, reason) => {
    const provider = await providerAnswering(httpStatus, body);

    expect(await provider.charge(request, timeoutMs)).toEqual({ status: 'unknown', reason });
  });

  test('a redirect is not followed', async () => {
    const paths: unknown[] = [];
    const provider = await providerThat((req, res) => {
      paths.push(req.url);
      if (req.url === '/v1/charges') res.writeHead(307, { location: '/elsewhere' }).end();
      else res.writeHead(201).end(JSON.stringify(taken));
    });

    expect(await provider.charge(request, timeoutMs)).toEqual({ status: 'unknown', reason: 'http_307' });
    expect(paths).toEqual(['/v1/charges']);
  });

  test('no answer in time is unknown', async () => {
    const provider = await providerThat(() => undefined);

    expect(await provider.charge(request, 50)).toEqual({ status: 'unknown', reason: 'timeout' });
  });

  test('an answer that begins in time and never ends is unknown', async () => {
    const provider = await providerThat((_req, res) => {
      res.writeHead(201).write('{"id":');
    });

    expect(await provider.charge(request, 50)).toEqual({ status: 'unknown', reason: 'timeout' });
  });

  test('a connection cut before or within the answer is unknown', async () => {
    const before = await providerThat((req) => req.socket.destroy());
    expect(await before.charge(request, timeoutMs)).toEqual({ status: 'unknown', reason: 'connection_lost' });

    const within = await providerThat((req, res) => {
      res.writeHead(201, { 'content-length': '1000' });
      res.write('{"id":', () => req.socket.destroy());
    });
    expect(await within.charge(request, timeoutMs)).toEqual({ status: 'unknown', reason: 'connection_lost' });
  });

  test('nobody listening is unknown', async () => {
    const provider = await providerThat(() => undefined);
    await stopProvider();

    expect(await provider.charge(request, timeoutMs)).toEqual({
      status: 'unknown',
      reason: 'connection_lost',
    });
  });

  test('what cannot even be sent is unknown, not an exception', async () => {
    const provider = await providerAnswering(201, taken);

    const outcome = await provider.charge({ ...request, idempotencyKey: 'a\nb' }, timeoutMs);

    expect(outcome).toEqual({ status: 'unknown', reason: 'connection_lost' });
  });

  test('an answer without end is given up at the limit', async () => {
    let sentBytes = 0;
    let reportClosed: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => (reportClosed = resolve));
    const provider = await providerThat((req, res) => {
      res.writeHead(201);
      const block = Buffer.alloc(16 * 1024, ' ');
      const send = () => {
        sentBytes += block.length;
        if (!res.destroyed) res.write(block, () => setImmediate(send));
      };
      req.socket.once('close', reportClosed);
      send();
    });

    expect(await provider.charge(request, timeoutMs)).toEqual({
      status: 'unknown',
      reason: 'unreadable_answer',
    });
    await closed;
    expect(sentBytes).toBeGreaterThan(maxAnswerBytes);
  });

  test('an answer of exactly the limit is read, one byte more is not', async () => {
    const text = JSON.stringify(taken);
    const atLimit = await providerAnswering(201, text + ' '.repeat(maxAnswerBytes - text.length));
    expect(await atLimit.charge(request, timeoutMs)).toMatchObject({ status: 'completed' });

    const beyond = await providerAnswering(201, text + ' '.repeat(maxAnswerBytes - text.length + 1));
    expect(await beyond.charge(request, timeoutMs)).toEqual({
      status: 'unknown',
      reason: 'unreadable_answer',
    });
  });

  test('no outcome repeats the token', async () => {
    for (const [httpStatus, body] of [
      [422, { error: { code: 'unknown_token', message: request.token } }],
      [500, { error: { code: 'internal', message: request.token } }],
    ] as const) {
      const provider = await providerAnswering(httpStatus, body);
      expect(JSON.stringify(await provider.charge(request, timeoutMs))).not.toContain('secret');
    }
  });
});

test('an address that is not a URL is refused at once', () => {
  expect(() => sandboxProvider({ baseUrl: 'localhost' })).toThrow('Invalid URL');
});

test('an address with a path keeps it', async () => {
  const paths: unknown[] = [];
  const provider = await providerThat((req, res) => {
    paths.push(req.url);
    res.writeHead(201).end(JSON.stringify(taken));
  }, '/sandbox');

  await provider.charge(request, timeoutMs);

  expect(paths).toEqual(['/sandbox/v1/charges']);
});
