/** Changing, pausing, resuming a subscription over HTTP, and what a change would cost. */
import { emptyFund } from '../../../domain/ledger/state';
import { ProblemError } from '../../../contracts/problem-error';
import { useApi, planOf } from './test-api';
import { writeRows } from './subscription-rows';

const api = useApi();
let id: string;
beforeAll(async () => {
  await api.ask('POST', '/plans', { body: planOf('gold') });
  await api.ask('POST', '/plans', { body: planOf('platinum', { amount: 3000 }) });
  await api.ask('POST', '/plans', { body: planOf('dollar', { currency: 'USD' }) });
  await api.ask('POST', '/customers', { body: { id: 'ada' } });
  await api.ask('POST', '/customers/ada/payment-methods', { body: { provider: 'sandbox', token: 'tok_ok' } });
});
beforeEach(async () => {
  api.process.commands = [];
  api.process.onCommand = () => Promise.resolve();
  api.process.onCreate = async (creation) => {
    await writeRows(api.db, creation, 'active', 'completed');
    return 'concluded';
  };
  id = (await api.ask('POST', '/subscriptions', { body: { customer_id: 'ada', plan_id: 'gold' } })).body.id;
});

const put = (body: object, headers = {}) => api.ask('PUT', `/subscriptions/${id}`, { body, headers });
const commands = () => api.process.commands.map(({ name, command }) => ({ name, ...command }));
const setRow = (data: object) => api.db.subscription.update({ where: { id }, data });

describe('PUT', () => {
  test('hands over what was named and leaves the rest, with the version that was read', async () => {
    const answer = await put({ plan_id: 'platinum', metadata: { seat: '4' } }, { 'if-match': '"1"' });
    expect(answer.status).toBe(200);
    expect(answer.headers['etag']).toBe('"1"');
    expect(commands()).toEqual([
      {
        name: 'change',
        command_id: expect.stringContaining(`${id}/change/`),
        actor: { kind: 'api_key', id: 'key_bootstrap', reason: null },
        traceparent: expect.stringMatching(/^00-/),
        plan_id: 'platinum',
        quantity: null,
        payment_method_id: null,
        metadata: { seat: '4' },
        cancel_at_period_end: null,
        effective: 'now',
        proration: 'next_renewal',
        cancel_change: false,
        as_of: null,
        if_version: 1,
        answer_within_ms: 10_000,
      },
    ]);
  });

  test('answers 202 while the change waits for its payment', async () => {
    api.process.onCommand = async () =>
      void (await setRow({
        pending_change: {
          plan_id: 'platinum',
          quantity: 1,
          effective: 'when_paid',
          effective_at: null,
          payment_id: 'pay_9',
        },
      }));
    const answer = await put({ plan_id: 'platinum', proration: 'charge_now' });
    expect(answer.status).toBe(202);
    expect(answer.body.pending_change).toMatchObject({ payment_id: 'pay_9' });
  });

  test.each([
    [{ quantity: 0 }, 'quantity'],
    [{ quantity: 1_000_000_000 }, 'quantity'],
    [{ effective: 'soon' }, 'effective'],
    [{ proration: 'never' }, 'proration'],
    [{ status: 'active' }, 'status'],
    [{ amount: 1 }, 'amount'],
    [{ cancel_at_period_end: 'yes' }, 'cancel_at_period_end'],
  ])('%j is refused before anybody is asked', async (body, path) => {
    const answer = await put(body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].path).toBe(path);
    expect(commands()).toEqual([]);
  });

  test.each(['1', 'W/"1"', '"one"', '""'])('If-Match %s is refused', async (version) => {
    expect((await put({ quantity: 2 }, { 'if-match': version })).body.errors).toEqual([
      { path: 'If-Match', message: expect.stringMatching(/version in quotes/) },
    ]);
  });

  test('what the process refuses is answered with its code and members', async () => {
    for (const [code, status] of [
      ['version_mismatch', 412],
      ['subscription_state', 409],
      ['payment_declined', 402],
    ] as const) {
      api.process.onCommand = () => Promise.reject(new ProblemError(code, 'No.', { reason: 'why' }));
      const answer = await put({ quantity: 2 });
      expect([answer.status, answer.body.code, answer.body.reason]).toEqual([status, code, 'why']);
    }
  });

  test.each(['unavailable', 'too_many_requests'] as const)(
    'W5: what was executed although its process answered %s is answered by the row',
    async (code) => {
      api.process.onCommand = async () => {
        const command_id = api.process.commands.at(-1)?.command.command_id ?? '';
        const made = { subject_id: id, version: 2, changes: ['quantity_changed'], actor: {}, result: {} };
        await api.db.change.create({ data: { ...made, command_id } });
        await setRow({ version: 2, quantity: 5 });
        throw new ProblemError(code, 'No answer.');
      };
      const answer = await put({ quantity: 5 });
      expect([answer.status, answer.body.quantity, answer.headers['etag']]).toEqual([200, 5, '"2"']);
    },
  );

  test('W5: what was not executed, or is open, is refused with the answer of the process', async () => {
    for (const [code, status] of [
      ['unavailable', 503],
      ['too_many_requests', 429],
    ] as const) {
      api.process.onCommand = () => Promise.reject(new ProblemError(code, 'Read it.'));
      const answer = await put({ quantity: 5 });
      expect([answer.status, answer.body.detail]).toEqual([status, 'Read it.']);
      expect(answer.headers['retry-after']).toMatch(/^\d$/);
    }
  });

  test('what has ended is refused by naming its state, an unknown one is not found, a reader is forbidden', async () => {
    await setRow({ status: 'cancelled' });
    expect((await put({ quantity: 2 })).body).toMatchObject({
      code: 'subscription_final',
      reason: 'cancelled',
    });
    expect((await api.ask('PUT', '/subscriptions/sub_none', { body: { quantity: 2 } })).status).toBe(404);
    const secret = await api.keyWith('subscriptions:read');
    expect((await api.ask('PUT', `/subscriptions/${id}`, { body: { quantity: 2 }, secret })).status).toBe(
      403,
    );
    expect(commands()).toEqual([]);
  });
});

describe('POST /change-preview', () => {
  const preview = (body: object) => api.ask('POST', `/subscriptions/${id}/change-preview`, { body });

  test('announces no renewal of a subscription that ends before, unless the change takes the end back', async () => {
    const period_start = new Date();
    const period_end = new Date(period_start.getTime() + 30 * 86_400_000);
    await setRow({ period_start, period_end, period_paid: true, cancel_at: period_end });
    const now = { quantity: 2, proration: 'charge_now' };
    expect((await preview(now)).body.next_renewal).toBeNull();
    const takenBack = await preview({ quantity: 2, cancel_at_period_end: false });
    expect(takenBack.body.next_renewal).toMatchObject({ at: period_end.toISOString() });
    expect(await preview({ quantity: 2 })).toMatchObject({
      status: 409,
      body: { code: 'subscription_state' },
    });
    await setRow({ cancel_at: null });
    const ended = { cancel_at_period_end: true };
    expect((await preview({ ...now, ...ended })).body.next_renewal).toBeNull();
    expect((await preview({ quantity: 2, ...ended })).status).toBe(409);
  });

  test('shows both sides, what is due now and what the next renewal will be', async () => {
    const period_start = new Date();
    const period_end = new Date(period_start.getTime() + 30 * 86_400_000);
    const start = period_start.toISOString();
    const state = { earned_until: start, reckoned_at: start, revision: 1, held_for: null };
    const ledger_state = {
      ...state,
      period: { start, end: period_end.toISOString() },
      funds: [{ ...emptyFund('pay_1'), unearned: 1000 }],
    };
    await setRow({ period_start, period_end, period_paid: true, ledger_state });
    const charged = await preview({ plan_id: 'platinum', proration: 'charge_now' });
    expect(charged.status).toBe(200);
    const [credit, debit] = charged.body.lines;
    expect(credit.amount).toBeLessThan(0);
    expect(charged.body.due_now).toEqual({ amount: credit.amount + debit.amount, currency: 'EUR' });
    expect(charged.body.next_renewal).toMatchObject({ amount: 3000, currency: 'EUR' });
    const later = await preview({ plan_id: 'platinum' });
    expect(later.body).toMatchObject({
      due_now: { amount: 0 },
      next_renewal: { amount: 3000 + charged.body.due_now.amount },
    });
    expect(commands()).toEqual([]);
  });

  test('refuses what the change itself would refuse', async () => {
    expect((await preview({ plan_id: 'dollar' })).body.errors).toEqual([
      { path: 'plan_id', message: expect.stringMatching(/EUR/) },
    ]);
    expect((await preview({ plan_id: 'none' })).status).toBe(422);
    await setRow({ status: 'past_due', period_paid: false });
    expect((await preview({ quantity: 2 })).body).toMatchObject({
      code: 'subscription_state',
      reason: 'past_due',
    });
  });
});

describe('pause and resume', () => {
  test('are asked of the process, with or without a body', async () => {
    expect((await api.ask('POST', `/subscriptions/${id}/pause`)).status).toBe(200);
    const resume_at = '2027-03-01T00:00:00+01:00';
    expect((await api.ask('POST', `/subscriptions/${id}/pause`, { body: { resume_at } })).status).toBe(200);
    expect((await api.ask('POST', `/subscriptions/${id}/resume`)).status).toBe(200);
    expect(commands()).toMatchObject([
      { name: 'pause', resume_at: null },
      { name: 'pause', resume_at: '2027-02-28T23:00:00.000Z' },
      { name: 'resume' },
    ]);
  });

  test('refuse a malformed instant', async () => {
    const answer = await api.ask('POST', `/subscriptions/${id}/pause`, { body: { resume_at: 'tomorrow' } });
    expect(answer.body.errors[0].path).toBe('resume_at');
  });
});
