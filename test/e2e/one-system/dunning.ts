/**
 * Failed renewals on the whole system, by test clock: sixty days that many subscriptions live through at once, each
 * with another reason, policy, or word from outside; and operators who press retry.
 */
import { randomUUID } from 'node:crypto';
import type { Answer, Json, TestSystem } from '../../support/system';
import { Dunning, type Announced, type Dunned, type Failing } from '../../support/dunning';
import { theSystem } from './system';
import { eventually } from '../../support/eventually';

/** A hundred workflows take their time. */
const slowly = { timeoutMs: 120_000, everyMs: 200 };

const began = '2031-01-01T12:00:00.000Z';
const failedAt = '2031-02-01T12:00:00.000Z';
/** After the first automatic attempt of most policies. */
const inTheMiddle = '2031-02-03T00:00:00.000Z';
const justBeforeTheEnd = '2031-02-15T11:59:59.999Z';
const endOfGrace = '2031-02-15T12:00:00.000Z';
const afterSixtyDays = '2031-04-02T12:00:00.000Z';

const policy = (more: Json = {}): Json => ({
  ladder: [{ after: 'P3D' }, { after: 'P5D' }],
  grace_days: 14,
  final_action: 'expire',
  ...more,
});
const policies: Record<string, Json> = {
  expiring: policy(),
  cancelling: policy({ final_action: 'cancel' }),
  pausing: policy({ final_action: 'pause' }),
  leaving: policy({ final_action: 'leave_past_due' }),
  // Of four rungs the budget leaves room for the first two on their days.
  tight: policy({
    ladder: ['P1D', 'P2D', 'P3D', 'P4D'].map((after) => ({ after })),
    budgets: { visa: { attempts: 3, days: 5 } },
  }),
};

/** What a final action leaves: the subscription, its payment, and the word on subscriptions.updated. */
const ends = {
  expired: ['expired', 'uncollectible', ['past_due'], ['expired']],
  cancelled: ['cancelled', 'uncollectible', ['past_due']],
  paused: ['paused', 'uncollectible', ['past_due'], ['paused']],
  left: ['past_due', 'failed', ['past_due']],
};

interface Reason extends Required<Omit<Failing, 'brand'>> {
  brand?: string;
  code: string;
  end: keyof typeof ends;
}
const shipped = (code: string, token: string): Reason => ({ code, token, policy: 'default', end: 'expired' });
const declined = { code: 'do_not_honor', token: 'tok_do_not_honor' };
const reasons: readonly Reason[] = [
  shipped('insufficient_funds', 'tok_insufficient_funds'),
  shipped('do_not_honor', 'tok_do_not_honor'),
  shipped('processing_error', 'tok_processing_error'),
  shipped('expired_card', 'tok_expired_card'),
  shipped('stolen_or_lost', 'tok_stolen'),
  shipped('authentication_required', 'tok_authentication_required'),
  { ...declined, policy: 'tight', brand: 'visa', end: 'expired' },
  { ...declined, policy: 'expiring', end: 'expired' },
  { ...declined, policy: 'cancelling', end: 'cancelled' },
  { ...declined, policy: 'pausing', end: 'paused' },
  { ...declined, policy: 'leaving', end: 'left' },
];

interface Life {
  dunned: Dunned;
  entries: Announced[];
  /** The subscription's status just before the end of grace, and at it. */
  before: unknown;
  at: unknown;
}

let its: TestSystem;
let dunning: Dunning;
beforeAll(() => {
  its = theSystem();
  dunning = new Dunning(its);
});

describe('sixty days', () => {
  /** Each reason's subscription, with what was announced right after the first failure. */
  const lived = new Map<Reason, Life>();
  const reported = new Map<'recovers' | 'cancelled' | 'bare' | 'late' | 'renewed', Dunned>();
  const the = (name: Parameters<typeof reported.get>[0]) => reported.get(name) as Dunned;

  beforeAll(async () => {
    for (const [id, document] of Object.entries(policies)) await dunning.putPolicy(id, document);
    await its.control({ hold_webhooks: true });
    const clock = await its.made('/test-clocks', { now: began });
    const subscribed = (failing: Failing) => dunning.subscribed(clock, failing);
    await Promise.all([
      ...reasons.map(async (reason) => {
        lived.set(reason, { dunned: await subscribed(reason), entries: [], before: null, at: null });
      }),
      ...(
        [
          ['recovers', { token: 'tok_fail_2_then_ok' }],
          ['cancelled', { token: 'tok_do_not_honor' }],
          ['bare', { token: 'tok_do_not_honor' }],
          ['late', { token: 'tok_declined_then_late_ok', policy: 'expiring' }],
          ['renewed', { token: 'tok_stolen' }],
        ] as const
      ).map(async ([name, failing]) => reported.set(name, await subscribed(failing))),
    ]);
    await its.advance(clock, inTheMiddle);
    await meanwhile();
    await its.advance(clock, justBeforeTheEnd);
    await note('before');
    await its.advance(clock, endOfGrace);
    await note('at');
    await its.advance(clock, afterSixtyDays);
    await its.topicsAreIdle();
  });

  const lifeOf = (reason: Reason) => lived.get(reason) as Life;

  /** The policies are asked what comes, and words come from outside. */
  async function meanwhile() {
    for (const [{ code, policy: id, brand }, one] of lived) {
      const failure = { category: code, failed_at: failedAt, time_zone: 'Europe/Berlin', network: brand };
      one.entries = await dunning.announced(id, failure);
    }
    await its.call('DELETE', `/subscriptions/${the('cancelled').id}?mode=now`);
    const { customer } = the('bare');
    const { data } = (await its.get(`/customers/${customer}/payment-methods`)) as { data: Json[] };
    for (const { id } of data) {
      await its.call('DELETE', `/customers/${customer}/payment-methods/${String(id)}?force=true`);
    }
    await its.control({ hold_webhooks: false });
    await eventually(
      'the late success',
      async () => (await dunning.read(the('late')))['status'] === 'active',
    );
    await dunning.paysWith(the('late'), 'tok_ok');
    await dunning.paysWith(the('renewed'), 'tok_ok');
  }

  async function note(when: 'before' | 'at') {
    await Promise.all(
      [...lived.values()].map(async (one) => (one[when] = (await dunning.read(one.dunned))['status'])),
    );
  }

  test.each(reasons)('$code under $policy: just the attempts that were announced', async (reason) => {
    const { dunned, entries } = lifeOf(reason);
    const announced = entries.filter(({ kind }) => kind === 'attempt').map(({ at }) => at);
    const attempts = await dunning.attempts(dunned);
    expect(attempts.map(({ trigger, status, finished_at }) => [trigger, status, finished_at])).toEqual([
      ['renewal', 'failed', failedAt],
      ...announced.map((at) => ['automatic_retry', 'failed', at]),
    ]);
    expect(await dunning.taken(dunned)).toBe(1);
  });

  test.each(reasons)('$code under $policy: $end at the instant that was announced', async (reason) => {
    const { dunned, entries, before, at } = lifeOf(reason);
    expect(entries.at(-1)).toMatchObject({ kind: 'final_action', at: endOfGrace });
    expect(entries.filter(({ kind }) => kind === 'reminder').map((one) => one.at)).toEqual([
      '2031-02-12T12:00:00.000Z',
      '2031-02-14T12:00:00.000Z',
    ]);
    const [status, payment, ...changes] = ends[reason.end];
    expect([before, at]).toEqual(['past_due', status]);
    expect((await dunning.read(dunned))['status']).toBe(status);
    expect(await dunning.renewal(dunned)).toMatchObject({ status: payment, next_attempt_at: null });
    expect(dunning.changes(dunned)).toEqual([['payment_method_changed'], ...changes]);
  });

  test('what its policy leaves past due can still be retried by a person', async () => {
    const left = reasons.find(({ end }) => end === 'left') as Reason;
    const { dunned } = lifeOf(left);
    const { id } = await dunning.renewal(dunned);
    const good = await dunning.methodOf(dunned.customer, 'tok_ok');
    const request = { reason: 'they called', payment_method_id: good };
    expect(await its.call('POST', `/payments/${String(id)}/retry`, request)).toMatchObject({ status: 202 });
    await eventually('the recovery', async () => (await dunning.read(dunned))['status'] === 'active');
    expect((await dunning.reported(dunned)).at(-1)).toBe('manual_retry completed');
  });

  test('a renewal that is paid at the second retry recovers, and is tried no more', async () => {
    const dunned = the('recovers');
    expect(await dunning.read(dunned)).toMatchObject({ status: 'active' });
    expect(await dunning.reported(dunned)).toEqual([
      'renewal failed',
      'automatic_retry failed',
      'automatic_retry completed',
    ]);
    expect(dunning.changes(dunned).slice(0, 3)).toEqual([
      ['payment_method_changed'],
      ['past_due'],
      ['renewed', 'recovered'],
    ]);
  });

  test('a hard decline is recovered by another payment method, charged at once', async () => {
    expect(await dunning.reported(the('renewed'))).toEqual(['renewal failed', 'automatic_retry completed']);
    const [, retry] = await dunning.attempts(the('renewed'));
    expect(retry?.finished_at).toBe(inTheMiddle);
    expect(await dunning.read(the('renewed'))).toMatchObject({ status: 'active' });
  });

  test('cancelled in the middle: no further attempt', async () => {
    expect(await dunning.reported(the('cancelled'))).toEqual(['renewal failed', 'automatic_retry failed']);
    expect(await dunning.renewal(the('cancelled'))).toMatchObject({
      status: 'cancelled',
      next_attempt_at: null,
    });
    expect(await dunning.taken(the('cancelled'))).toBe(1);
  });

  test('the payment method deleted in the middle: no further attempt, and grace ends it', async () => {
    expect(await dunning.reported(the('bare'))).toEqual(['renewal failed', 'automatic_retry failed']);
    expect(await dunning.read(the('bare'))).toMatchObject({ status: 'expired' });
    expect(await dunning.taken(the('bare'))).toBe(1);
  });

  test('paid by webhook in the middle: no further attempt', async () => {
    const dunned = the('late');
    expect(await dunning.reported(dunned)).toEqual(['renewal completed']);
    expect(await dunning.renewal(dunned)).toMatchObject({ status: 'completed', next_attempt_at: null });
    // The first period, the one that was paid late, and those of March and April.
    expect(await dunning.taken(dunned)).toBe(4);
  });
});

test('two operators at once, a hundred times: one attempt each time, and both are told so', async () => {
  const { customer } = await its.buyer('tok_ok');
  const payments: string[] = [];
  for (const some of inTens(Array.from({ length: 100 }, () => customer))) {
    payments.push(...(await Promise.all(some.map(failedPayment))));
  }
  const another = `SELECT 1 AS one FROM payments WHERE customer_id = $1 AND status <> 'failed'`;
  await eventually('a hundred to fail', async () => !(await its.row(another, customer)), slowly);
  const retry = (id: string) => its.call('POST', `/payments/${id}/retry`, { reason: 'the customer called' });
  const pairs: { id: string; answers: Answer[] }[] = [];
  for (const some of inTens(payments)) {
    const both = some.map(async (id) => ({ id, answers: await Promise.all([retry(id), retry(id)]) }));
    pairs.push(...(await Promise.all(both)));
  }
  for (const { id, answers } of pairs) {
    const requests = await judged(id);
    const reported = answers.map(({ status, body }) =>
      status === 202
        ? requests.find((request) => request['id'] === body['retry_request_id'])
        : { status: 'refused', refusal: body['reason'] ?? body },
    );
    const refused = {
      status: 'refused',
      refusal: expect.stringMatching(/^(in_flight|completed)$/) as string,
    };
    expect(reported.toSorted((a, b) => String(a?.['status']).localeCompare(String(b?.['status'])))).toEqual([
      expect.objectContaining({ status: 'attempted', attempt: 2 }),
      expect.objectContaining(refused),
    ]);
    const { attempts } = (await its.get(`/payments/${id}`)) as { attempts: Json[] };
    expect(attempts.map(({ trigger, status }) => [trigger, status])).toEqual([
      ['manual', 'failed'],
      ['manual_retry', 'completed'],
    ]);
  }
});

/** As many side by side as the API serves at once. */
function inTens<T>(list: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(list.length / 10) }, (_, at) => list.slice(10 * at, 10 * at + 10));
}

/** A payment of its own that is declined once. */
async function failedPayment(customer: string): Promise<string> {
  const method = await dunning.methodOf(customer, 'tok_fail_1_then_ok');
  const fee = { amount: 500, currency: 'EUR', reason: 'set-up fee', payment_method_id: method };
  const wanted = { customer_id: customer, ...fee };
  const { status, body } = await its.call('POST', '/payments', wanted, randomUUID());
  expect(status).toBe(202);
  return String(body['id']);
}

/** The wishes about a payment, once each has its end. */
function judged(id: string): Promise<Json[]> {
  return eventually(
    `every wish about ${id} to be judged`,
    async () => {
      const { data } = (await its.get(`/payments/${id}/retry-requests`)) as { data: Json[] };
      return data.every(({ status }) => status !== 'requested') && data;
    },
    slowly,
  );
}
