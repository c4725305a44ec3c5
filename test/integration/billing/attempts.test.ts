import { attemptPayment, type AttemptDependencies } from '../../../billing/payment/attempt';
import { commitCancellation } from '../../../billing/subscription/commands';
import { completed, declined, useBilling, mismatch, noAnswer } from '../../support/billing';
import { actor } from '../../support/creation';

const given = useBilling();
let deps: AttemptDependencies;
beforeAll(async () => {
  deps = given;
});
beforeEach(() => {
  given.provider.charges = [completed];
  given.provider.asked.length = 0;
  given.provider.slow = () => Promise.resolve();
});

const first = (paymentId: string) => ({ payment_id: paymentId, number: 1, trigger: 'first' as const });
const attemptsOf = (paymentId: string) =>
  given.db.paymentAttempt.findMany({ where: { payment_id: paymentId }, orderBy: { number: 'asc' } });
const cancel = (subscriptionId: string) =>
  commitCancellation(given, subscriptionId, {
    command_id: `${subscriptionId}/cancel`,
    mode: 'now',
    refund: 'none',
    reason: null,
    actor,
  });

describe('an attempt', () => {
  it('has its row, with the values that are sent, before the provider is called', async () => {
    const { paymentId, subscriptionId } = await given.begun();
    let atCall: Awaited<ReturnType<typeof attemptsOf>> = [];
    given.provider.slow = async () => {
      atCall = await attemptsOf(paymentId);
    };
    expect(await attemptPayment(deps, first(paymentId))).toEqual({ status: 'completed' });
    expect(atCall).toMatchObject([
      { status: 'processing', idempotency_key: `${paymentId}/1`, on_session: true, settled_at: null },
    ]);
    expect(given.provider.asked).toMatchObject([
      {
        idempotencyKey: `${paymentId}/1`,
        amount: 1000,
        currency: 'EUR',
        token: 'tok_ok',
        offSession: false,
        subscriptionId,
      },
    ]);
  });

  it('executed twice side by side has one row under one key; a success stands whoever tells it', async () => {
    const { paymentId } = await given.begun();
    given.provider.charges = [completed, declined];
    let inside = 0;
    let bothAreIn: () => void = () => undefined;
    const bothArrived = new Promise<void>((resolve) => {
      bothAreIn = resolve;
    });
    given.provider.slow = () => {
      inside += 1;
      if (inside === 2) bothAreIn();
      return bothArrived;
    };
    const answers = await Promise.all([
      attemptPayment(deps, first(paymentId)),
      attemptPayment(deps, first(paymentId)),
    ]);
    expect(given.provider.asked.map(({ idempotencyKey }) => idempotencyKey)).toEqual([
      `${paymentId}/1`,
      `${paymentId}/1`,
    ]);
    const attempts = await attemptsOf(paymentId);
    expect(attempts).toMatchObject([{ status: 'completed' }]);
    expect(answers.map(({ status }) => status)).toContain('completed');
  });

  it('that is settled gives its answer again without a call', async () => {
    const { paymentId } = await given.begun();
    given.provider.charges = [declined];
    const answer = await attemptPayment(deps, first(paymentId));
    expect(answer).toMatchObject({ status: 'failed', failure: { code: 'insufficient_funds' } });
    expect(await attemptPayment(deps, first(paymentId))).toEqual(answer);
    expect(given.provider.asked).toHaveLength(1);
  });

  it('without a clear answer stays in processing and is sent again with the same key', async () => {
    const { paymentId } = await given.begun();
    given.provider.charges = [noAnswer, completed];
    expect(await attemptPayment(deps, first(paymentId))).toEqual({ status: 'open' });
    const [open] = await attemptsOf(paymentId);
    expect(open).toMatchObject({
      status: 'processing',
      settled_at: null,
      last_call_ended_at: expect.any(Date),
    });
    expect(await attemptPayment(deps, first(paymentId))).toEqual({ status: 'completed' });
    expect(new Set(given.provider.asked.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  });

  it('is not sent again more than 10 minutes after it was started', async () => {
    const { paymentId } = await given.begun();
    given.provider.charges = [noAnswer];
    await attemptPayment(deps, first(paymentId));
    await given.db
      .$executeRaw`UPDATE payment_attempts SET started_at = started_at - interval '10 minutes 1 second' WHERE payment_id = ${paymentId}`;
    expect(await attemptPayment(deps, first(paymentId))).toEqual({ status: 'open' });
    expect(given.provider.asked).toHaveLength(1);
  });

  it('whose amount the provider names otherwise is unknown, and a person is asked once', async () => {
    const { paymentId } = await given.begun();
    given.provider.charges = [mismatch];
    expect(await attemptPayment(deps, first(paymentId))).toEqual({ status: 'open' });
    expect(await attemptPayment(deps, first(paymentId))).toEqual({ status: 'open' });
    expect(await given.db.payment.findUniqueOrThrow({ where: { id: paymentId } })).toMatchObject({
      status: 'unknown',
    });
    const tasks = await given.db.operatorTask.findMany({ where: { subject_id: paymentId } });
    expect(tasks).toMatchObject([{ kind: 'amount_mismatch', status: 'open' }]);
  });

  it('without any payment method is stored as failed without a call', async () => {
    await given.db.customer.create({ data: { id: 'cus_bare' } });
    const { paymentId } = await given.begun({ customer_id: 'cus_bare', payment_method_id: null });
    const answer = await attemptPayment(deps, first(paymentId));
    expect(answer).toMatchObject({
      status: 'failed',
      failure: { code: 'invalid_payment_method', category: 'hard' },
    });
    expect(await attemptsOf(paymentId)).toMatchObject([{ status: 'failed', provider: null }]);
    expect(given.provider.asked).toEqual([]);
  });

  it('is refused beside an open one, out of turn, and on what is paid', async () => {
    const { paymentId } = await given.begun();
    const numbered = (number: number) => ({
      payment_id: paymentId,
      number,
      trigger: 'manual_retry' as const,
    });
    const refused = { status: 'refused', reason: 'payment_not_chargeable' };
    expect(await attemptPayment(deps, numbered(2))).toEqual(refused);
    given.provider.charges = [noAnswer, completed];
    await attemptPayment(deps, first(paymentId));
    expect(await attemptPayment(deps, numbered(2))).toEqual(refused);
    await attemptPayment(deps, first(paymentId));
    expect(await attemptPayment(deps, numbered(2))).toEqual(refused);
  });

  it('is refused when its subscription is final', async () => {
    const { paymentId, subscriptionId } = await given.opened();
    await cancel(subscriptionId);
    expect(await attemptPayment(deps, first(paymentId))).toEqual({
      status: 'refused',
      reason: 'subscription_final',
    });
    expect(given.provider.asked).toEqual([]);
  });

  it('that is open when its subscription ends is not sent again', async () => {
    const { paymentId, subscriptionId } = await given.begun();
    given.provider.charges = [noAnswer];
    await attemptPayment(deps, first(paymentId));
    await cancel(subscriptionId);
    expect(await attemptPayment(deps, first(paymentId))).toEqual({ status: 'open' });
    expect(given.provider.asked).toHaveLength(1);
  });

  it('never begins after a cancellation has been committed, however the two race', async () => {
    // A small generator with a fixed seed: who of the two gets a head start differs from round to round.
    let seed = 20_261_123;
    const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
    let begun = 0;
    for (let round = 0; round < 60; round += 1) {
      const { paymentId, subscriptionId } = await given.opened();
      const headStart = random() < 0.5 ? 1 : 0;
      const yields = Math.floor(random() * 12);
      const wait = async (turns: number) => {
        for (let turn = 0; turn < turns; turn += 1) await given.db.$queryRaw`SELECT 1`;
      };
      const [answer, cancelled] = await Promise.all([
        wait(headStart * yields).then(() => attemptPayment(deps, first(paymentId))),
        wait((1 - headStart) * yields).then(() => cancel(subscriptionId)),
      ]);
      const [attempt] = await attemptsOf(paymentId);
      const row = await given.db.subscription.findUniqueOrThrow({ where: { id: subscriptionId } });
      expect(cancelled.kind).toBe('committed');
      const isLate = attempt !== undefined && attempt.started_at > (row.cancelled_at ?? new Date(0));
      expect({ isLate, isRefused: answer.status === 'refused' }).toEqual({
        isLate: false,
        isRefused: attempt === undefined,
      });
      if (attempt !== undefined) begun += 1;
    }
    expect(begun).toBeGreaterThan(0);
    expect(begun).toBeLessThan(60);
  });
});
