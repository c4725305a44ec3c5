/** What is done with requests before any route: who calls, what is sent, what never leaks (OWASP API1 to API9). */
import { get } from 'node:http';
import { hashOfSecret } from '../../../access/keys';
import { adminSecret, fixedNow, planOf, useApi } from './test-api';

const api = useApi();

describe('bodies', () => {
  test.each([
    ['{"name": "x",}', 'The body stops being JSON at position 13.'],
    ['{"name": "x"', expect.stringMatching(/position 12/)],
    ['hello secret-word', 'The body is not JSON.'],
    ['\ufeff{}', expect.any(String)],
  ])('malformed JSON %j is refused, with the position where it is known', async (raw, detail) => {
    const refused = await api.ask('POST', '/plans', { raw });
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({ code: 'malformed_json', detail });
    expect(refused.text).not.toContain('secret-word');
  });

  test('bytes that are not UTF-8 are refused', async () => {
    const refused = await api.ask('POST', '/plans', { raw: Buffer.from([0x22, 0xff, 0xfe, 0x22]) });
    expect(refused.body.code).toBe('malformed_json');
  });

  test('no body where one is needed is refused', async () => {
    const refused = await api.ask('POST', '/plans', { headers: { 'content-length': '0' } });
    expect(refused.status).toBe(400);
    expect(refused.body.code).toBe('malformed_json');
  });

  test.each([['[]'], ['null'], ['3'], ['"text"']])('%s is JSON, but no object', async (raw) => {
    const refused = await api.ask('POST', '/plans', { raw });
    expect(refused.status).toBe(422);
    expect(refused.body.errors).toEqual([{ path: '', message: 'must be of type object' }]);
  });

  test('256 KiB are read, one byte more is refused', async () => {
    const padded = (bytes: number) => `{"name":"x"${' '.repeat(bytes - '{"name":"x"}'.length)}}`;
    const most = await api.ask('POST', '/plans', { raw: padded(256 * 1024) });
    expect(most.body.code).toBe('validation_failed');
    const more = await api.ask('POST', '/plans', { raw: padded(256 * 1024 + 1) });
    expect(more.status).toBe(413);
    expect(more.body.code).toBe('payload_too_large');
  });

  test('a body that hides its length is bounded as well', async () => {
    const raw = JSON.stringify({ name: 'x'.repeat(300 * 1024) });
    const response = await fetch(`${api.url}/plans`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await api.keyWith('catalog:write')}`,
        'content-type': 'application/json',
      },
      body: new Blob([raw]).stream(),
      duplex: 'half',
    });
    expect(response.status).toBe(413);
  });

  test.each([
    ['text/plain', undefined],
    ['application/x-www-form-urlencoded', undefined],
    ['application/json; charset=utf-16', undefined],
    ['application/json', 'gzip'],
  ])('content type %s with encoding %s is refused', async (type, encoding) => {
    const headers = { 'content-type': type, ...(encoding ? { 'content-encoding': encoding } : {}) };
    const refused = await api.ask('POST', '/plans', { raw: '{}', headers });
    expect(refused.status).toBe(415);
    expect(refused.body.code).toBe('unsupported_media_type');
  });

  test('JSON nested deeper than 64 levels is refused', async () => {
    const nested = (levels: number) => `{"metadata":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    const deep = await api.ask('POST', '/plans', { raw: nested(100_000) });
    expect(deep.status).toBe(422);
    expect(deep.body.errors).toEqual([{ path: '', message: 'must not be nested deeper than 64 levels' }]);
    const shallow = await api.ask('POST', '/plans', { raw: nested(60) });
    expect(shallow.body.errors[0].message).not.toMatch(/nested/);
  });

  test('names that would change an object’s nature are refused', async () => {
    const raw = '{"name":"x","metadata":{"__proto__":{"admin":"true"}}}';
    const refused = await api.ask('POST', '/plans', { raw });
    expect(refused.status).toBe(422);
    expect(refused.body.errors[0].path).toBe('metadata');
  });

  test('ten thousand mistakes make a bounded answer', async () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`field_${n}`, n]));
    const refused = await api.ask('POST', '/plans', { body: many });
    expect(refused.status).toBe(422);
    expect(refused.body.errors.length).toBeLessThanOrEqual(50);
  });

  test('a body on a call that takes none is refused unless it is empty', async () => {
    await api.ask('POST', '/customers', { body: { id: 'bodiless' } });
    expect((await api.ask('POST', '/customers/bodiless/erase', { body: { now: true } })).status).toBe(422);
    expect((await api.ask('POST', '/customers/bodiless/erase', { body: {} })).status).toBe(200);
  });
});

describe('URLs', () => {
  test.each(['/plans/%ff', '/plans/%zz', '/plans?cursor=%ff'])('%s does not decode', async (path) => {
    const refused = await api.ask('GET', path);
    expect(refused.status).toBe(400);
    expect(refused.body.code).toBe('malformed_request');
  });

  test.each([
    '/nothing',
    '/nothing/',
    '//example.com/plans/',
    '/customers//timeline/',
    '/PLANS',
    '//plans',
    '/plans/a/b',
    '/docs/../package.json',
    '/docs/package.json',
  ])('%s is no route', async (path) => {
    const refused = await api.ask('GET', path);
    expect(refused.status).toBe(404);
    expect(refused.body).toMatchObject({ code: 'not_found', type: '/problems/not_found' });
  });

  test.each([
    ['GET', '/docs/', '/docs'],
    ['GET', '/problems/not_found//', '/problems/not_found'],
    ['HEAD', '/plans/?limit=2', '/plans?limit=2'],
    ['POST', '/customers/', '/customers'],
  ])('I4: %s %s leads to %s', async (method, path, location) => {
    const led = await api.ask(method, path, { secret: null });
    expect([led.status, led.headers['location']]).toEqual([308, location]);
  });

  test.each(['/plans/%00', '/plans/..%2f..%2fetc', `/plans/${'a'.repeat(101)}`, '/plans/%27%20OR%201=1'])(
    'an id that nothing can have, as in %s, is the id of nothing',
    async (path) => {
      expect((await api.ask('GET', path)).status).toBe(404);
    },
  );

  test.each(['PUT', 'DELETE', 'OPTIONS', 'TRACE'])(
    '%s on /plans is answered with what is allowed',
    async (verb) => {
      const refused = await api.ask(verb, '/plans');
      expect(refused.status).toBe(405);
      expect(refused.headers['allow']).toBe('POST, GET, HEAD');
      expect(refused.body.code).toBe('method_not_allowed');
    },
  );

  test('HEAD is answered like GET, without a body', async () => {
    const head = await api.ask('HEAD', '/plans');
    expect(head.status).toBe(200);
    expect(head.text).toBe('');
  });
});

describe('keys', () => {
  const plans = (secret: string | null, headers?: Record<string, string>, path = '/plans') =>
    api.ask('GET', path, { secret, headers });

  test('missing, malformed, unknown, expired and revoked keys are answered alike', async () => {
    const expired = await api.keyWith('catalog:read');
    const changeKey = async (secret: string, data: object) => {
      await api.db.apiKey.update({ where: { secret_hash: hashOfSecret(secret) }, data });
    };
    await changeKey(expired, { expires_at: fixedNow });
    const revoked = await api.keyWith('catalog:read');
    await changeKey(revoked, { revoked_at: fixedNow });
    const tries = [
      await plans(null),
      await plans('pk_unknown-secret-of-nobody-at-all-000000000'),
      await plans(expired),
      await plans(revoked),
      await plans(null, { authorization: 'Basic dXNlcjpwYXNz' }),
      await plans(null, { authorization: 'Bearer' }),
      await plans(null, { authorization: `Bearer ${'x'.repeat(5000)}` }),
    ];
    for (const refused of tries) {
      expect(refused.status).toBe(401);
      expect(refused.headers['www-authenticate']).toBe('Bearer');
      expect({ ...refused.body, request_id: '' }).toEqual({ ...tries[0]?.body, request_id: '' });
    }
  });

  test('a key is good until the instant at which it expires', async () => {
    const secret = await api.keyWith('catalog:read');
    const expires_at = new Date(fixedNow.getTime() + 1);
    await api.db.apiKey.update({ where: { secret_hash: hashOfSecret(secret) }, data: { expires_at } });
    expect((await plans(secret)).status).toBe(200);
    api.clock.now = expires_at;
    expect((await plans(secret)).status).toBe(401);
    api.clock.now = fixedNow;
  });

  test('a token in the URL is not taken, and not logged', async () => {
    const secret = await api.keyWith('catalog:read');
    for (const name of ['access_token', 'token', 'api_key', 'key']) {
      expect((await plans(null, {}, `/plans?${name}=${secret}`)).status).toBe(401);
    }
    expect(api.logged.join('')).not.toContain(secret);
  });

  test('without the scope a call is refused before it tells whether the thing exists', async () => {
    await api.ask('POST', '/plans', { body: planOf('scoped') });
    const reader = await api.keyWith('catalog:read');
    expect((await plans(reader)).status).toBe(200);
    const tries = [
      await api.ask('POST', '/plans', { secret: reader, raw: 'not even JSON' }),
      await api.ask('PATCH', '/plans/scoped', { secret: reader, body: { name: 'x' } }),
      await api.ask('PATCH', '/plans/nothing', { secret: reader, body: { name: 'x' } }),
      await api.ask('GET', '/customers/nothing', { secret: reader }),
      await api.ask('GET', '/payments/pay_1', { secret: reader }),
      await api.ask('GET', '/api-keys', { secret: reader }),
      await api.ask('POST', '/api-keys', { secret: reader, body: { name: 'x', scopes: ['admin'] } }),
      await api.ask('DELETE', '/subscriptions/sub_1', { secret: reader }),
    ];
    expect(tries.map(({ status, body }) => [status, body.code])).toEqual(tries.map(() => [403, 'forbidden']));
  });
});

describe('answers', () => {
  test.each(['Authorization', 'Content-Type', 'Idempotency-Key', 'If-Match', 'X-Request-Id'])(
    'a second header %s is refused by its name',
    async (name) => {
      const usual: Record<string, string> = {
        Authorization: `Bearer ${adminSecret}`,
        'Content-Type': 'application/json',
      };
      const values = [usual[name] ?? 'one-header', usual[name] ?? 'two-header'];
      const headers = { [name.toLowerCase()]: values };
      const before = await api.db.customer.count();
      const refused = await api.ask('POST', '/customers', { body: { name: 'Ada' }, headers });
      expect([refused.status, refused.body.code]).toEqual([400, 'malformed_request']);
      expect(refused.body.detail).toContain(name);
      expect(await api.db.customer.count()).toBe(before);
    },
  );

  test.each([
    [['Host', 'x', 'Host', 'y'], 400],
    [['Host', 'x'], 200],
  ])('with the headers %j a call is answered %d', async (headers, status) => {
    const { hostname, port } = new URL(api.url);
    const answered = await new Promise((resolve, reject) => {
      get({ hostname, port, path: '/healthz', headers, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
    expect(answered).toBe(status);
  });

  test('two headers that may be many, or of which standards say what becomes, are no mistake', async () => {
    const headers = { traceparent: ['00-1', '00-2'], accept: ['text/csv', 'application/json'] };
    expect((await api.ask('GET', '/plans', { headers })).status).toBe(200);
  });

  test('a well-formed request id is kept, any other replaced', async () => {
    const kept = await api.ask('GET', '/nothing', { headers: { 'x-request-id': 'order-1042_a' } });
    expect(kept.headers['x-request-id']).toBe('order-1042_a');
    expect(kept.body.request_id).toBe('order-1042_a');
    for (const wrong of ['short', 'has space', 'x'.repeat(65), 'a"b<c>d;efg']) {
      const made = await api.ask('GET', '/healthz', { headers: { 'x-request-id': wrong } });
      expect(made.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('carry the headers of a careful server, and nothing that names its make', async () => {
    const { headers } = await api.ask('GET', '/plans', { headers: { origin: 'https://evil.example' } });
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    );
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test('an unexpected error says nothing but its request id, and is logged with its cause', async () => {
    await api.db.$executeRawUnsafe('ALTER TABLE plans RENAME COLUMN name TO title');
    const failed = await api.ask('GET', '/plans', { headers: { 'x-request-id': 'unexpected-1' } });
    await api.db.$executeRawUnsafe('ALTER TABLE plans RENAME COLUMN title TO name');
    expect(failed.status).toBe(500);
    expect(failed.body).toMatchObject({ code: 'internal', request_id: 'unexpected-1' });
    expect(failed.text).not.toMatch(/prisma|column|plans|\.ts|node_modules| at /i);
    expect(api.logged.some((line) => line.includes('unexpected-1') && line.includes('P2022'))).toBe(true);
  });
});
