/** Payment methods: tokens in, never out; card numbers refused; none in use is lost by mistake. */
import { useApi, planOf } from './test-api';

const api = useApi();
beforeAll(async () => {
  await api.ask('POST', '/plans', { body: planOf('gold') });
});

const add = (customerId: string, more: object = {}) =>
  api.ask('POST', `/customers/${customerId}/payment-methods`, {
    body: { provider: 'sandbox', token: 'tok_ok', ...more },
  });
const remove = (customerId: string, id: string, query = '') =>
  api.ask('DELETE', `/customers/${customerId}/payment-methods/${id}${query}`);
const defaultOf = async (id: string) =>
  (await api.ask('GET', `/customers/${id}`)).body.default_payment_method_id;

async function writeSubscription(customerId: string, status: string, methodId: string | null) {
  await api.db.subscription.create({
    data: {
      id: `sub_${customerId}_${status}`,
      version: 1,
      customer_id: customerId,
      plan_id: 'gold',
      quantity: 1,
      status,
      currency: 'EUR',
      amount: 1000,
      interval_unit: 'month',
      interval_count: 1,
      time_zone: 'UTC',
      billing_anchor: new Date('2027-01-01T00:00:00Z'),
      start_at: new Date('2027-01-01T00:00:00Z'),
      payment_method_id: methodId,
    },
  });
}

test('one is added and listed, without its token', async () => {
  await api.ask('POST', '/customers', { body: { id: 'ada' } });
  const made = await add('ada', { brand: 'visa', last4: '4242', exp_month: 12, exp_year: 2030 });
  expect(made.status).toBe(201);
  expect(made.body).toEqual({
    id: expect.stringMatching(/^pm_/),
    customer_id: 'ada',
    provider: 'sandbox',
    brand: 'visa',
    last4: '4242',
    exp_month: 12,
    exp_year: 2030,
    default: true,
    created_at: expect.any(String),
  });
  const listed = await api.ask('GET', '/customers/ada/payment-methods');
  expect(listed.body).toEqual({ data: [made.body], next_cursor: null });
  expect(made.text + listed.text).not.toContain('tok_ok');
});

test('the same token is the same card, whoever gives it; that is kept and told nobody', async () => {
  for (const id of ['zoe', 'yan']) await api.ask('POST', '/customers', { body: { id } });
  const [zoes, yans, other] = [
    await add('zoe', { token: 'tok_ok#1' }),
    await add('yan', { token: 'tok_ok#1' }),
    await add('yan', { token: 'tok_ok#2' }),
  ];
  const rows = await api.db.paymentMethod.findMany({ where: { customer_id: { in: ['zoe', 'yan'] } } });
  const fingerprintOf = (id: unknown) => rows.find((row) => row.id === id)?.fingerprint;
  expect(fingerprintOf(zoes.body.id)).toMatch(/^[0-9a-f]{64}$/);
  expect(fingerprintOf(yans.body.id)).toBe(fingerprintOf(zoes.body.id));
  expect(fingerprintOf(other.body.id)).not.toBe(fingerprintOf(zoes.body.id));
  expect(zoes.text).not.toContain(fingerprintOf(zoes.body.id));
  await api.ask('POST', '/customers/zoe/erase');
  expect(await api.db.paymentMethod.findMany({ where: { customer_id: 'zoe' } })).toMatchObject([
    { token: 'erased', fingerprint: null },
  ]);
});

test('the first becomes the default unless it is told not to; a later one only when asked', async () => {
  await api.ask('POST', '/customers', { body: { id: 'ben' } });
  expect((await add('ben', { default: false })).body.default).toBe(false);
  expect(await defaultOf('ben')).toBeNull();
  const second = await add('ben');
  expect(await defaultOf('ben')).toBe(second.body.id);
  expect((await add('ben')).body.default).toBe(false);
  const fourth = await add('ben', { default: true });
  expect(await defaultOf('ben')).toBe(fourth.body.id);
});

test('a provider that is not ours and a customer who does not exist are refused', async () => {
  await api.ask('POST', '/customers', { body: { id: 'cas' } });
  const refused = await add('cas', { provider: 'elsewhere' });
  expect(refused.status).toBe(422);
  expect(refused.body.errors[0].path).toBe('provider');
  expect((await add('nobody')).status).toBe(404);
  expect((await api.ask('GET', '/customers/nobody/payment-methods')).status).toBe(404);
});

test.each([
  ['a number', { token: '4242424242424242' }],
  ['a number in groups', { token: '4242 4242 4242 4242' }],
  ['a number with dashes within a token', { token: 'tok_5555-5555-5555-4444_x' }],
  ['an American Express number', { token: '378282246310005' }],
  ['a number in another field', { brand: '4242 4242 4242 4242' }],
  ['a number that is not even text', { token: 4242424242424242 }],
  ['a number as a field’s name', { '4242424242424242': 'x' }],
])('%s is refused, and neither kept, logged nor repeated', async (_name, more) => {
  await api.ask('POST', '/customers', { body: { id: 'cardholder' } });
  api.logged.length = 0;
  const refused = await api.ask('POST', '/customers/cardholder/payment-methods', {
    key: 'card-attempt',
    body: { provider: 'sandbox', token: 'tok_ok', ...more },
  });
  expect(refused.status).toBe(422);
  expect(refused.body.code).toBe('card_number_refused');
  // Two groups of the number: a request id may hold one by chance.
  const digits = /4242[ -]?4242|5555-5555|378282246/;
  expect(refused.text).not.toMatch(digits);
  expect(api.logged.join('')).not.toMatch(digits);
  const kept = [
    await api.db.paymentMethod.findMany({ where: { customer_id: 'cardholder' } }),
    await api.db.idempotencyKey.findMany({ where: { key: 'card-attempt' } }),
    await api.db.auditLog.findMany({ where: { subject_id: 'cardholder' }, select: { detail: true } }),
  ];
  expect(JSON.stringify(kept)).not.toMatch(digits);
  expect(kept[0]).toEqual([]);
});

test('digits that are no card number pass', async () => {
  await api.ask('POST', '/customers', { body: { id: 'dora' } });
  expect((await add('dora', { token: 'tok_4242424242424241' })).status).toBe(201);
  expect((await add('dora', { token: '12345678901' })).status).toBe(201);
});

describe('deleting', () => {
  test('one that nothing uses goes, and going again is the same', async () => {
    await api.ask('POST', '/customers', { body: { id: 'eli' } });
    const { body } = await add('eli');
    expect((await remove('eli', body.id)).status).toBe(204);
    expect((await remove('eli', body.id)).status).toBe(204);
    expect(await defaultOf('eli')).toBeNull();
    expect((await api.ask('GET', '/customers/eli/payment-methods')).body.data).toEqual([]);
    expect((await remove('eli', 'pm_nothing')).status).toBe(404);
  });

  test('another customer’s is not found', async () => {
    await api.ask('POST', '/customers', { body: { id: 'fay' } });
    await api.ask('POST', '/customers', { body: { id: 'gil' } });
    const { body } = await add('fay');
    expect((await remove('gil', body.id)).status).toBe(404);
    expect(await defaultOf('fay')).toBe(body.id);
  });

  test.each([
    ['one that a subscription names', 'hal', true],
    ['the default of a subscription that names none', 'ida', false],
  ])('%s stays unless it is forced', async (_name, customerId, named) => {
    await api.ask('POST', '/customers', { body: { id: customerId } });
    const { body } = await add(customerId);
    await writeSubscription(customerId, 'past_due', named ? body.id : null);
    const refused = await remove(customerId, body.id);
    expect(refused.status).toBe(409);
    expect(refused.body.code).toBe('payment_method_in_use');
    expect((await remove(customerId, body.id, '?force=maybe')).status).toBe(422);
    expect((await remove(customerId, body.id, '?force=true')).status).toBe(204);
  });

  test('one in use goes when another is the default', async () => {
    await api.ask('POST', '/customers', { body: { id: 'jan' } });
    const first = await add('jan');
    await writeSubscription('jan', 'active', first.body.id);
    await add('jan', { default: true });
    expect((await remove('jan', first.body.id)).status).toBe(204);
  });

  test('ended subscriptions use nothing', async () => {
    await api.ask('POST', '/customers', { body: { id: 'kim' } });
    const { body } = await add('kim');
    await writeSubscription('kim', 'cancelled', body.id);
    await writeSubscription('kim', 'expired', null);
    expect((await remove('kim', body.id)).status).toBe(204);
  });
});

test('20 at once under one key add one', async () => {
  await api.ask('POST', '/customers', { body: { id: 'lou' } });
  const ask = { key: 'add-lou', body: { provider: 'sandbox', token: 'tok_ok' } };
  await Promise.all(Array.from({ length: 20 }, () => api.ask('POST', '/customers/lou/payment-methods', ask)));
  expect(await api.db.paymentMethod.count({ where: { customer_id: 'lou' } })).toBe(1);
});

test('two made the default at once leave one default that exists', async () => {
  await api.ask('POST', '/customers', { body: { id: 'mia' } });
  await Promise.all(Array.from({ length: 8 }, () => add('mia', { default: true })));
  const { data } = (await api.ask('GET', '/customers/mia/payment-methods')).body;
  expect(data).toHaveLength(8);
  expect(data.filter((method: { default: boolean }) => method.default)).toHaveLength(1);
});
