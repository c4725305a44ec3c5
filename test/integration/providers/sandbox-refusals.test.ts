/** What the sandbox provider refuses and how it says so, without repeating what was sent. */
import {
  dropDatabase,
  freshDatabaseUrl,
  startSandbox,
  useSandbox,
  withClient,
  type ErrorBody,
} from './running-sandbox';

const sandbox = useSandbox();

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
    ['an unknown path', 'GET', '/v1/payouts', undefined, {}, 404, 'not_found'],
  ])('%s is refused as such', async (_what, method, path, body, headers, httpStatus, code) => {
    const answer = await sandbox.ask<ErrorBody>(method, path, body, headers);

    expect([answer.httpStatus, answer.body.error.code]).toEqual([httpStatus, code]);
  });
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
