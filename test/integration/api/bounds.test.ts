import { v7 as uuidv7 } from 'uuid';
import { createCustomer } from '../../../billing/customer/customers';
import { idOfRequest, newId } from '../../../domain/ids';
import { fixedNow, planOf, useApi } from './test-api';

const given = useApi();

describe('I1: an instant', () => {
  const key = (expires_at: string) =>
    given.ask('POST', '/api-keys', { body: { name: 'a key', scopes: ['operator'], expires_at } });

  it.each(['9999-12-31T23:59:59-23:59', '1970-01-01T00:00:00+00:01', '0000-01-01T00:00:00Z'])(
    '%s lies outside of the years 1970 to 9999 in UTC, and is refused',
    async (instant) => {
      const { status, body } = await key(instant);
      expect([status, body.errors]).toEqual([
        422,
        [{ path: 'expires_at', message: 'must lie in the years 1970 to 9999, in UTC' }],
      ]);
      expect((await given.ask('GET', '/api-keys')).status).toBe(200);
    },
  );

  it.each([
    ['2100-01-01T00:00:00+20:00', '2099-12-31T04:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s is kept in UTC, whatever its offset', async (instant, kept) => {
    const { status, body } = await key(instant);
    expect([status, body.expires_at]).toEqual([201, kept]);
  });
});

describe('I2: a request beyond what there is', () => {
  it.each([
    ['/schemas/toString', 404],
    ['/schemas/constructor', 404],
    ['/schemas/__proto__', 404],
    ['/schemas/payments.failed.v1.json', 200],
    ['/payments?from=0000-01-01T00:00:00Z', 422],
    ['/payments?to=9999-12-31T23:59:59-00:01', 422],
    ['/payments?from=1970-01-01T00:00:00Z', 200],
    ['/analytics/subscriptions?to=0000-01-02', 422],
    ['/analytics/mrr?currency=EUR&from=0000-01-01', 422],
    ['/analytics/subscriptions?to=9999-12-31', 200],
    ['/analytics/subscriptions?to=1970-01-01', 200],
  ])('GET %s: %i', async (path, status) => {
    expect((await given.ask('GET', path)).status).toBe(status);
  });
});

describe('I3: an e-mail address', () => {
  it.each([
    'user@xn--e1aybc.xn--p1ai',
    'user@пример.рф',
    'a&b@example.com',
    "first.o'last+tag@mail.example",
    'ada@ab--c.example',
  ])('%s is taken, kept as it was written', async (email) => {
    const created = await given.ask('POST', '/customers', { body: { email } });
    expect([created.status, created.body.email]).toEqual([201, email]);
    const changed = await given.ask('PATCH', `/customers/${created.body.id}`, { body: { email } });
    expect([changed.status, changed.body.email]).toEqual([200, email]);
  });

  it.each([
    'user@xn--a.com',
    'почта@пример.рф',
    'a..b@example.com',
    '.a@example.com',
    'user@localhost',
    'user@192.168.0.1',
    'user@[192.168.0.1]',
    'user@-a.com',
    'user@a..com',
    'a b@example.com',
    'Ada <ada@example.com>',
    `${'a'.repeat(65)}@example.com`,
    `a@${'пример'.repeat(12)}.рф`,
  ])('%s has no form that mail servers take, and is refused', (email) =>
    refused(email, 'must be an e-mail address'),
  );

  it('with a character that nobody sees is refused, and the refusal names it', () =>
    refused('user@exa\u200bmple.com', 'must not hold U+200B'));

  async function refused(email: string, message: string): Promise<void> {
    const created = await given.ask('POST', '/customers', { body: { email } });
    expect([created.status, created.body.errors]).toEqual([422, [{ path: 'email', message }]]);
  }
});

describe('I7: an id that a request’s Idempotency-Key derives', () => {
  const bodies = { customers: {}, plans: { ...planOf('unused'), id: undefined } };
  const kinds = [
    ['customers', 'customer'],
    ['plans', 'plan'],
  ] as const;

  it.each(kinds)('cannot be chosen for %s', async (path, kind) => {
    for (const id of [idOfRequest(kind, 'key_victim', 'order-1'), newId(kind, uuidv7())]) {
      const chosen = await given.ask('POST', `/${path}`, { body: { ...bodies[path], id } });
      expect([chosen.status, chosen.body.errors?.[0].path]).toEqual([422, 'id']);
    }
    // What is kept about another thing is found by its id alone.
    for (const other of ['subscription', 'payment', 'refund', 'customer', 'plan'] as const) {
      const squatted = { ...bodies[path], id: newId(other, uuidv7()) };
      expect((await given.ask('POST', `/${path}`, { body: squatted })).status).toBe(422);
    }
    const key = { ...bodies[path], id: 'key_bootstrap' };
    expect((await given.ask('POST', `/${path}`, { body: key })).status).toBe(422);
    const near = `${idOfRequest(kind, 'key_victim', 'order-1')}x`;
    expect((await given.ask('POST', `/${path}`, { body: { ...bodies[path], id: near } })).status).toBe(201);
  });

  it.each(kinds)(
    'that was taken before it could be refused gives nobody the row of %s',
    async (path, kind) => {
      const { id: keyId } = await given.db.apiKey.findFirstOrThrow();
      const id = idOfRequest(kind, keyId, `squatted-${kind}`);
      const { interval, ...plan } = planOf(id);
      if (kind === 'plan')
        await given.db.plan.create({ data: { ...plan, interval_unit: interval.unit, interval_count: 1 } });
      else await given.db.customer.create({ data: { id, name: 'Squatter' } });
      const asked = await given.ask('POST', `/${path}`, { key: `squatted-${kind}`, body: bodies[path] });
      expect([asked.status, asked.body.code]).toEqual([409, 'already_exists']);
      expect(asked.text).not.toContain('Squatter');
    },
  );

  it('gives the row to the request that made it, though another run took its lease meanwhile', async () => {
    const { id: keyId } = await given.db.apiKey.findFirstOrThrow();
    const id = idOfRequest('customer', keyId, 'late');
    const lease = { apiKeyId: keyId, key: 'late', holder: uuidv7() };
    await given.db.idempotencyKey.create({
      data: {
        api_key_id: keyId,
        key: 'late',
        request_hash: '',
        lease_until: fixedNow,
        lease_holder: 'other',
      },
    });
    const once = await createCustomer(given.db, {}, id, lease);
    expect(await createCustomer(given.db, {}, id, { ...lease, holder: 'other' })).toEqual(once);
  });
});
