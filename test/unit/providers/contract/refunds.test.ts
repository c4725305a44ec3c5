/** What every adapter makes of a provider’s word about a refund. */
import { serverThat, stopServer } from '../answering-server';
import { sandboxWire } from './sandbox-wire';
import { stripeWire } from './stripe-wire';
import type { Reply, Wire } from './wire';

afterEach(stopServer);

const keys: unknown[] = [];

async function refunding(wire: Wire, reply: Reply) {
  const replies = wire.refundReplies(reply);
  keys.length = 0;
  const baseUrl = await serverThat((req, res) => {
    if (req.method === 'POST') keys.push(req.headers['idempotency-key']);
    const { status, body } = replies[req.method as 'GET' | 'POST'];
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  return wire.provider(baseUrl).refund(wire.refund, 10_000);
}

describe.each([sandboxWire, stripeWire])('$name', (wire) => {
  test.each(['succeeded', 'pending'] as const)('a refund that is %s', async (status) => {
    expect(await refunding(wire, wire.charged(wire.refunded(status)))).toEqual({
      status,
      provider_reference: wire.refundReference,
    });
    expect(keys).toEqual([wire.refund.idempotencyKey]);
  });

  test('a refund that failed names itself, and why', async () => {
    expect(await refunding(wire, wire.charged(wire.refunded('failed')))).toEqual({
      status: 'failed',
      provider_reference: wire.refundReference,
      reason: expect.stringMatching(/^\w+$/),
    });
  });

  test('a charge that cannot be refunded fails with the provider’s reason', async () => {
    expect(await refunding(wire, wire.refundRefused.reply)).toEqual({
      status: 'failed',
      provider_reference: null,
      reason: wire.refundRefused.reason,
    });
  });

  test.each([
    ['another amount', { amount: 501 }],
    ['another currency', { currency: 'usd' }],
    ['another charge', { charge_id: 'x', payment_intent: 'x' }],
    ['a state that does not exist', { status: 'perhaps' }],
  ])('%s is unknown', async (_what, more) => {
    const { status } = await refunding(wire, wire.charged(wire.refunded('succeeded', more)));

    expect(status).toBe('unknown');
  });

  test('the same key with other parameters, or too many requests, are unknown', async () => {
    for (const reply of [wire.keyWithOtherParameters, wire.rateLimited]) {
      expect((await refunding(wire, reply)).status).toBe('unknown');
    }
  });
});
