/** What every adapter makes of a provider’s word about a charge, when charging and when looking it up. */
import {
  declineCodes,
  hardDeclines,
  isAmountFault,
  softDeclines,
  type AttemptOutcome,
} from '../../../../domain/payment/payment';
import { serverThat, stopServer } from '../answering-server';
import { sandboxWire } from './sandbox-wire';
import { stripeWire } from './stripe-wire';
import type { Reply, Wire } from './wire';

afterEach(stopServer);

const timeoutMs = 10_000;

async function providerReplying(wire: Wire, { status, body }: Reply) {
  const baseUrl = await serverThat((_req, res) => {
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  return wire.provider(baseUrl);
}

const charging = async (wire: Wire, reply: Reply) =>
  (await providerReplying(wire, reply)).charge(wire.charge, timeoutMs);
const lookingUp = async (wire: Wire, reply: Reply) =>
  (await providerReplying(wire, reply)).lookup(wire.lookup, timeoutMs);
/** The same object, as the answer to a charge and as the one that a lookup finds. */
const bothWays = async (wire: Wire, object: object) => [
  await charging(wire, wire.charged(object)),
  await lookingUp(wire, wire.found([object])),
];
const twice = (outcome: AttemptOutcome) => [outcome, outcome];

describe.each([sandboxWire, stripeWire])('$name', (wire) => {
  const reference = { provider_reference: wire.takenReference };

  test('the money was taken', async () => {
    expect(await bothWays(wire, wire.taken())).toEqual(twice({ status: 'completed', ...reference }));
  });

  test('pending and requires_action stay open, with what the customer has to do', async () => {
    expect(await bothWays(wire, wire.pending)).toEqual(twice({ status: 'pending', ...reference }));

    const { object, expected } = wire.requiresAction;
    const asked: AttemptOutcome = { status: 'requires_action', ...reference, next_action: expected };
    expect(await bothWays(wire, object)).toEqual(twice(asked));
  });

  test.each(wire.declines.map((each) => [each.expected.provider_code, each.expected.code, each] as const))(
    'a decline as %s is %s',
    async (_providerCode, _code, { reply, object, expected }) => {
      const outcome = { status: 'failed', ...reference, failure: expected };
      expect(await charging(wire, reply)).toEqual(outcome);
      expect(await lookingUp(wire, wire.found([object]))).toEqual(outcome);
    },
  );

  test('declines of every category are among these', () => {
    const reported = new Set(wire.declines.map(({ expected }) => expected.category));
    for (const category of ['soft', 'hard', 'authentication_required']) expect(reported).toContain(category);
    for (const code of wire.declineCodes) expect(declineCodes).toContain(code);
  });

  test('a payment method that the provider does not know is hard', async () => {
    expect(await charging(wire, wire.unknownToken)).toEqual({
      status: 'failed',
      provider_reference: null,
      failure: expect.objectContaining({ category: 'hard', code: 'invalid_payment_method' }),
    });
  });

  test('an amount that the provider refuses is no decline of the payment method', async () => {
    const { reply, providerCode } = wire.amountRefused;
    const outcome = await charging(wire, reply);
    expect(outcome).toMatchObject({
      status: 'failed',
      provider_reference: null,
      failure: { category: 'soft', code: 'processing_error', provider_code: providerCode },
    });
    expect(outcome.status === 'failed' && isAmountFault(outcome.failure)).toBe(true);
  });

  test('another amount or currency is a mismatch, never a success, and says what was charged', async () => {
    for (const [amount, currency] of [
      [1501, 'EUR'],
      [150_000, 'EUR'],
      [1500, 'USD'],
      [0, 'EUR'],
    ] as const) {
      const named = { amount, currency, provider_reference: expect.any(String) as string };
      const mismatch: AttemptOutcome = { status: 'unknown', reason: 'amount_mismatch', named };
      expect(await bothWays(wire, wire.takenOf(amount, currency))).toEqual(twice(mismatch));
    }
  });

  test('a charge of another attempt says nothing about this one', async () => {
    expect(await charging(wire, wire.charged(wire.ofAnotherAttempt))).toEqual({
      status: 'unknown',
      reason: 'unreadable_answer',
    });
  });

  test.each<[string, object]>([
    ['a state that does not exist', { status: 'perhaps' }],
    ['an amount as text', { amount: '1500' }],
    ['an amount with a fraction', { amount: 1500.5 }],
    ['no id', { id: null }],
    ['no metadata', { metadata: null }],
  ])('%s is unknown', async (_what, more) => {
    const unreadable: AttemptOutcome = { status: 'unknown', reason: 'unreadable_answer' };
    expect(await bothWays(wire, wire.taken(more))).toEqual(twice(unreadable));
  });

  test('the same key in progress, with other parameters, or too many requests are unknown', async () => {
    const reasons = [];
    for (const reply of [wire.sameKeyInProgress, wire.keyWithOtherParameters, wire.rateLimited]) {
      reasons.push(await charging(wire, reply));
    }
    expect(reasons).toEqual(
      ['in_progress', 'idempotency_conflict', 'rate_limited'].map((reason) => ({
        status: 'unknown',
        reason,
      })),
    );
  });

  test('only a whole, well-formed, empty list means that there is no charge', async () => {
    expect(await lookingUp(wire, wire.found([]))).toEqual({ status: 'not_found' });

    for (const reply of [
      wire.found([], true),
      { status: 200, body: { data: [] } },
      { status: 200, body: { has_more: false } },
      { status: 200, body: [] },
      wire.found([{ ...wire.taken(), id: 7 }]),
    ]) {
      expect(await lookingUp(wire, reply)).toEqual({ status: 'unknown', reason: 'unreadable_answer' });
    }
    expect(await lookingUp(wire, { ...wire.found([]), status: 404 })).toEqual({
      status: 'unknown',
      reason: 'http_404',
    });
  });

  test('two charges of one key are more than a lookup can tell', async () => {
    expect(await lookingUp(wire, wire.found([wire.taken(), wire.taken()]))).toEqual({
      status: 'unknown',
      reason: 'unreadable_answer',
    });
  });
});

test('Stripe can tell every decline of the table', () => {
  expect([...stripeWire.declineCodes].sort()).toEqual([...declineCodes].sort());
  expect([...softDeclines, ...hardDeclines]).toHaveLength(declineCodes.length - 2);
});
