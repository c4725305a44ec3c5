/** Timelines and the audit log over HTTP: scopes, pages, and what is not there. */
import { fixedNow, useApi, planOf } from './test-api';
import { writeRows } from './subscription-rows';

const given = useApi();
beforeAll(async () => {
  await given.ask('POST', '/plans', { body: planOf('gold') });
  await given.db.customer.create({ data: { id: 'cus_1', default_payment_method_id: 'pm_1' } });
  const method = { id: 'pm_1', customer_id: 'cus_1', provider: 'sandbox', token: 'tok_ok' };
  await given.db.paymentMethod.create({ data: method });
  given.process.onCreate = async (creation) => {
    await writeRows(given.db, creation, 'active', 'completed');
    return 'concluded';
  };
});

interface Page {
  data: { title: string; kind: string }[];
  next_cursor: string | null;
}
const page = async (path: string) => (await given.ask('GET', path)).body as Page;

async function subscribed(): Promise<{ id: string; paymentId: string }> {
  const { status, body } = await given.ask('POST', '/subscriptions', {
    body: { customer_id: 'cus_1', plan_id: 'gold' },
  });
  expect(status).toBe(201);
  return { id: body.id, paymentId: body.first_payment.payment_id };
}

describe('a timeline', () => {
  it('is read page by page, oldest first', async () => {
    const { id, paymentId } = await subscribed();
    await given.ask('POST', `/payments/${paymentId}/retry`, { body: { reason: 'she called' } });
    const titles = [
      'POST /subscriptions answered 201',
      'POST /payments/{payment_id}/retry refused with 409: payment not retryable',
      'Attempt 1 took 10.00 EUR',
    ];
    const whole = await page(`/subscriptions/${id}/timeline`);
    expect(whole).toMatchObject({ data: titles.map((title) => ({ title })), next_cursor: null });
    expect(whole.data.map(({ kind }) => kind)).toEqual(['api_call', 'operator_action', 'attempt']);
    const first = await page(`/subscriptions/${id}/timeline?limit=2`);
    const second = await page(`/subscriptions/${id}/timeline?limit=2&cursor=${first.next_cursor}`);
    expect([...first.data, ...second.data]).toEqual(whole.data);
    expect(second.next_cursor).toBeNull();
    const ofPayment = await page(`/payments/${paymentId}/timeline`);
    expect(ofPayment.data).toMatchObject(titles.slice(1).map((title) => ({ title })));
    const other = await given.ask('GET', `/payments/${paymentId}/timeline?cursor=${first.next_cursor}`);
    expect(other).toMatchObject({ status: 400, body: { code: 'malformed_cursor' } });
  });

  it('of nothing is 404, and needs its scope', async () => {
    const { id, paymentId } = await subscribed();
    for (const path of ['/subscriptions/sub_none', '/payments/pay_none', '/customers/cus_none']) {
      expect((await given.ask('GET', `${path}/timeline`)).status).toBe(404);
    }
    const payments = await given.keyWith('payments:read');
    const subscriptions = await given.keyWith('subscriptions:read');
    const status = async (secret: string, path: string) => (await given.ask('GET', path, { secret })).status;
    expect(await status(payments, `/payments/${paymentId}/timeline`)).toBe(200);
    expect(await status(subscriptions, `/subscriptions/${id}/timeline`)).toBe(200);
    expect(await status(payments, `/subscriptions/${id}/timeline`)).toBe(403);
    expect(await status(payments, '/customers/cus_1/timeline')).toBe(403);
    const customers = await given.keyWith('customers:read');
    expect(await status(customers, '/customers/cus_1/timeline')).toBe(200);
    expect(await status(subscriptions, `/payments/${paymentId}/timeline`)).toBe(403);
  });

  it('I5: shows an entry to an API key that may read what it was made of, and names what it leaves out', async () => {
    const { id, paymentId } = await subscribed();
    const narrow = await given.keyWith('subscriptions:read');
    const wide = await given.keyWith('subscriptions:read', 'payments:read');
    const read = async (secret: string, path: string) =>
      (await given.ask('GET', `/subscriptions/${id}/timeline${path}`, { secret })).body;
    const hidden = await read(narrow, '');
    expect(hidden).toMatchObject({ data: [], next_cursor: null });
    expect(hidden.omitted).toContainEqual({
      scope: 'payments:read',
      types: expect.arrayContaining(['attempt', 'refund', 'event']),
    });
    expect(hidden.omitted).toContainEqual({
      scope: 'operator',
      types: expect.arrayContaining(['audit', 'webhook_delivery', 'operator_task']),
    });
    const shown = await read(wide, '?limit=1');
    expect(shown).toMatchObject({ data: [{ title: 'Attempt 1 took 10.00 EUR' }], next_cursor: null });
    expect(shown.omitted.map(({ scope }: { scope: string }) => scope)).toEqual(['operator']);
    const all = await given.ask('GET', `/payments/${paymentId}/timeline`);
    expect(all.body.omitted).toEqual([]);
  });

  it('refuses a cursor that it did not give out', async () => {
    const { id } = await subscribed();
    const cursor = (parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    const at = fixedNow.getTime();
    for (const parts of [
      ['subscription-timeline', at, 99, 'x', '0'],
      ['subscription-timeline', at, 0, 'x', 0],
      ['subscription-timeline', 1e20, 0, 'x', '0'],
      ['subscription-timeline', at, 0, '', '0'],
      ['subscription-timeline', at, 0],
    ]) {
      const answer = await given.ask('GET', `/subscriptions/${id}/timeline?cursor=${cursor(parts)}`);
      expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_cursor' } });
    }
  });
});

test('the audit log is read by subject, actor and action, newest first', async () => {
  await given.keyWith('catalog:write');
  const secret = await given.keyWith('catalog:write', 'operator');
  for (const name of ['One', 'Two', 'Three']) {
    await given.ask('PATCH', '/plans/gold', { secret, body: { name } });
  }
  await given.ask('PATCH', '/plans/gold', { secret, body: { name: '' } });
  const { actor } = await given.db.auditLog.findFirstOrThrow({ orderBy: { id: 'desc' } });
  const query = `subject=gold&actor=${(actor as { id: string }).id}`;
  const whole = await page(`/audit?${query}`);
  expect(whole.data).toMatchObject([
    { action: 'PATCH /plans/{plan_id}', status: 422, code: 'validation_failed', subject_id: 'gold' },
    { status: 200, code: null, replayed: false },
    { status: 200 },
    { status: 200 },
  ]);
  const first = await page(`/audit?${query}&limit=3`);
  const second = await page(`/audit?${query}&limit=3&cursor=${first.next_cursor}`);
  expect([...first.data, ...second.data]).toEqual(whole.data);
  const action = encodeURIComponent('POST /plans');
  expect((await page(`/audit?action=${action}`)).data).toHaveLength(1);
  expect((await given.ask('GET', '/audit?subject=a%20b')).status).toBe(422);
});
