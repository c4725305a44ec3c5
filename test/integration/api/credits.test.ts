/** Credit that operators grant and take back, over HTTP. */
import { sumAccounts } from '../../../billing/ledger/balances-store';
import { useApi, type Ask, type Reply } from './test-api';

const given = useApi();
let customers = 0;

async function newCustomer(more: object = {}): Promise<string> {
  const id = `cus_${(customers += 1)}`;
  await given.db.customer.create({ data: { id, ...more } });
  return id;
}
const change = (
  id: string,
  amount: number,
  more: Partial<Ask> & { currency?: string } = {},
): Promise<Reply> => {
  const { currency = 'EUR', ...ask } = more;
  return given.ask('POST', `/customers/${id}/credits`, {
    body: { amount, currency, reason: 'a late delivery' },
    ...ask,
  });
};
const creditOf = async (id: string) => (await given.ask('GET', `/customers/${id}/balance`)).body.credit;

describe('credit', () => {
  it('is granted as a source of its own, with its reason and who granted it', async () => {
    const id = await newCustomer();
    const { status, body } = await change(id, 500);
    expect(status).toBe(201);
    const source = `grant/${body.id}`;
    expect(body).toEqual({
      id: expect.stringMatching(/^crd_/),
      kind: 'credit_granted',
      customer_id: id,
      subscription_id: null,
      period_index: null,
      payment_id: null,
      refund_id: null,
      test_clock_id: null,
      currency: 'EUR',
      at: expect.any(String),
      recorded_at: body.at,
      actor: { kind: 'api_key', id: expect.any(String), reason: null },
      reason: 'a late delivery',
      entries: [
        { account: 'allowances', owner: 'customer', source, amount: 500 },
        { account: 'credit', owner: 'customer', source, amount: -500 },
      ],
      credit: 500,
    });
    expect(await creditOf(id)).toEqual([
      { currency: 'EUR', amount: 500, disputed: 0, sources: [{ source, amount: 500, disputed: false }] },
    ]);
    const audited = (await given.ask('GET', `/audit?subject=${id}`)).body.data;
    expect(audited).toMatchObject([
      { action: 'POST /customers/{customer_id}/credits', status: 201, actor: { reason: 'a late delivery' } },
    ]);
  });

  it('is granted once under one Idempotency-Key, also when the first answer was lost', async () => {
    const id = await newCustomer();
    const first = await change(id, 500, { key: 'once' });
    const again = await change(id, 500, { key: 'once' });
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.text).toBe(first.text);
    await given.db.idempotencyKey.deleteMany({ where: { key: 'once' } });
    expect((await change(id, 500, { key: 'once' })).body).toEqual(first.body);
    expect(await creditOf(id)).toMatchObject([{ amount: 500 }]);
    expect((await change(id, 700, { key: 'once' })).body.code).toBe('idempotency_key_reused');
  });

  it('is added up by those who grant it at the same time', async () => {
    const id = await newCustomer();
    const replies = await Promise.all([100, 200, 300, -1_000].map((amount) => change(id, amount)));
    expect(replies.map(({ status }) => status)).toEqual([201, 201, 201, 409]);
    expect(await creditOf(id)).toMatchObject([{ amount: 600 }]);
    const sums = await sumAccounts(given.db, { type: 'customer', id });
    expect(sums.filter(({ account }) => account === 'credit')).toHaveLength(3);
  });

  it('is taken back down to nothing, in its own currency, and no further', async () => {
    const id = await newCustomer();
    await change(id, 500);
    await change(id, 900, { currency: 'JPY' });
    const beyond = await change(id, -501);
    expect(beyond).toMatchObject({ status: 409, body: { code: 'credit_not_enough' } });
    expect(beyond.body.detail).toContain('has 500 in minor units (5.00 EUR)');
    expect(beyond.body.available).toEqual({ amount: 500, currency: 'EUR' });
    expect((await change(id, -1, { currency: 'GBP' })).body.code).toBe('credit_not_enough');
    expect(await change(id, -500)).toMatchObject({
      status: 201,
      body: { kind: 'credit_corrected', credit: 0 },
    });
    expect(await creditOf(id)).toMatchObject([{ currency: 'JPY', amount: 900 }]);
  });

  it.each([
    [{ amount: 1_000_000_000_000_000 }, 'must be at most 999999999999999'],
    [{ amount: -1_000_000_000_000_000 }, 'must be -999999999999999 or more'],
    [{ amount: 999_999_999_999_999 }, 'must be at most 999999999999499: there is credit already'],
    [{ amount: 1.5 }, 'must be a whole number of minor units'],
  ])('beyond the bounds, %j, is refused in the words of every amount', async (more, message) => {
    const id = await newCustomer();
    await change(id, 500);
    const { status, body } = await change(id, 0, { body: { currency: 'EUR', reason: 'x', ...more } });
    expect([status, body.errors]).toEqual([422, [{ path: 'amount', message }]]);
  });

  it.each<[string, object]>([
    ['the amount 0', { amount: 0, currency: 'EUR', reason: 'x' }],
    ['a fraction', { amount: 1.5, currency: 'EUR', reason: 'x' }],
    ['an unknown currency', { amount: 1, currency: 'XQX', reason: 'x' }],
    ['no reason', { amount: 1, currency: 'EUR' }],
  ])('is refused with %s', async (_, body) => {
    const id = await newCustomer();
    expect(await change(id, 0, { body })).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
    expect(await creditOf(id)).toEqual([]);
  });

  it('is refused to nobody, to erased customers, and by keys of callers who are no operators', async () => {
    expect((await change('nobody', 5)).status).toBe(404);
    const id = await newCustomer();
    await given.ask('POST', `/customers/${id}/erase`);
    expect((await change(id, 5)).body.code).toBe('customer_erased');
    const secret = await given.keyWith('customers:write', 'payments:write');
    expect((await change(await newCustomer(), 5, { secret })).status).toBe(403);
  });

  it('of a customer on a test clock is of that clock', async () => {
    const now = new Date('2030-05-01T00:00:00Z');
    await given.db.testClock.create({ data: { id: 'clk_1', now } });
    const { body } = await change(await newCustomer({ test_clock_id: 'clk_1' }), 500);
    expect(body).toMatchObject({ test_clock_id: 'clk_1', at: now.toISOString() });
    expect(body.recorded_at).not.toBe(body.at);
  });

  it('that was granted is taken back when its customer is erased, in every currency', async () => {
    const id = await newCustomer();
    await change(id, 500);
    await change(id, 900, { currency: 'JPY' });
    expect((await given.ask('POST', `/customers/${id}/erase`)).status).toBe(200);
    expect(await creditOf(id)).toEqual([]);
    expect(await sumAccounts(given.db, { type: 'customer', id })).toEqual([]);
    expect((await given.ask('POST', `/customers/${id}/erase`)).status).toBe(200);
    const { body } = await given.ask('GET', `/customers/${id}/ledger`);
    expect(body.data).toHaveLength(4);
  });

  it('keeps no reason when its customer is erased, in kept answers neither', async () => {
    const id = await newCustomer();
    await change(id, 500, { key: 'erased later' });
    await given.ask('POST', `/customers/${id}/erase`);
    const { body } = await given.ask('GET', `/customers/${id}/ledger`);
    expect(body.data).toMatchObject([
      { kind: 'credit_corrected', reason: null },
      { kind: 'credit_granted', reason: null },
    ]);
    const again = await change(id, 500, { key: 'erased later' });
    expect(again).toMatchObject({ status: 201, body: { reason: null, credit: 500 } });
  });
});
