/** What every adapter makes of a provider’s answer about a charge that is not wanted any more. */
import { serverThat, stopServer } from '../answering-server';
import { sandboxWire } from './sandbox-wire';
import { stripeWire } from './stripe-wire';
import type { Reply, Wire } from './wire';

afterEach(stopServer);

const timeoutMs = 10_000;
const seen: { method: string | undefined; path: string; key: unknown }[] = [];

/** @param standing what a lookup finds */
async function cancelling(wire: Wire, reply: Reply, standing: readonly object[] = [], byKeyAlone = false) {
  seen.length = 0;
  const baseUrl = await serverThat(({ method, url = '', headers }, res) => {
    seen.push({ method, path: url.split('?')[0] ?? '', key: headers['idempotency-key'] });
    const { status, body } = method === 'GET' ? wire.found(standing) : reply;
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  const request = byKeyAlone ? { ...wire.cancel, providerReference: null } : wire.cancel;
  return wire.provider(baseUrl).cancel?.(request, timeoutMs);
}

describe.each([sandboxWire, stripeWire])('$name', (wire) => {
  const reference = { provider_reference: wire.takenReference };
  const cancelled = { status: 'cancelled', ...reference };
  const done: Reply = { status: 200, body: wire.cancelled.object };

  test('an open charge that is cancelled, by one request that names it', async () => {
    expect(await cancelling(wire, done)).toEqual(cancelled);
    expect(seen).toEqual([
      {
        method: 'POST',
        path: expect.stringMatching(new RegExp(`/${wire.takenReference}/cancel$`)),
        key: seen[0]?.key,
      },
    ]);
    // Under a key of the attempt Stripe would answer for ever with what the first call came to.
    expect(String(seen[0]?.key)).not.toContain(wire.cancel.idempotencyKey);
  });

  test('one whose name is not known is found by its key first', async () => {
    expect(await cancelling(wire, done, [wire.pending], true)).toEqual(cancelled);
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'POST']);
  });

  test('what the provider has no record of is not cancelled, and nothing is asked for', async () => {
    expect(await cancelling(wire, done, [], true)).toEqual({ status: 'not_found' });
    expect(seen.map(({ method }) => method)).toEqual(['GET']);
  });

  test('a charge that was taken meanwhile is completed', async () => {
    const refused = wire.cancelRefused(wire.taken());
    expect(await cancelling(wire, refused, [wire.taken()])).toEqual({ status: 'completed', ...reference });
  });

  test('a charge that was declined meanwhile has its failure', async () => {
    const [{ object, expected } = { object: {}, expected: null }] = wire.declines;
    const outcome = { status: 'failed', ...reference, failure: expected };
    expect(await cancelling(wire, wire.cancelRefused(object), [object])).toEqual(outcome);
  });

  test('a charge that the provider does not cancel stays what it is', async () => {
    const outcome = { status: 'not_cancellable', standing: { status: 'pending', ...reference } };
    expect(await cancelling(wire, wire.cancelRefused(wire.pending), [wire.pending])).toEqual(outcome);
  });

  test('another attempt’s charge, or another amount, settles nothing of this one', async () => {
    const other = wire.cancelRefused(wire.ofAnotherAttempt);
    expect(await cancelling(wire, other, [wire.ofAnotherAttempt])).toMatchObject({ status: 'unknown' });
    const more = wire.takenOf(1501, 'EUR');
    expect(await cancelling(wire, wire.cancelRefused(more), [more])).toMatchObject({
      status: 'unknown',
      reason: 'amount_mismatch',
      named: { amount: 1501, currency: 'EUR' },
    });
    expect(await cancelling(wire, { status: 200, body: wire.ofAnotherAttempt })).toMatchObject({
      status: 'unknown',
    });
  });

  test('too many requests are unknown', async () => {
    expect(await cancelling(wire, wire.rateLimited)).toEqual({ status: 'unknown', reason: 'rate_limited' });
  });

  test('a cancelled charge that is looked up later was not completed', async () => {
    const { object, expected } = wire.cancelled;
    const baseUrl = await serverThat((_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(JSON.stringify(wire.found([object]).body));
    });
    expect(await wire.provider(baseUrl).lookup(wire.lookup, timeoutMs)).toEqual({
      status: 'failed',
      ...reference,
      failure: expected,
    });
  });
});
