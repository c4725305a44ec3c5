/** Plans and customers over HTTP and PostgreSQL: what is accepted, what is refused, and in which words. */
import { useApi, planOf } from './test-api';

const api = useApi();

describe('plans', () => {
  test('a plan is made, read and listed', async () => {
    const made = await api.ask('POST', '/plans', { body: planOf('gold', { metadata: { tier: 'a' } }) });
    expect(made.status).toBe(201);
    expect(made.headers['location']).toBe('/plans/gold');
    expect(made.body).toEqual({
      id: 'gold',
      name: 'Gold',
      currency: 'EUR',
      amount: 1000,
      interval: { unit: 'month', count: 1 },
      trial_days: 0,
      active: true,
      metadata: { tier: 'a' },
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect((await api.ask('GET', '/plans/gold')).body).toEqual(made.body);
    expect((await api.ask('GET', '/plans')).body.data).toContainEqual(made.body);
  });

  test('an id is made when none is chosen', async () => {
    const { id: _, ...body } = planOf('unused');
    const made = await api.ask('POST', '/plans', { body });
    expect(made.body.id).toMatch(/^plan_[0-9a-z]{26}$/);
  });

  test('an id that is taken is refused, also for an equal plan', async () => {
    await api.ask('POST', '/plans', { body: planOf('taken') });
    const again = await api.ask('POST', '/plans', { body: planOf('taken') });
    expect(again.status).toBe(409);
    expect(again.body.code).toBe('already_exists');
  });

  test('name and active change; the price does not', async () => {
    await api.ask('POST', '/plans', { body: planOf('fixed-price') });
    const changed = await api.ask('PATCH', '/plans/fixed-price', { body: { name: 'New', active: false } });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ name: 'New', active: false, amount: 1000 });
    const priced = await api.ask('PATCH', '/plans/fixed-price', { body: { amount: 1 } });
    expect(priced.status).toBe(422);
    expect(priced.body.errors).toEqual([{ path: 'amount', message: 'is not a known field' }]);
    expect((await api.ask('PATCH', '/plans/nowhere', { body: { name: 'x' } })).status).toBe(404);
  });

  test.each([
    ['a negative amount', { amount: -1 }, 'amount', 'must be 0 or more'],
    ['a fractional amount', { amount: 10.5 }, 'amount', 'must be a whole number of minor units'],
    ['an amount as text', { amount: '1000' }, 'amount', 'must be a whole number of minor units'],
    ['an amount beyond the bound', { amount: 1e12 }, 'amount', 'must be at most 999999999999'],
    ['no amount', { amount: undefined }, 'amount', 'is required'],
    ['an unknown currency', { currency: 'XQX' }, 'currency', expect.stringMatching(/ISO 4217/)],
    ['a currency in small letters', { currency: 'eur' }, 'currency', expect.stringMatching(/ISO 4217/)],
    [
      'an interval of nothing',
      { interval: { unit: 'month', count: 0 } },
      'interval.count',
      'must be at least 1',
    ],
    [
      'an interval beyond 10 years',
      { interval: { unit: 'year', count: 11 } },
      'interval.count',
      expect.any(String),
    ],
    ['a unit that is none', { interval: { unit: 'hour', count: 1 } }, 'interval.unit', expect.any(String)],
    ['an unknown field', { status: 'active' }, 'status', 'is not a known field'],
    [
      'an unknown field within',
      { interval: { unit: 'day', count: 1, x: 1 } },
      'interval.x',
      'is not a known field',
    ],
    ['control characters', { name: 'a\u0007b' }, 'name', expect.stringMatching(/^must not hold U\+0007:/)],
    ['an override of direction', { name: 'a\u202eb' }, 'name', expect.stringMatching(/U\+202E/)],
    [
      'a zero-width space in free data',
      { metadata: { a: 'b\u200bc' } },
      'metadata.a',
      expect.stringMatching(/U\+200B/),
    ],
    [
      'NEL in a key',
      { metadata: { 'a\u0085b': 'c' } },
      'metadata.a\u0085b',
      expect.stringMatching(/U\+0085/),
    ],
    ['NUL', { name: 'a\u0000b' }, 'name', 'must be text without NUL and lone surrogates'],
    ['NUL in free data', { metadata: { a: '\u0000' } }, 'metadata.a', expect.stringMatching(/NUL/)],
    [
      'half a surrogate pair',
      { metadata: { a: '\ud800' } },
      'metadata.a',
      expect.stringMatching(/surrogates/),
    ],
    ['an id with a slash', { id: 'a/b' }, 'id', expect.stringMatching(/must consist of/)],
  ])('%s is refused where it is', async (_name, wrong, path, message) => {
    const before = await api.db.plan.count();
    const refused = await api.ask('POST', '/plans', { body: planOf('refused', wrong) });
    expect(refused.status).toBe(422);
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(refused.body).toMatchObject({
      type: '/problems/validation_failed',
      code: 'validation_failed',
      errors: [{ path, message }],
    });
    expect(await api.db.plan.count()).toBe(before);
  });

  test('every mistake is named at once', async () => {
    const refused = await api.ask('POST', '/plans', {
      body: { name: '', currency: 'EUR', amount: -1, x: 1 },
    });
    expect(refused.body.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual(
      ['amount', 'interval', 'name', 'x'].toSorted(),
    );
  });
});

describe('lists', () => {
  test('pages follow one another, newest first, without a repeat or a gap', async () => {
    for (const n of [1, 2, 3, 4, 5]) await api.ask('POST', '/customers', { body: { id: `page-${n}` } });
    // All made in one instant: the id has to break the tie.
    await api.db.customer.updateMany({ data: { created_at: new Date('2027-01-01T00:00:00Z') } });
    const seen: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const cursor = next === '' ? '' : `&cursor=${next}`;
      const page = await api.ask('GET', `/customers?limit=2${cursor}`);
      expect(page.status).toBe(200);
      seen.push(...page.body.data.map(({ id }: { id: string }) => id));
      next = page.body.next_cursor;
    }
    expect(seen).toEqual(['page-5', 'page-4', 'page-3', 'page-2', 'page-1']);
  });

  test.each([
    '0',
    '101',
    '1e9',
    '-1',
    '1.5',
    'x',
    '1000000000',
    '',
    '01',
    '020',
    '%2B1',
    '%201',
    '1%0A',
    '%D9%A1',
  ])('limit=%s is refused', async (limit) => {
    const refused = await api.ask('GET', `/plans?limit=${limit}`);
    expect(refused.status).toBe(422);
    expect(refused.body.errors[0].path).toBe('limit');
  });

  test('a query field that is unknown or given twice is refused', async () => {
    const unknown = await api.ask('GET', '/plans?limits=3');
    expect(unknown.status).toBe(422);
    expect(unknown.body.errors).toEqual([{ path: 'limits', message: 'is not a known field' }]);
    expect((await api.ask('GET', '/plans?limit=1&limit=2')).status).toBe(422);
  });

  test('a cursor of another list, or of nobody, is refused', async () => {
    await api.ask('POST', '/plans', { body: planOf('cursor-1') });
    await api.ask('POST', '/plans', { body: planOf('cursor-2') });
    const { next_cursor } = (await api.ask('GET', '/plans?limit=1')).body;
    for (const path of [
      `/customers?cursor=${next_cursor}`,
      '/plans?cursor=abc',
      '/plans?cursor=%27%20OR%201',
    ]) {
      const refused = await api.ask('GET', path);
      expect(refused.status).toBe(400);
      expect(refused.body.code).toBe('malformed_cursor');
    }
  });
});

describe('customers', () => {
  test('a customer is made, changed and read', async () => {
    const made = await api.ask('POST', '/customers', {
      body: { id: 'ada', email: 'ada@example.com', name: 'Ada', time_zone: 'Europe/Moscow' },
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ default_payment_method_id: null, test_clock_id: null, metadata: {} });
    const changed = await api.ask('PATCH', '/customers/ada', { body: { email: null, metadata: { a: 'b' } } });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ email: null, name: 'Ada', metadata: { a: 'b' } });
    expect((await api.ask('GET', '/customers/ada')).body).toEqual(changed.body);
  });

  test.each([
    ['an address that is none', { email: 'nobody' }, 'email'],
    ['a zone that is none', { time_zone: 'Mars/Olympus' }, 'time_zone'],
    ['an offset for a zone', { time_zone: '+03:00' }, 'time_zone'],
    ['a test clock, which is no field yet', { test_clock_id: 'clk_1' }, 'test_clock_id'],
    ['somebody else’s payment method', { default_payment_method_id: 'pm_1' }, 'default_payment_method_id'],
  ])('%s is refused', async (_name, body, path) => {
    const refused = await api.ask('POST', '/customers', { body });
    expect(refused.status).toBe(422);
    expect(refused.body.errors[0].path).toBe(path);
  });

  test('a default must be a payment method of this customer', async () => {
    await api.ask('POST', '/customers', { body: { id: 'own' } });
    await api.ask('POST', '/customers', { body: { id: 'other' } });
    const token = { provider: 'sandbox', token: 'tok_ok' };
    const { body: others } = await api.ask('POST', '/customers/other/payment-methods', { body: token });
    const refused = await api.ask('PATCH', '/customers/own', {
      body: { default_payment_method_id: others.id },
    });
    expect(refused.status).toBe(422);
    expect(refused.body.errors[0].path).toBe('default_payment_method_id');
  });

  test('erasing leaves no personal data, not even in answers kept for repeats', async () => {
    const person = {
      id: 'eve',
      email: 'eve@example.com',
      name: 'Eve Example',
      metadata: { phone: '555-0100' },
    };
    await api.ask('POST', '/customers', { body: person, key: 'make-eve' });
    await api.ask('POST', '/customers/eve/payment-methods', {
      body: { provider: 'sandbox', token: 'tok_eve', brand: 'visa', last4: '1881' },
      key: 'eve-card',
    });
    const erased = await api.ask('POST', '/customers/eve/erase');
    expect(erased.status).toBe(200);
    expect(erased.body).toMatchObject({ id: 'eve', email: null, name: null, metadata: {} });
    expect(erased.body.default_payment_method_id).toBeNull();

    const tables = await Promise.all([
      api.db.customer.findMany({ where: { id: 'eve' } }),
      api.db.paymentMethod.findMany({ where: { customer_id: 'eve' } }),
      api.db.idempotencyKey.findMany(),
      api.db.auditLog.findMany({ where: { subject_id: 'eve' }, select: { detail: true, actor: true } }),
    ]);
    expect(JSON.stringify(tables)).not.toMatch(/eve@example|Eve Example|555-0100|tok_eve|1881/);
    const repeated = await api.ask('POST', '/customers', { body: person, key: 'make-eve' });
    expect(repeated.status).toBe(201);
    expect(repeated.text).not.toMatch(/eve@example|Eve Example|555-0100/);
  });

  test('an erased customer does not change; erasing again is the same', async () => {
    await api.ask('POST', '/customers', { body: { id: 'gone' } });
    const first = await api.ask('POST', '/customers/gone/erase');
    expect((await api.ask('POST', '/customers/gone/erase')).body).toEqual(first.body);
    const changed = await api.ask('PATCH', '/customers/gone', { body: { name: 'Back' } });
    expect(changed.status).toBe(409);
    expect(changed.body.code).toBe('customer_erased');
    const body = { provider: 'sandbox', token: 'tok_ok' };
    expect((await api.ask('POST', '/customers/gone/payment-methods', { body })).body.code).toBe(
      'customer_erased',
    );
  });
});
