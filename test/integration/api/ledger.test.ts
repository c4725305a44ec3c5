/** The ledger over HTTP: pages, CSV, scopes, and what a customer has. */
import { enqueueCustomerBalance, enqueueLedgerTransaction } from '../../../billing/ledger/ledger-store';
import type { Entry, LedgerKind } from '../../../domain/ledger/accounts';
import { emptyFund, emptyState, type LedgerState } from '../../../domain/ledger/state';
import { inTransaction } from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import { sumAccounts } from '../../../billing/ledger/balances-store';
import { planOf, useApi } from './test-api';
import { writeRows } from './subscription-rows';

const given = useApi();
const recorded = new Date('2027-01-15T12:00:00Z');
let subscriptionId = '';

async function write(
  id: string,
  kind: LedgerKind,
  at: string,
  entries: Entry[],
  more: { reason?: string; ofCustomer?: true } = {},
): Promise<void> {
  await inTransaction(given.db, async (tx) =>
    enqueueLedgerTransaction(tx, {
      id,
      kind,
      customerId: 'cus_1',
      subscriptionId: more.ofCustomer ? null : subscriptionId,
      periodIndex: null,
      paymentId: null,
      refundId: null,
      testClockId: null,
      currency: 'EUR',
      at: new Date(at),
      realNow: recorded,
      actor: { kind: 'system', id: 'subscription-service', reason: null },
      reason: more.reason ?? null,
      entries,
    }),
  );
}

beforeAll(async () => {
  await given.ask('POST', '/plans', { body: planOf('gold') });
  await given.db.customer.create({ data: { id: 'cus_1', default_payment_method_id: 'pm_1' } });
  await given.db.customer.create({ data: { id: 'cus_2' } });
  const method = { id: 'pm_1', customer_id: 'cus_1', provider: 'sandbox', token: 'tok_ok' };
  await given.db.paymentMethod.create({ data: method });
  given.process.onCreate = async (creation) => {
    await writeRows(given.db, creation, 'active', 'completed');
    return 'concluded';
  };
  const created = await given.ask('POST', '/subscriptions', {
    body: { customer_id: 'cus_1', plan_id: 'gold' },
  });
  subscriptionId = created.body.id;
  await write('t1', 'period_opened', '2027-01-15T00:00:00Z', [
    { account: 'receivable', source: 'pay_1', amount: 1_000 },
    { account: 'unearned', source: 'pay_1', amount: -1_000 },
  ]);
  await write('t2', 'payment_collected', '2027-01-15T00:00:01Z', [
    { account: 'cash/sandbox', source: 'pay_1', amount: 1_000 },
    { account: 'unapplied', source: 'pay_1', amount: -1_000 },
  ]);
  await write(
    't3',
    'credit_granted',
    '2027-01-16T00:00:00Z',
    [
      { account: 'allowances', source: 'grant/t3', amount: 500, owner: 'customer' },
      { account: 'credit', source: 'grant/t3', amount: -500, owner: 'customer' },
    ],
    { reason: '=HYPERLINK("http://example.org", "sorry")', ofCustomer: true },
  );
});

interface Page {
  data: { id: string; entries: unknown[] }[];
  next_cursor: string | null;
}
const page = async (path: string) => (await given.ask('GET', path)).body as Page;

describe('the ledger', () => {
  it('of a subscription has its transactions with their entries, newest first', async () => {
    const { data, next_cursor } = await page(`/subscriptions/${subscriptionId}/ledger`);
    expect(next_cursor).toBeNull();
    expect(data).toMatchObject([{ id: 't2' }, { id: 't1' }]);
    expect(data[1]).toEqual({
      id: 't1',
      kind: 'period_opened',
      customer_id: 'cus_1',
      subscription_id: subscriptionId,
      period_index: null,
      payment_id: null,
      refund_id: null,
      test_clock_id: null,
      currency: 'EUR',
      at: '2027-01-15T00:00:00.000Z',
      recorded_at: recorded.toISOString(),
      actor: { kind: 'system', id: 'subscription-service', reason: null },
      reason: null,
      entries: [
        { account: 'receivable', owner: 'subscription', source: 'pay_1', amount: 1_000 },
        { account: 'unearned', owner: 'subscription', source: 'pay_1', amount: -1_000 },
      ],
    });
  });

  it('of a customer has all of their subscriptions’ and their own, page by page', async () => {
    const first = await page('/customers/cus_1/ledger?limit=2');
    expect(first.data.map(({ id }) => id)).toEqual(['t3', 't2']);
    const second = await page(`/customers/cus_1/ledger?limit=2&cursor=${first.next_cursor}`);
    expect(second).toMatchObject({ data: [{ id: 't1' }], next_cursor: null });
    expect(await page('/customers/cus_2/ledger')).toEqual({ data: [], next_cursor: null });
    const other = await given.ask(
      'GET',
      `/subscriptions/${subscriptionId}/ledger?cursor=${first.next_cursor}`,
    );
    expect(other).toMatchObject({ status: 400, body: { code: 'malformed_cursor' } });
  });

  it('as CSV has an entry a line, no formula, and the next page in a header', async () => {
    const headers = { accept: 'text/csv' };
    const first = await given.ask('GET', '/customers/cus_1/ledger?limit=1', { headers });
    expect(first.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    expect(first.headers.vary).toBe('Accept');
    expect(first.text.split('\r\n')).toEqual([
      'transaction_id,kind,at,recorded_at,customer_id,subscription_id,period_index,payment_id,refund_id,' +
        'test_clock_id,owner,account,source,amount,currency,actor,reason',
      't3,credit_granted,2027-01-16T00:00:00.000Z,2027-01-15T12:00:00.000Z,cus_1,,,,,,customer,allowances,grant/t3,' +
        `500,EUR,system/subscription-service,"'=HYPERLINK(""http://example.org"", ""sorry"")"`,
      't3,credit_granted,2027-01-16T00:00:00.000Z,2027-01-15T12:00:00.000Z,cus_1,,,,,,customer,credit,grant/t3,' +
        `-500,EUR,system/subscription-service,"'=HYPERLINK(""http://example.org"", ""sorry"")"`,
      '',
    ]);
    const [, next] = /^<([^>]+)>; rel="next"$/.exec(String(first.headers.link)) ?? [];
    const second = await given.ask('GET', String(next), { headers });
    expect(second.text).toContain('\r\nt2,payment_collected,');
    const last = await given.ask('GET', '/customers/cus_1/ledger', { headers });
    expect(last.headers.link).toBeUndefined();
    expect(last.text.split('\r\n')).toHaveLength(1 + 6 + 1);
  });

  it('of nobody is 404, and needs its scope', async () => {
    for (const path of ['/subscriptions/none/ledger', '/customers/none/ledger', '/customers/none/balance']) {
      expect((await given.ask('GET', path)).status).toBe(404);
    }
    const subscriptions = await given.keyWith('subscriptions:read');
    const customers = await given.keyWith('customers:read');
    const status = async (secret: string, path: string) => (await given.ask('GET', path, { secret })).status;
    expect(await status(subscriptions, `/subscriptions/${subscriptionId}/ledger`)).toBe(200);
    expect(await status(subscriptions, '/customers/cus_1/ledger')).toBe(403);
    expect(await status(subscriptions, '/customers/cus_1/balance')).toBe(403);
    expect(await status(customers, '/customers/cus_1/ledger')).toBe(200);
    expect(await status(customers, '/customers/cus_1/balance')).toBe(200);
    expect(await status(customers, `/subscriptions/${subscriptionId}/ledger`)).toBe(403);
  });

  it('adds up by account and source, for a subscription and for a customer’s own accounts', async () => {
    expect(await sumAccounts(given.db, { type: 'subscription', id: subscriptionId })).toEqual([
      { account: 'cash/sandbox', source: 'pay_1', amount: 1_000, currency: 'EUR' },
      { account: 'receivable', source: 'pay_1', amount: 1_000, currency: 'EUR' },
      { account: 'unapplied', source: 'pay_1', amount: -1_000, currency: 'EUR' },
      { account: 'unearned', source: 'pay_1', amount: -1_000, currency: 'EUR' },
    ]);
    expect(await sumAccounts(given.db, { type: 'customer', id: 'cus_1' })).toEqual([
      { account: 'allowances', source: 'grant/t3', amount: 500, currency: 'EUR' },
      { account: 'credit', source: 'grant/t3', amount: -500, currency: 'EUR' },
    ]);
  });
});

describe('the balance of a customer', () => {
  it('has no credit before any was granted, and reckons what the rows of a subscription before the ledger say', async () => {
    const { body } = await given.ask('GET', '/customers/cus_1/balance');
    expect(body).toEqual({
      customer_id: 'cus_1',
      as_of: expect.any(String),
      credit: [],
      refunding: [],
      subscriptions: [
        {
          subscription_id: subscriptionId,
          status: 'active',
          currency: 'EUR',
          receivable: 0,
          unearned: expect.any(Number),
          credit: 0,
          credit_disputed: 0,
          credit_held: 0,
        },
      ],
    });
    const { ledger_state } = await given.db.subscription.findUniqueOrThrow({ where: { id: subscriptionId } });
    expect(ledger_state).toBeNull();
  });

  it('has credit by currency and source, and what living subscriptions stand at by the customer’s time', async () => {
    const clock = new Date('2027-01-30T00:00:00Z');
    await given.db.testClock.create({ data: { id: 'clk_1', now: clock } });
    await given.db.customer.update({ where: { id: 'cus_1' }, data: { test_clock_id: 'clk_1' } });
    const state: LedgerState = {
      ...emptyState,
      period: { start: '2027-01-15T00:00:00.000Z', end: '2027-02-14T00:00:00.000Z' },
      earned_until: '2027-01-15T00:00:00.000Z',
      funds: [{ ...emptyFund('pay_1'), unearned: 1_000, credit: 70, held: 30, receivable: 5 }],
    };
    await sql(given.db).execute`
      UPDATE subscriptions SET ledger_state = ${JSON.stringify(state)}::jsonb WHERE id = ${subscriptionId}`;
    await inTransaction(given.db, async (tx) => {
      enqueueCustomerBalance(tx, 'cus_1', 'EUR', [{ source: 'grant/t3', amount: 500 }]);
      enqueueCustomerBalance(tx, 'cus_1', 'GBP', []);
    });
    const { body } = await given.ask('GET', '/customers/cus_1/balance');
    expect(body).toEqual({
      customer_id: 'cus_1',
      as_of: clock.toISOString(),
      credit: [
        {
          currency: 'EUR',
          amount: 500,
          disputed: 0,
          sources: [{ source: 'grant/t3', amount: 500, disputed: false }],
        },
      ],
      refunding: [],
      subscriptions: [
        {
          subscription_id: subscriptionId,
          status: 'active',
          currency: 'EUR',
          receivable: 5,
          unearned: 500,
          credit: 70,
          credit_disputed: 0,
          credit_held: 30,
        },
      ],
    });
  });
});
