/** What the sandbox adapter makes of the answers to a lookup. */
import {
  lookupRequest,
  providerAnswering,
  providerThat,
  stopProvider,
  taken,
  timeoutMs,
} from './answering-provider';

afterEach(stopProvider);

describe('lookup', () => {
  test('asks by the key and tells the outcome', async () => {
    const paths: unknown[] = [];
    const provider = await providerThat((req, res) => {
      paths.push(req.method, req.url);
      res.end(JSON.stringify({ data: [taken], has_more: false }));
    });

    expect(await provider.lookup(lookupRequest, timeoutMs)).toEqual({
      status: 'completed',
      provider_reference: 'ch_1',
    });
    expect(paths).toEqual(['GET', '/v1/charges?idempotency_key=pay_1%2F2']);
  });

  test('only a well-formed empty list means that the charge does not exist', async () => {
    const provider = await providerAnswering(200, { data: [], has_more: false });

    expect(await provider.lookup(lookupRequest, timeoutMs)).toEqual({ status: 'not_found' });
  });

  test.each<[string, number, unknown, string]>([
    ['an empty page of a longer list', 200, { data: [], has_more: true }, 'unreadable_answer'],
    ['a list without has_more', 200, { data: [] }, 'unreadable_answer'],
    ['an empty object', 200, {}, 'unreadable_answer'],
    ['a bare empty list', 200, [], 'unreadable_answer'],
    ['HTML', 200, '<html></html>', 'unreadable_answer'],
    ['an empty list that says 404', 404, { data: [], has_more: false }, 'http_404'],
    ['two charges', 200, { data: [taken, taken], has_more: false }, 'unreadable_answer'],
    [
      'a charge of another key',
      200,
      { data: [{ ...taken, idempotency_key: 'x' }], has_more: false },
      'unreadable_answer',
    ],
    ['429', 429, '', 'rate_limited'],
    ['502', 502, '', 'http_502'],
  ])('%s is unknown', async (_what, httpStatus, body, reason) => {
    const provider = await providerAnswering(httpStatus, body);

    expect(await provider.lookup(lookupRequest, timeoutMs)).toEqual({ status: 'unknown', reason });
  });

  test.each([
    ['amount', { amount: 1 }],
    ['currency', { currency: 'USD' }],
  ])('another %s is unknown, and named for an operator', async (_what, more) => {
    const provider = await providerAnswering(200, { data: [{ ...taken, ...more }], has_more: false });
    const named = { amount: taken.amount, currency: taken.currency, provider_reference: taken.id, ...more };
    const mismatch = { status: 'unknown', reason: 'amount_mismatch', named };

    expect(await provider.lookup(lookupRequest, timeoutMs)).toEqual(mismatch);
  });

  test('no answer in time is unknown', async () => {
    const provider = await providerThat(() => undefined);

    expect(await provider.lookup(lookupRequest, 50)).toEqual({ status: 'unknown', reason: 'timeout' });
  });
});
