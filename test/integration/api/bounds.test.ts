import { useApi } from './test-api';

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
