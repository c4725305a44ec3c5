/** The sandbox provider over HTTP, on a real PostgreSQL: what it answers, and what its ledger then says. */
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import {
  dropDatabase,
  eventually,
  freshDatabaseUrl,
  startSandbox,
  withClient,
  type ChargeList,
  type ErrorBody,
  type RunningSandbox,
} from './running-sandbox';

const databaseUrl = freshDatabaseUrl();
let sandbox: RunningSandbox;
let now = new Date('2027-03-01T09:00:00.000Z');
let slept: number[] = [];
let random = 0.5;

beforeAll(async () => {
  sandbox = await startSandbox(databaseUrl, {
    now: () => now,
    random: () => random,
    // Waiting is recorded, and over at once.
    sleep: async (durationMs) => void slept.push(durationMs),
  });
});
beforeEach(async () => {
  now = new Date('2027-03-01T09:00:00.000Z');
  slept = [];
  random = 0.5;
  await sandbox.control({ latency_ms: 0, failure_rate: 0, pending_ms: 2000, hold_answers: false });
});
afterAll(async () => {
  await sandbox?.stop();
  await dropDatabase(databaseUrl);
});

/** Statuses of charges made one after the other with one token. */
async function statusesOf(token: string, count: number): Promise<string[]> {
  const statuses: string[] = [];
  for (let number = 1; number <= count; number += 1) {
    statuses.push((await sandbox.charge(`${token}/${number}`, token)).body.status);
  }
  return statuses;
}

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

describe('tokens', () => {
  test('tok_fail_2_then_ok counts charges for the whole token, not technical repeats', async () => {
    expect(await statusesOf('tok_fail_2_then_ok#x', 4)).toEqual([
      'failed',
      'failed',
      'succeeded',
      'succeeded',
    ]);
    expect(await statusesOf('tok_fail_2_then_ok#x', 4)).toEqual([
      'failed',
      'failed',
      'succeeded',
      'succeeded',
    ]);
    expect(await statusesOf('tok_fail_2_then_ok#y', 1)).toEqual(['failed']);
  });

  test('tok_fail_N_then_ok declines exactly N of many at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => sandbox.charge(`at-once/${i}`, 'tok_fail_7_then_ok')),
    );

    expect(answers.filter(({ body }) => body.status === 'failed')).toHaveLength(7);
  });

  test('tok_ok_then_fail_2 takes, declines twice, takes again', async () => {
    expect(await statusesOf('tok_ok_then_fail_2', 5)).toEqual([
      'succeeded',
      'failed',
      'failed',
      'succeeded',
      'succeeded',
    ]);
  });

  test.each(['tok_lost_answer_ok', 'tok_lost_answers_ok'])(
    '%s takes the money once and cuts the connection',
    async (token) => {
      await expect(sandbox.charge(`${token}/1`, token)).rejects.toThrow('fetch failed');

      expect(await sandbox.charges(`idempotency_key=${token}/1`)).toMatchObject([{ status: 'succeeded' }]);
    },
  );

  test('tok_lost_answer_ok gives the kept answer to the same key', async () => {
    await expect(sandbox.charge('lost/1', 'tok_lost_answer_ok')).rejects.toThrow();

    expect((await sandbox.charge('lost/1', 'tok_lost_answer_ok')).body.status).toBe('succeeded');
    expect(await sandbox.charges('idempotency_key=lost/1')).toHaveLength(1);
  });

  test('tok_lost_answers_ok never answers', async () => {
    for (const _ of [1, 2, 3]) {
      await expect(sandbox.charge('lost/2', 'tok_lost_answers_ok')).rejects.toThrow();
    }

    expect(await sandbox.charges('idempotency_key=lost/2')).toHaveLength(1);
  });

  test('tok_lost_request never charges', async () => {
    for (const _ of [1, 2]) await expect(sandbox.charge('lost/3', 'tok_lost_request')).rejects.toThrow();

    expect(await sandbox.charges('idempotency_key=lost/3')).toEqual([]);
  });

  test.each([
    ['tok_http_500_then_ok', 500, 'internal'],
    ['tok_rate_limited_then_ok', 429, 'rate_limited'],
  ])('%s refuses the first request only, and keeps nothing of it', async (token, httpStatus, code) => {
    const first = await sandbox.charge<ErrorBody>(`${token}/1`, token);
    expect([first.httpStatus, first.body.error.code]).toEqual([httpStatus, code]);
    expect(first.headers.has('retry-after')).toBe(httpStatus === 429);
    expect(await sandbox.charges(`idempotency_key=${token}/1`)).toEqual([]);

    expect((await sandbox.charge(`${token}/1`, token)).body.status).toBe('succeeded');
    expect((await sandbox.charge(`${token}/2`, token)).body.status).toBe('succeeded');
  });

  test('tok_slow_ok answers after 30 s', async () => {
    expect((await sandbox.charge('slow/1', 'tok_slow_ok')).body.status).toBe('succeeded');
    expect(slept).toEqual([30_000]);
  });

  test('tok_wrong_amount takes another amount than was asked', async () => {
    expect((await sandbox.charge('wrong/1', 'tok_wrong_amount')).body.amount).toBe(1501);
    expect((await sandbox.charge('wrong/1', 'tok_wrong_amount')).body.amount).toBe(1501);
    expect(await sandbox.charges('idempotency_key=wrong/1')).toMatchObject([{ amount: 1501 }]);
  });

  test.each([
    ['tok_pending_then_ok', 'succeeded', null],
    ['tok_pending_then_fail', 'failed', 'insufficient_funds'],
  ])('%s is pending for pending_ms, then a lookup tells', async (token, status, code) => {
    await sandbox.control({ pending_ms: 5000 });
    const { body } = await sandbox.charge(`${token}/1`, token);
    expect(body.status).toBe('pending');

    now = new Date('2027-03-01T09:00:04.999Z');
    expect(await sandbox.charges(`idempotency_key=${token}/1`)).toMatchObject([{ status: 'pending' }]);

    now = new Date('2027-03-01T09:00:05.000Z');
    const [settled] = await sandbox.charges(`idempotency_key=${token}/1`);
    expect(settled?.status).toBe(status);
    expect(settled?.failure?.code ?? null).toBe(code);
    expect((await sandbox.ask('GET', `/v1/charges/${body.id}`)).body).toEqual(settled);
    // The first answer is kept, whatever became of the charge.
    expect((await sandbox.charge(`${token}/1`, token)).body).toEqual(body);
  });

  test('a token that does not exist is 422 with those that do, and not repeated', async () => {
    const { httpStatus, body } = await sandbox.charge<ErrorBody & { error: { known_tokens: string[] } }>(
      'typo/1',
      'tok_typo_by_hand',
    );

    expect([httpStatus, body.error.code]).toEqual([422, 'unknown_token']);
    expect(body.error.known_tokens).toEqual(expect.arrayContaining(['tok_ok', 'tok_fail_N_then_ok']));
    expect(JSON.stringify(body)).not.toContain('typo_by_hand');
  });
});

describe('authentication', () => {
  const token = 'tok_authentication_required';
  const onSession = { off_session: false };

  test.each([
    [true, 'succeeded', null],
    [false, 'failed', 'authentication_failed'],
  ])(
    'of a customer who is there is asked for; succeed: %s settles it once',
    async (succeed, status, code) => {
      const { body } = await sandbox.charge(`auth/${succeed}`, token, onSession);
      expect(body).toMatchObject({
        status: 'requires_action',
        next_action: { type: 'redirect', url: `${sandbox.baseUrl}/v1/charges/${body.id}/authenticate` },
      });

      const path = `/v1/charges/${body.id}/authenticate`;
      const settled = await sandbox.ask<typeof body>('POST', path, { succeed });
      expect(settled.httpStatus).toBe(200);
      expect(settled.body).toMatchObject({ status, next_action: null });
      expect(settled.body.failure?.code ?? null).toBe(code);

      const again = await sandbox.ask<ErrorBody>('POST', path, { succeed: !succeed });
      expect([again.httpStatus, again.body.error.code]).toEqual([409, 'charge_not_awaiting_customer']);
      expect((await sandbox.ask('GET', `/v1/charges/${body.id}`)).body).toEqual(settled.body);
    },
  );

  test('of a customer who is absent is a decline', async () => {
    expect((await sandbox.charge('auth/absent', token)).body).toMatchObject({
      status: 'failed',
      failure: { code: 'authentication_required' },
    });
  });

  test('of a charge that does not exist is 404', async () => {
    const path = '/v1/charges/ch_none/authenticate';
    expect((await sandbox.ask('POST', path, { succeed: true })).httpStatus).toBe(404);
  });
});

describe('control', () => {
  test('shows its settings, changes those that are named, refuses others by name', async () => {
    const defaults = { latency_ms: 0, failure_rate: 0, pending_ms: 2000, hold_answers: false };
    expect((await sandbox.ask('GET', '/v1/control')).body).toEqual(defaults);
    expect((await sandbox.control({ latency_ms: 5 })).body).toEqual({ ...defaults, latency_ms: 5 });

    const { httpStatus, body } = await sandbox.ask<ErrorBody>('PATCH', '/v1/control', { latency: 5 });
    expect(httpStatus).toBe(422);
    expect(body.error.errors).toEqual([{ path: 'latency', message: 'is not a field of this request' }]);
    expect((await sandbox.control({ failure_rate: 1.1 })).httpStatus).toBe(422);
    expect((await sandbox.ask('GET', '/v1/control')).body).toMatchObject({ latency_ms: 5, failure_rate: 0 });
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

describe('refusals', () => {
  const valid = { amount: 1500, currency: 'EUR', token: 'tok_ok' };
  test.each<[string, unknown, string]>([
    ['an unknown field', { ...valid, amonut: 1 }, 'amonut'],
    ['an unknown field of metadata', { ...valid, metadata: { order: '1' } }, 'metadata.order'],
    ['an amount of 0', { ...valid, amount: 0 }, 'amount'],
    ['a fraction', { ...valid, amount: 15.5 }, 'amount'],
    ['an amount as text', { ...valid, amount: '1500' }, 'amount'],
    ['too large an amount', { ...valid, amount: 1_000_000_000_000_000 }, 'amount'],
    ['a currency in small letters', { ...valid, currency: 'eur' }, 'currency'],
    ['no token', { amount: 1500, currency: 'EUR' }, 'token'],
    ['a NUL', { ...valid, metadata: { payment_id: 'a\u0000' } }, 'metadata.payment_id'],
    ['a list', [], ''],
  ])('%s is 422 and names the field', async (_what, body, path) => {
    const answer = await sandbox.ask<ErrorBody>('POST', '/v1/charges', body, { 'idempotency-key': 'bad' });

    expect([answer.httpStatus, answer.body.error.code]).toEqual([422, 'validation_failed']);
    expect(answer.body.error.errors?.map((error) => error.path)).toEqual([path]);
    expect(answer.body.error.message).toContain(path || 'the body');
  });

  test.each<[string, string, string, unknown, object, number, string]>([
    ['no Idempotency-Key', 'POST', '/v1/charges', valid, {}, 400, 'idempotency_key_required'],
    [
      'an empty Idempotency-Key',
      'POST',
      '/v1/charges',
      valid,
      { 'idempotency-key': '' },
      422,
      'validation_failed',
    ],
    [
      'a body that is not JSON',
      'POST',
      '/v1/charges',
      '{',
      { 'idempotency-key': 'bad' },
      400,
      'malformed_request',
    ],
    [
      'another media type',
      'PATCH',
      '/v1/control',
      'a=1',
      { 'content-type': 'text/plain' },
      415,
      'unsupported_media_type',
    ],
    ['too large a body', 'PATCH', '/v1/control', { x: 'y'.repeat(20_000) }, {}, 413, 'body_too_large'],
    ['an unknown filter', 'GET', '/v1/charges?payment=1', undefined, {}, 422, 'validation_failed'],
    ['a filter given twice', 'GET', '/v1/charges?limit=1&limit=2', undefined, {}, 422, 'validation_failed'],
    ['a limit of 0', 'GET', '/v1/charges?limit=0', undefined, {}, 422, 'validation_failed'],
    ['a NUL in a filter', 'GET', '/v1/charges?payment_id=%00', undefined, {}, 422, 'validation_failed'],
    ['an unknown cursor', 'GET', '/v1/charges?starting_after=ch_x', undefined, {}, 422, 'validation_failed'],
    ['an unknown charge', 'GET', '/v1/charges/ch_none', undefined, {}, 404, 'not_found'],
    ['a NUL in an id', 'GET', '/v1/charges/%00', undefined, {}, 404, 'not_found'],
    ['a malformed path', 'GET', '/v1/charges/%', undefined, {}, 400, 'malformed_request'],
    ['an unknown path', 'GET', '/v1/refunds', undefined, {}, 404, 'not_found'],
  ])('%s is refused as such', async (_what, method, path, body, headers, httpStatus, code) => {
    const answer = await sandbox.ask<ErrorBody>(method, path, body, headers);

    expect([answer.httpStatus, answer.body.error.code]).toEqual([httpStatus, code]);
  });
});

test('healthz is ok while the database answers', async () => {
  const answer = await sandbox.ask('GET', '/healthz');

  expect([answer.httpStatus, answer.body]).toEqual([200, { status: 'ok' }]);
});

describe('without its tables', () => {
  const brokenUrl = freshDatabaseUrl();
  afterAll(() => dropDatabase(brokenUrl));

  test('a charge is 500, and neither answer nor log says what was in it', async () => {
    const broken = await startSandbox(brokenUrl);
    try {
      await withClient(brokenUrl, (client) =>
        client.query('ALTER TABLE charges ADD CHECK (token <> $$tok_ok#confidential$$)'),
      );
      const metadata = { customer_id: 'cus_confidential' };
      const answer = await broken.charge<ErrorBody>('broken/1', 'tok_ok#confidential', { metadata });

      expect([answer.httpStatus, answer.body.error.code]).toEqual([500, 'internal']);
      expect(broken.logged).toMatchObject([{ message: 'request failed', error: { code: '23514' } }]);
      expect(JSON.stringify([broken.logged, answer.body])).not.toContain('confidential');
    } finally {
      await broken.stop();
    }
  });
});

describe('through the adapter', () => {
  const chargeOf = (token: string, key: string, offSession = true) => ({
    idempotencyKey: key,
    amount: 1500,
    currency: 'EUR',
    token,
    offSession,
    paymentId: 'pay_adapter',
    attempt: 1,
    subscriptionId: 'sub_1',
    customerId: 'cus_1',
  });
  const ask = async (token: string, offSession = true) => {
    const provider = sandboxProvider({ baseUrl: sandbox.baseUrl });
    const request = chargeOf(token, `adapter/${token}/${offSession}`, offSession);
    const charged = await provider.charge(request, 5000);
    const found = await provider.lookup({ ...request, startedAt: now.toISOString() }, 5000);
    return [charged, found].map((outcome) => {
      if (outcome.status === 'unknown') return outcome.reason;
      return outcome.status === 'failed' ? outcome.failure.code : outcome.status;
    });
  };

  test.each([
    ['tok_ok', true, 'completed', 'completed'],
    ['tok_insufficient_funds', true, 'insufficient_funds', 'insufficient_funds'],
    ['tok_do_not_honor', true, 'do_not_honor', 'do_not_honor'],
    ['tok_expired_card', true, 'expired_card', 'expired_card'],
    ['tok_stolen', true, 'stolen_or_lost', 'stolen_or_lost'],
    ['tok_processing_error', true, 'processing_error', 'processing_error'],
    ['tok_authentication_required', true, 'authentication_required', 'authentication_required'],
    ['tok_authentication_required', false, 'requires_action', 'requires_action'],
    ['tok_pending_then_ok', true, 'pending', 'pending'],
    ['tok_lost_answer_ok', true, 'connection_lost', 'completed'],
    ['tok_lost_answers_ok', true, 'connection_lost', 'completed'],
    ['tok_lost_request', true, 'connection_lost', 'not_found'],
    ['tok_http_500_then_ok#adapter', true, 'http_500', 'not_found'],
    ['tok_rate_limited_then_ok#adapter', true, 'rate_limited', 'not_found'],
    ['tok_wrong_amount', true, 'amount_mismatch', 'amount_mismatch'],
    ['tok_unheard_of', true, 'invalid_payment_method', 'not_found'],
  ])('%s (off session: %s) is %s, then looked up %s', async (token, offSession, charged, found) => {
    expect(await ask(token, offSession)).toEqual([charged, found]);
  });

  test('the same key with other parameters is an idempotency conflict', async () => {
    const provider = sandboxProvider({ baseUrl: sandbox.baseUrl });
    await provider.charge(chargeOf('tok_ok', 'adapter/conflict'), 5000);

    const other = { ...chargeOf('tok_ok', 'adapter/conflict'), amount: 1 };
    expect(await provider.charge(other, 5000)).toEqual({ status: 'unknown', reason: 'idempotency_conflict' });
  });
});
