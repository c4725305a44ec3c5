/** I9: what one caller asks for too often is refused to that caller, without a query or a row, and to nobody else. */
import { Limits } from '../../../access/limits';
import { hashOfSecret } from '../../../access/keys';
import { until } from '../../support/until';
import { webhook } from './sandbox-events';
import { fixedNow, useApi, type Ask } from './test-api';

// The windows are longer than the tests.
const perWindow = 20;
const refused: string[] = [];
let finish: () => void = () => undefined;
let rounds = 0;
const api = useApi({
  limits: new Limits({
    requestsPerSecond: 1,
    burst: perWindow,
    inFlight: 3,
    failedAuthenticationsPerMinute: 5,
    webhooksPerSecond: 3,
  }),
  trustProxy: 1,
  onRefused: (status, caller) => void refused.push(`${status} ${caller}`),
  reconcileNow: () => {
    rounds += 1;
    return new Promise((resolve) => {
      finish = resolve;
    });
  },
});

/** Asks from an address, or with a key. */
const ask = (method: string, path: string, address: string, more: Ask = {}) =>
  api.ask(method, path, { secret: null, ...more, headers: { ...more.headers, 'x-forwarded-for': address } });
async function statuses(
  times: number,
  once: () => Promise<{ status: number }>,
): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (let time = 0; time < times; time += 1) {
    const { status } = await once();
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}
const unknown = (n: number) => `pk_unknown-secret-of-nobody-${String(n).padStart(12, '0')}`;

test('I9: an API key has its requests in a time, whatever it asks for, and others have theirs', async () => {
  const [busy, other] = [await api.keyWith('catalog:write'), await api.keyWith('catalog:read')];
  const plans = () => ask('POST', '/plans', '203.0.113.1', { secret: busy, body: {} });
  expect(await statuses(perWindow + 5, plans)).toEqual({ 422: perWindow, 429: 5 });
  const { headers, body } = await ask('GET', '/customers', '203.0.113.2', { secret: busy });
  expect(body).toMatchObject({ code: 'too_many_requests', status: 429, request_id: headers['x-request-id'] });
  expect(headers['content-type']).toBe('application/problem+json');
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  expect(headers).toMatchObject({
    'ratelimit-limit': '20',
    'ratelimit-remaining': '0',
    'ratelimit-reset': headers['retry-after'],
    'ratelimit-policy': '20;w=20',
  });
  const served = await ask('GET', '/plans', '203.0.113.1', { secret: other });
  expect([served.status, served.headers['ratelimit-remaining']]).toEqual([200, '19']);
  const open = await ask('GET', '/problems/forbidden', '203.0.113.1', { secret: busy });
  const alive = await ask('GET', '/healthz', '203.0.113.1', { secret: busy });
  expect([open.status, alive.status]).toEqual([200, 200]);
  // What is refused leaves no row.
  const { id } = await api.db.apiKey.findFirstOrThrow({ where: { secret_hash: hashOfSecret(busy) } });
  expect(await api.db.auditLog.count({ where: { actor: { path: ['id'], equals: id } } })).toBe(perWindow);
});

test('I9: an API key has its requests in progress, and each that ends makes room', async () => {
  const [busy, other] = [await api.keyWith('operator'), await api.keyWith('operator')];
  const reconcile = (secret: string) =>
    ask('POST', '/reconciliation', '203.0.113.3', { secret, body: { reason: 'a look' } });
  const begun = rounds;
  const ends: (() => void)[] = [];
  const held = [];
  for (let count = 1; count <= 3; count += 1) {
    held.push(reconcile(busy));
    await until('a request in progress', async () => rounds === begun + count);
    ends.push(finish);
  }
  expect((await reconcile(busy)).headers['retry-after']).toBe('1');
  const others = reconcile(other);
  await until('a request of another key', async () => rounds === begun + 4);
  ends.push(finish);
  ends[0]?.();
  await held[0];
  const next = reconcile(busy);
  await until('a request in the place of the one that ended', async () => rounds === begun + 5);
  for (const end of [...ends, finish]) end();
  const answers = await Promise.all([...held, others, next]);
  expect(answers.map(({ status }) => status)).not.toContain(429);
});

test('I9: without a key the address has its requests, whatever is asked for, and keys of the same address theirs', async () => {
  const at = '198.51.100.1';
  const kinds = [
    ['GET', '/problems/not_found'],
    ['GET', '/nothing'],
    ['GET', '/docs/'],
    ['PUT', '/plans'],
    ['GET', '/plans'],
  ] as const;
  for (const [method, path] of kinds) await statuses(perWindow / kinds.length, () => ask(method, path, at));
  for (const [method, path] of kinds) expect((await ask(method, path, at)).status).toBe(429);
  expect(await statuses(perWindow, () => ask('GET', '/healthz', at))).toEqual({ 200: perWindow });
  expect((await ask('GET', '/nothing', '198.51.100.2')).status).toBe(404);
  const secret = await api.keyWith('catalog:read');
  expect((await ask('GET', '/plans', at, { secret })).status).toBe(200);
});

test('I9: an address from which keys are guessed is refused unseen, but for keys that were valid lately', async () => {
  const at = '198.51.100.3';
  const plans = (secret: string, address = at) => ask('GET', '/plans', address, { secret });
  const [known, late] = [await api.keyWith('catalog:read'), await api.keyWith('catalog:read')];
  expect((await plans(known)).status).toBe(200);
  let guess = 0;
  expect(await statuses(10, () => plans(unknown((guess += 1))))).toEqual({ 401: 5, 429: 5 });
  expect((await plans(late)).status).toBe(429);
  expect((await plans(late, '198.51.100.4')).status).toBe(200);
  expect([(await plans(known)).status, (await plans(late)).status]).toEqual([200, 200]);
  await api.db.apiKey.updateMany({
    where: { secret_hash: hashOfSecret(known) },
    data: { revoked_at: fixedNow },
  });
  expect([(await plans(known)).status, (await plans(known)).status]).toEqual([401, 429]);
});

test('I9: webhooks are limited by provider once they are verified, and by no address', async () => {
  const send = ({ body, headers }: ReturnType<typeof webhook>, address: string) =>
    ask('POST', '/webhooks/sandbox', address, { raw: body, headers });
  const forged = () => {
    const sent = webhook();
    return { ...sent, headers: { ...sent.headers, 'webhook-signature': 'v1,none' } };
  };
  expect(await statuses(perWindow + 5, () => send(forged(), '198.51.100.5'))).toEqual({ 401: perWindow + 5 });
  const before = await api.db.webhookDelivery.count();
  const events = [1, 2, 3, 4].map((n) => webhook({ id: `evt_limited_${n}` }));
  const answers = await Promise.all(events.map((event, n) => send(event, `198.51.100.${10 + n}`)));
  const limited = answers.filter(({ status }) => status === 429);
  expect(limited.map(({ headers }) => headers['retry-after'])).toEqual(['1']);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  expect(await api.db.webhookDelivery.count()).toBe(before + 3);
  expect(api.refused).toContain('sandbox limited');
});

test.each([
  ['203.0.113.50', 'public'],
  ['10.0.0.7', 'private'],
  ['127.0.0.1', 'loopback'],
])(
  'I9: refusals from %s are counted as of a %s caller, and the log alone has the address',
  async (at, kind) => {
    refused.length = 0;
    api.logged.length = 0;
    const reader = await api.keyWith('catalog:read');
    await ask('GET', '/plans', at, { secret: unknown(99) });
    await ask('GET', '/customers', at, { secret: reader });
    await ask('GET', '/plans', at, { secret: reader });
    await ask('GET', '/nothing', at);
    await until('the lines of the requests', async () => api.logged.length === 4);
    expect(refused).toEqual([`401 ${kind}`, `403 ${kind}`]);
    const lines = api.logged.map((line) => JSON.parse(line) as { status: number; address?: string });
    expect(lines.map(({ status, address }) => [status, address])).toEqual([
      [401, at],
      [403, at],
      [200, undefined],
      [404, undefined],
    ]);
  },
);
