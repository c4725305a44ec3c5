/** What each token of the sandbox provider does, and what its ledger then says. */
import { useSandbox, type ErrorBody } from './running-sandbox';

let now = new Date('2027-03-01T09:00:00.000Z');
let slept: number[] = [];

const sandbox = useSandbox({
  now: () => now,
  // Waiting is recorded, and over at once.
  sleep: async (durationMs) => void slept.push(durationMs),
});
beforeEach(async () => {
  now = new Date('2027-03-01T09:00:00.000Z');
  slept = [];
  await sandbox.control({ latency_ms: 0, failure_rate: 0, pending_ms: 2000, hold_answers: false });
});

/** Statuses of charges made one after the other with one token. */
async function statusesOf(token: string, count: number): Promise<string[]> {
  const statuses: string[] = [];
  for (let number = 1; number <= count; number += 1) {
    statuses.push((await sandbox.charge(`${token}/${number}`, token)).body.status);
  }
  return statuses;
}

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
    await expect(sandbox.charge('lost/1', 'tok_lost_answer_ok')).rejects.toThrow('fetch failed');

    expect((await sandbox.charge('lost/1', 'tok_lost_answer_ok')).body.status).toBe('succeeded');
    expect(await sandbox.charges('idempotency_key=lost/1')).toHaveLength(1);
  });

  test('tok_lost_answers_ok never answers', async () => {
    for (const _ of [1, 2, 3]) {
      await expect(sandbox.charge('lost/2', 'tok_lost_answers_ok')).rejects.toThrow('fetch failed');
    }

    expect(await sandbox.charges('idempotency_key=lost/2')).toHaveLength(1);
  });

  test('tok_lost_request never charges', async () => {
    for (const _ of [1, 2])
      await expect(sandbox.charge('lost/3', 'tok_lost_request')).rejects.toThrow('fetch failed');

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
