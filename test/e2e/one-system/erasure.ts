/** An erased customer on the whole system: where what was personal is looked for, and what a history never holds. */
import { readFileSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import { closeDatabase, createDatabase } from '../../../prisma/client';
import { textOfDatabase } from '../../support/table-dump';
import { textOfHistories } from '../../support/temporal-texts';
import type { Json, TestSystem } from '../../support/system';
import { eventually } from '../../support/eventually';
import { theSystem } from './system';

let its: TestSystem;
let temporal: Client;
beforeAll(async () => {
  its = theSystem();
  const address = its.system.environment['TEMPORAL_ADDRESS'];
  temporal = new Client({ connection: await Connection.connect({ address }) });
});
afterAll(() => temporal?.connection.close());

const values: string[] = [];
const secret = (what: string): string => {
  const value = `${what}-of-eve-kept`;
  values.push(value);
  return value;
};
const foundIn = (text: string): string[] => values.filter((value) => text.includes(value));

interface Eve {
  customer: string;
  paid: string;
  /** Of whatever there is of hers. */
  ids: string[];
}

/** Lives through whatever takes free text, until all of it has ended. */
async function live(): Promise<Eve> {
  const customer = await its.made('/customers', {
    name: 'Ada',
    email: `${secret('mail')}@example.com`,
    metadata: { [secret('field')]: secret('metadata') },
  });
  const put = async (method: string, path: string, body?: Json): Promise<Json> => {
    const answer = await its.call(method, path, body);
    if (answer.status < 300) return answer.body;
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  };
  const card = (token: string, more: Json = {}) =>
    its.made(`/customers/${customer}/payment-methods`, { provider: 'sandbox', token, ...more });
  const settled = (id: string, status: string): Promise<Json> =>
    eventually(`payment ${id} to be ${status}`, async () => {
      const payment = await its.get(`/payments/${id}`);
      return payment['status'] === status ? payment : undefined;
    });
  await put('PATCH', `/customers/${customer}`, { name: secret('name') });
  await card(`tok_ok#${secret('token')}`, { default: true, brand: secret('brand') });
  const bad = await card(`tok_insufficient_funds#${secret('bad-token')}`);

  const order = { customer_id: customer, plan_id: its.plan };
  const note = (what: string) => ({ metadata: { [secret(`${what}-field`)]: secret(what) } });
  const subscription = await its.made('/subscriptions', { ...order, ...note('order') });
  await put('PUT', `/subscriptions/${subscription}`, note('change'));
  const declined = await its.call('POST', '/subscriptions', {
    ...order,
    payment_method_id: bad,
    ...note('declined'),
  });
  expect(declined.status).toBe(402);
  await put('DELETE', `/subscriptions/${subscription}?reason=${secret('cancellation')}`);

  const wanted = { customer_id: customer, amount: 900, currency: 'EUR' };
  const asked = async (body: Json) => String((await put('POST', '/payments', { ...wanted, ...body }))['id']);
  const paid = await asked({ reason: secret('charge') });
  const failed = await asked({ payment_method_id: bad, reason: secret('failed-charge') });
  await settled(paid, 'completed');
  await settled(failed, 'failed');
  await put('POST', `/payments/${paid}/refunds`, { amount: 100, reason: secret('refund') });
  await put('POST', `/payments/${failed}/retry`, { payment_method_id: bad, reason: secret('retry') });
  await eventually('the retry to have failed', async () => {
    const { attempts, status } = await its.get(`/payments/${failed}`);
    return status === 'failed' && (attempts as unknown[]).length === 2;
  });
  await put('POST', `/payments/${failed}/cancel`, { reason: secret('given-up') });
  const credit = (amount: number, reason: string) =>
    put('POST', `/customers/${customer}/credits`, { amount, currency: 'EUR', reason });
  await credit(500, secret('credit'));
  await credit(-500, secret('credit-back'));
  const of = (declined.body['subscription_id'] ?? '') as string;
  return { customer, paid, ids: [customer, subscription, of, paid, failed].filter((id) => id !== '') };
}

async function exported(customer: string): Promise<string> {
  let text = '';
  for (let cursor: unknown = ''; cursor !== null;) {
    const page = await its.get(
      `/customers/${customer}/export${cursor === '' ? '' : `?cursor=${cursor as string}`}`,
    );
    text += JSON.stringify(page['data']);
    cursor = page['next_cursor'];
  }
  return text;
}

/** What may still begin: a refund that an operator makes, and a dispute that the bank opens and loses. */
async function useAfterwards({ customer, paid }: Eve): Promise<void> {
  const refund = { amount: 200, reason: 'after the erasure' };
  expect(await its.call('POST', `/payments/${paid}/refunds`, refund)).toMatchObject({ status: 201 });
  const charge = (await its.charges(customer)).find(({ metadata }) => metadata.payment_id === paid);
  await fetch(`${its.system.sandboxUrl}/v1/charges/${charge?.id}/dispute`, { method: 'POST' });
  await eventually('the dispute', async () => {
    return (await its.get(`/payments/${paid}`))['status'] === 'disputed';
  });
  const charged = { customer_id: customer, amount: 1, currency: 'EUR', reason: 'once more' };
  expect(await its.call('POST', '/payments', charged)).toMatchObject({ status: 422 });
}

test('I6: nothing personal is in a history, and after an erasure in no row, no new record and no log', async () => {
  const eve = await live();
  expect(values.length).toBeGreaterThanOrEqual(20);
  await its.topicsAreIdle();
  const recordsOf = () =>
    eve.ids.flatMap((id) => [...its.topics.of(id), ...its.topics.of(id, 'webhooks.received')]);
  const before = new Set(recordsOf());
  // What was published stays for the days that the topics keep it.
  expect(foundIn(JSON.stringify([...before]))).not.toEqual([]);
  expect(foundIn(await exported(eve.customer))).toEqual(values);

  expect(await its.call('POST', `/customers/${eve.customer}/erase`)).toMatchObject({ status: 200 });
  const erasedAt = new Date();
  await useAfterwards(eve);
  await its.topicsAreIdle();

  const since = recordsOf().filter((record) => !before.has(record));
  expect(since.length).toBeGreaterThan(0);
  expect(foundIn(JSON.stringify(since))).toEqual([]);
  const db = createDatabase(its.system.environment['DATABASE_URL'] ?? '', 1);
  const rows = await textOfDatabase(db).finally(() => closeDatabase(db));
  expect(rows).toContain(eve.customer);
  expect(foundIn(rows)).toEqual([]);
  expect(foundIn(await exported(eve.customer))).toEqual([]);

  const begun = await eventually('the refund to be listed', async () => {
    const histories = await textOfHistories(temporal, `StartTime > "${erasedAt.toISOString()}"`);
    return histories.get(`payment/${eve.paid}`)?.includes('payRefund') === true ? histories : undefined;
  });
  expect(foundIn([...begun.values()].join('\n'))).toEqual([]);
  // No history has ever held any of it.
  const hers = await textOfHistories(temporal, `CustomerId = "${eve.customer}"`);
  expect([...hers.keys()].map((id) => id.split('/')[0])).toEqual(
    expect.arrayContaining(['subscription', 'payment']),
  );
  expect(foundIn([...hers.values()].join('\n'))).toEqual([]);
  for (const name of ['api', 'worker', 'bridge']) {
    expect(foundIn(readFileSync(its.system.product(name).logFile, 'utf8'))).toEqual([]);
  }
});
