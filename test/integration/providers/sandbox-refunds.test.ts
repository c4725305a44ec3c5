/** Refunds at the sandbox provider: once for a key, never more than was taken. */
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import type { Refund } from '../../../providers/sandbox/refund';
import { useSandbox, type ErrorBody } from './running-sandbox';

const sandbox = useSandbox();
afterEach(() => sandbox.control({ failure_rate: 0 }));

async function charged(key: string, token = 'tok_ok'): Promise<string> {
  return (await sandbox.charge(key, token)).body.id;
}
const refund = <T = Refund>(key: string, body: object) =>
  sandbox.ask<T>('POST', '/v1/refunds', body, { 'idempotency-key': key });
const given = async (chargeId: string) =>
  (await sandbox.ask<{ data: Refund[] }>('GET', `/v1/refunds?charge_id=${chargeId}`)).body.data;

test('a part, then all that is left; the charge tells of both, newest first', async () => {
  const charge_id = await charged('refunds/parts');
  expect(await refund('parts/1', { charge_id, amount: 400 })).toMatchObject({
    httpStatus: 201,
    body: { charge_id, amount: 400, currency: 'EUR', status: 'succeeded' },
  });
  await refund('parts/2', { charge_id });
  expect((await given(charge_id)).map(({ amount }) => amount)).toEqual([1100, 400]);
});

test('the same key gives the first refund for ever, twenty times at once too', async () => {
  const charge_id = await charged('refunds/same-key');
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => refund('same-key', { charge_id, amount: 100 })),
  );
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect(await given(charge_id)).toHaveLength(1);
});

test('never more than was taken, whoever asks at the same time', async () => {
  const charge_id = await charged('refunds/race');
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => refund(`race/${n}`, { charge_id, amount: 400 })),
  );
  expect(answers.filter(({ httpStatus }) => httpStatus === 201)).toHaveLength(3);
  expect(answers.filter(({ httpStatus }) => httpStatus === 409)).toHaveLength(7);
});

test.each([
  ['a declined charge', 'tok_do_not_honor', {}, 409, 'charge_not_refundable'],
  ['more than was taken', 'tok_ok', { amount: 1501 }, 409, 'charge_not_refundable'],
  ['an amount of 0', 'tok_ok', { amount: 0 }, 422, 'validation_failed'],
  ['an unknown field', 'tok_ok', { reason: 'x' }, 422, 'validation_failed'],
  ['an unknown charge', 'tok_ok', { charge_id: 'ch_none' }, 404, 'not_found'],
])('%s is refused', async (what, token, more, httpStatus, code) => {
  const key = what.replaceAll(' ', '-');
  const charge_id = await charged(`refunds/${key}`, token);
  const answer = await refund<ErrorBody>(`refused/${key}`, { charge_id, ...more });
  expect([answer.httpStatus, answer.body.error.code]).toEqual([httpStatus, code]);
});

test('the same key with another amount or charge is refused', async () => {
  const charge_id = await charged('refunds/reused');
  await refund('reused', { charge_id, amount: 100 });
  for (const body of [
    { charge_id, amount: 200 },
    { charge_id: await charged('refunds/other'), amount: 100 },
  ]) {
    const answer = await refund<ErrorBody>('reused', body);
    expect([answer.httpStatus, answer.body.error.code]).toEqual([409, 'idempotency_key_reused']);
  }
});

test('the adapter: refunded, refused for good, and unknown while the provider fails', async () => {
  const provider = sandboxProvider({ baseUrl: sandbox.baseUrl });
  const providerReference = await charged('refunds/adapter');
  const request = {
    idempotencyKey: 'adapter/1',
    providerReference,
    amount: 1500,
    currency: 'EUR',
    paymentId: 'p',
  };
  await sandbox.control({ failure_rate: 1 });
  expect(await provider.refund(request, 5_000)).toEqual({ status: 'unknown', reason: 'http_500' });
  await sandbox.control({ failure_rate: 0 });
  expect(await provider.refund(request, 5_000)).toMatchObject({ status: 'succeeded' });
  expect(await provider.refund(request, 5_000)).toMatchObject({ status: 'succeeded' });
  const another = { ...request, idempotencyKey: 'adapter/2' };
  expect(await provider.refund(another, 5_000)).toMatchObject({ reason: 'charge_not_refundable' });
  expect(await given(providerReference)).toHaveLength(1);
});

test('the adapter says how a refund stands that failed after it had succeeded', async () => {
  const provider = sandboxProvider({ baseUrl: sandbox.baseUrl });
  const providerReference = await charged('refunds/late');
  const more = { idempotencyKey: 'late/1', amount: 1500, currency: 'EUR', paymentId: 'p' };
  const request = { ...more, providerReference };
  expect(await provider.refund(request, 5_000)).toMatchObject({ status: 'succeeded' });
  const [{ id } = { id: '' }] = await given(providerReference);
  await sandbox.ask('POST', `/v1/refunds/${id}`, { status: 'failed' });
  const failed = { status: 'failed', provider_reference: id, reason: 'refund_failed' };
  expect(await provider.refund(request, 5_000)).toEqual(failed);
});
