/** The sandbox provider over HTTP, on a real PostgreSQL: charges, lists, and its settings. */
import { eventually, useSandbox, type ChargeList, type ErrorBody } from './running-sandbox';

let random = 0.5;
let slept: number[] = [];

const sandbox = useSandbox({
  random: () => random,
  // Waiting is recorded, and over at once.
  sleep: async (durationMs) => void slept.push(durationMs),
});
beforeEach(async () => {
  random = 0.5;
  slept = [];
  await sandbox.control({ latency_ms: 0, failure_rate: 0, pending_ms: 2000, hold_answers: false });
});

describe('a charge', () => {
  test('is answered with everything that is known of it, and found again', async () => {
    const metadata = { payment_id: 'pay_a', attempt: 1, subscription_id: 'sub_a', customer_id: 'cus_a' };

    const { httpStatus, body } = await sandbox.charge('pay_a/1', 'tok_ok#a', { metadata });

    expect(httpStatus).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^ch_/),
      idempotency_key: 'pay_a/1',
      amount: 1500,
      currency: 'EUR',
      token: 'tok_ok#a',
      status: 'succeeded',
      failure: null,
      next_action: null,
      metadata,
      created_at: '2027-03-01T09:00:00.000Z',
    });
    expect((await sandbox.ask('GET', `/v1/charges/${body.id}`)).body).toEqual(body);
    expect(await sandbox.charges('idempotency_key=pay_a/1')).toEqual([body]);
    expect(await sandbox.charges('payment_id=pay_a')).toEqual([body]);
  });

  test('that is declined is 201, too, and in the ledger as failed', async () => {
    const { httpStatus, body } = await sandbox.charge('stolen/1', 'tok_stolen');

    expect(httpStatus).toBe(201);
    expect(body).toMatchObject({ status: 'failed', failure: { code: 'stolen_card' } });
    expect(await sandbox.charges('idempotency_key=stolen/1')).toEqual([body]);
  });

  test('of the largest amount keeps every unit', async () => {
    const { body } = await sandbox.charge('large/1', 'tok_ok', { amount: 999_999_999_999_999 });

    expect(body.amount).toBe(999_999_999_999_999);
    expect((await sandbox.charges('idempotency_key=large/1'))[0]?.amount).toBe(999_999_999_999_999);
  });
});

describe('lists', () => {
  test('go from new to old, page by page, without gap or repetition', async () => {
    const metadata = { payment_id: 'pay_pages' };
    for (const number of [1, 2, 3, 4, 5]) await sandbox.charge(`pages/${number}`, 'tok_ok', { metadata });

    const keys: string[] = [];
    let after = '';
    let page: ChargeList;
    do {
      const query = `payment_id=pay_pages&limit=2${after}`;
      page = (await sandbox.ask<ChargeList>('GET', `/v1/charges?${query}`)).body;
      keys.push(...page.data.map((charge) => charge.idempotency_key));
      after = `&starting_after=${page.data.at(-1)?.id}`;
    } while (page.has_more);

    expect(keys).toEqual(['pages/5', 'pages/4', 'pages/3', 'pages/2', 'pages/1']);
  });

  test('of a key that was never used are empty', async () => {
    expect((await sandbox.ask('GET', '/v1/charges?idempotency_key=never')).body).toEqual({
      data: [],
      has_more: false,
    });
  });
});

describe('control', () => {
  test('shows its settings, changes those that are named, refuses others by name', async () => {
    const defaults = {
      latency_ms: 0,
      failure_rate: 0,
      pending_ms: 2000,
      pending_refunds: false,
      refuse_cancels: false,
      smallest_charge: 1,
      charge_step: 1,
      hold_answers: false,
      hold_webhooks: false,
      duplicate_webhooks: 0,
      shuffle_webhooks: false,
    };
    expect((await sandbox.ask('GET', '/v1/control')).body).toEqual(defaults);
    expect((await sandbox.control({ latency_ms: 5 })).body).toEqual({ ...defaults, latency_ms: 5 });

    const { httpStatus, body } = await sandbox.ask<ErrorBody>('PATCH', '/v1/control', { latency: 5 });
    expect(httpStatus).toBe(422);
    expect(body.error.errors).toEqual([{ path: 'latency', message: 'is not a field of this request' }]);
    expect((await sandbox.control({ failure_rate: 1.1 })).httpStatus).toBe(422);
    expect((await sandbox.ask('GET', '/v1/control')).body).toMatchObject({ latency_ms: 5, failure_rate: 0 });
  });

  test('smallest_charge and charge_step refuse an amount, keep nothing of it, and answer a known key as before', async () => {
    await sandbox.charge('small/1', 'tok_ok', { amount: 20 });
    await sandbox.control({ smallest_charge: 50, charge_step: 10 });
    const small = await sandbox.charge<ErrorBody>('small/2', 'tok_ok', { amount: 40 });
    const odd = await sandbox.charge<ErrorBody>('small/3', 'tok_ok', { amount: 55 });
    expect([small.httpStatus, small.body.error.code]).toEqual([422, 'amount_too_small']);
    expect([odd.httpStatus, odd.body.error.code]).toEqual([422, 'invalid_charge_amount']);
    expect(await sandbox.chargeCode('small/1', 'tok_ok', { amount: 20 })).toBeUndefined();
    expect(await sandbox.chargeCode('small/4', 'tok_ok', { amount: 50 })).toBeUndefined();

    await sandbox.control({ smallest_charge: 1, charge_step: 1 });
    expect(await sandbox.charges('idempotency_key=small/2')).toEqual([]);
    expect(await sandbox.chargeCode('small/2', 'tok_ok', { amount: 40 })).toBeUndefined();
  });

  test('latency_ms delays charges, replays and lookups', async () => {
    await sandbox.control({ latency_ms: 70 });
    await sandbox.charge('latency/1', 'tok_ok');
    await sandbox.charge('latency/1', 'tok_ok');
    await sandbox.charges();

    expect(slept).toEqual([70, 70, 70]);
  });

  test('failure_rate is the share of requests that fail before anything is charged', async () => {
    await sandbox.control({ failure_rate: 0.3 });
    random = 0.29;
    expect((await sandbox.charge('failing/1', 'tok_ok')).httpStatus).toBe(500);
    expect((await sandbox.ask('GET', '/v1/charges')).httpStatus).toBe(500);
    random = 0.3;
    expect(await sandbox.charges('idempotency_key=failing/1')).toEqual([]);
    expect((await sandbox.charge('failing/1', 'tok_ok')).httpStatus).toBe(201);
  });

  test('hold_answers keeps answers back while the money is taken', async () => {
    await sandbox.control({ hold_answers: true });
    let isAnswered = false;
    const answer = sandbox.charge('held/1', 'tok_ok').finally(() => (isAnswered = true));

    await eventually(
      () => sandbox.charges('idempotency_key=held/1'),
      ({ length }) => length === 1,
    );
    const repeat = sandbox.charge('held/1', 'tok_ok');
    expect(isAnswered).toBe(false);

    await sandbox.control({ hold_answers: false });
    expect((await answer).body.status).toBe('succeeded');
    expect((await repeat).body).toEqual((await answer).body);
  });
});

test('healthz is ok while the database answers', async () => {
  const answer = await sandbox.ask('GET', '/healthz');

  expect([answer.httpStatus, answer.body]).toEqual([200, { status: 'ok' }]);
});
