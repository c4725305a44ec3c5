/** What the sandbox adapter makes of the answers to a refund. */
import type { RefundRequest } from '../../../providers/port';
import { providerAnswering, providerThat, stopProvider, timeoutMs } from './answering-provider';

afterEach(stopProvider);

const request: RefundRequest = {
  idempotencyKey: 'pay_1/refund/rfd_1',
  providerReference: 'ch_1',
  amount: 400,
  currency: 'EUR',
  paymentId: 'pay_1',
};
const given = {
  id: 're_1',
  charge_id: 'ch_1',
  idempotency_key: 'pay_1/refund/rfd_1',
  amount: 400,
  currency: 'EUR',
  status: 'succeeded',
  created_at: '2027-03-01T09:00:00.000Z',
};
const refusal = (code: string) => ({ error: { code, message: 'No.' } });

test('names the charge and the amount, and sends the key', async () => {
  const asked: unknown[] = [];
  const provider = await providerThat((req, res) => {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part));
    req.on('end', () => {
      asked.push(
        req.method,
        req.url,
        req.headers['idempotency-key'],
        JSON.parse(String(Buffer.concat(parts))),
      );
      res.writeHead(201).end(JSON.stringify(given));
    });
  });
  expect(await provider.refund(request, timeoutMs)).toEqual({
    status: 'succeeded',
    provider_reference: 're_1',
  });
  expect(asked).toEqual(['POST', '/v1/refunds', 'pay_1/refund/rfd_1', { charge_id: 'ch_1', amount: 400 }]);
});

test.each<[string, number, unknown, object]>([
  ['pending', 201, { ...given, status: 'pending' }, { status: 'pending', provider_reference: 're_1' }],
  [
    'failed',
    201,
    { ...given, status: 'failed' },
    { status: 'failed', provider_reference: 're_1', reason: 'refund_failed' },
  ],
  [
    'a refusal for good',
    409,
    refusal('charge_not_refundable'),
    { status: 'failed', provider_reference: null, reason: 'charge_not_refundable' },
  ],
  ['another amount', 201, { ...given, amount: 401 }, { status: 'unknown', reason: 'unreadable_answer' }],
  [
    'another charge',
    201,
    { ...given, charge_id: 'ch_2' },
    { status: 'unknown', reason: 'unreadable_answer' },
  ],
  [
    'another currency',
    201,
    { ...given, currency: 'USD' },
    { status: 'unknown', reason: 'unreadable_answer' },
  ],
  [
    'another key',
    201,
    { ...given, idempotency_key: 'x' },
    { status: 'unknown', reason: 'unreadable_answer' },
  ],
  ['HTML', 200, '<html></html>', { status: 'unknown', reason: 'unreadable_answer' }],
  [
    'a key that was used otherwise',
    409,
    refusal('idempotency_key_reused'),
    { status: 'unknown', reason: 'idempotency_conflict' },
  ],
  ['not found', 404, refusal('not_found'), { status: 'unknown', reason: 'http_404' }],
  ['an error', 503, '', { status: 'unknown', reason: 'http_503' }],
  ['too many requests', 429, '', { status: 'unknown', reason: 'rate_limited' }],
])('%s', async (_what, httpStatus, body, outcome) => {
  const provider = await providerAnswering(httpStatus, body);
  expect(await provider.refund(request, timeoutMs)).toEqual(outcome);
});
