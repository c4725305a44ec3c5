import { createPaymentActivities } from '../../../activities/payment';
import { attemptPayment, type AttemptDependencies } from '../../../billing/payment/attempt';
import { cancelPayment, loadPayment, markUnknown, repeatCall } from '../../../billing/payment/follow-up';
import { endNotCompleted, lookUp } from '../../../billing/payment/look-up';
import { NoClearAnswer } from '../../../billing/payment/no-clear-answer';
import { completed, declined, useBilling, noAnswer, pending } from '../../support/billing';
import { fakeMessenger } from '../../support/fake-messenger';

const given = useBilling();
let deps: AttemptDependencies;
beforeAll(async () => {
  deps = given;
});
beforeEach(() => {
  given.provider.charges = [noAnswer];
  given.provider.lookups = [{ status: 'not_found' }];
  given.provider.asked.length = 0;
});

/** Of a lookup; what it decides is when the next one is due. */
const progress = { unknownSinceMs: Date.parse('2027-03-01T09:00:00.000Z'), lookups: 1, incompleteHours: 23 };

/** A payment whose first call ended as `charges` says. */
async function tried(): Promise<string> {
  const { paymentId } = await given.begun();
  await attemptPayment(deps, { payment_id: paymentId, number: 1, trigger: 'first' });
  return paymentId;
}
const ago = (paymentId: string, seconds: number) =>
  given.db
    .$executeRaw`UPDATE payment_attempts SET last_call_ended_at = clock_timestamp() - make_interval(secs => ${seconds}::float8) WHERE payment_id = ${paymentId}`;
const attemptOf = (paymentId: string) =>
  given.db.paymentAttempt.findFirstOrThrow({ where: { payment_id: paymentId } });

describe('following up an attempt', () => {
  it('repeats the call with the same key; without a clear answer it asks to be repeated', async () => {
    const paymentId = await tried();
    await expect(repeatCall(deps, paymentId)).rejects.toThrow(NoClearAnswer);
    expect(await loadPayment(deps, paymentId)).toMatchObject({
      status: 'processing',
      attempt: { status: 'processing' },
    });
    given.provider.charges = [completed];
    expect(await repeatCall(deps, paymentId)).toMatchObject({ status: 'completed' });
    expect(given.provider.asked.map(({ idempotencyKey }) => idempotencyKey)).toEqual(
      Array(3).fill(`${paymentId}/1`),
    );
  });

  it('fails as an activity so that Temporal repeats it, save that a payment which is not there fails for good', async () => {
    const paymentId = await tried();
    const activities = createPaymentActivities({
      db: given.db,
      providers: given.providers,
      messenger: fakeMessenger({}),
    });
    await expect(activities.repeatCall(paymentId)).rejects.toMatchObject({
      type: 'no_clear_answer',
      nonRetryable: false,
    });
    await expect(activities.repeatCall('pay_nobody')).rejects.toMatchObject({
      type: 'not_found',
      nonRetryable: true,
    });
  });

  it('does not repeat what has an answer, and begins nothing', async () => {
    const { paymentId } = await given.opened();
    expect(await repeatCall(deps, paymentId)).toMatchObject({ status: 'requested', attempt: null });
    given.provider.charges = [pending];
    const waiting = await tried();
    given.provider.asked.length = 0;
    expect(await repeatCall(deps, waiting)).toMatchObject({ status: 'pending' });
    expect(given.provider.asked).toEqual([]);
  });

  it('marks as unknown only what still has no answer', async () => {
    const paymentId = await tried();
    expect(await markUnknown(deps, paymentId)).toMatchObject({ status: 'unknown' });
    given.provider.charges = [pending];
    expect(await markUnknown(deps, await tried())).toMatchObject({ status: 'pending' });
  });

  it('takes two lookups in a row that never heard of it, long enough after the last call, as proof: it is sent again', async () => {
    const paymentId = await tried();
    await markUnknown(deps, paymentId);
    await ago(paymentId, 61);
    await lookUp(deps, paymentId, false, progress);
    expect(await lookUp(deps, paymentId, true, progress)).toMatchObject({ status: 'unknown' });
    expect(await attemptOf(paymentId)).toMatchObject({ lookups: 2, lookups_not_found: 1 });
    expect(given.provider.asked).toHaveLength(1);
    given.provider.charges = [completed];
    expect(await lookUp(deps, paymentId, true, progress)).toMatchObject({ status: 'completed' });
    expect(given.provider.asked.map(({ idempotencyKey }) => idempotencyKey)).toEqual(
      Array(2).fill(`${paymentId}/1`),
    );
    expect(await attemptOf(paymentId)).toMatchObject({ number: 1, settled_by: 'answer' });
  });

  it('proves nothing by a lookup within 60 s of the last call', async () => {
    const paymentId = await tried();
    await ago(paymentId, 58);
    for (let time = 0; time < 3; time += 1) await lookUp(deps, paymentId, true, progress);
    expect(await attemptOf(paymentId)).toMatchObject({ lookups: 3, lookups_not_found: 0, settled_at: null });
  });

  it.each([
    ['a lookup without an answer', noAnswer],
    ['a lookup that finds it', pending],
  ])('begins to count anew after %s', async (_, between) => {
    const paymentId = await tried();
    await ago(paymentId, 61);
    given.provider.lookups = [{ status: 'not_found' }, between, { status: 'not_found' }];
    for (let time = 0; time < 3; time += 1) await lookUp(deps, paymentId, true, progress);
    expect(await attemptOf(paymentId)).toMatchObject({ settled_at: null });
  });

  it('never takes as unheard of what the provider once acknowledged', async () => {
    given.provider.charges = [pending];
    const paymentId = await tried();
    await ago(paymentId, 61);
    for (let time = 0; time < 3; time += 1) await lookUp(deps, paymentId, true, progress);
    expect(await loadPayment(deps, paymentId)).toMatchObject({ status: 'pending' });
  });

  it('settles by what a lookup finds', async () => {
    const paymentId = await tried();
    given.provider.lookups = [declined];
    expect(await lookUp(deps, paymentId, false, progress)).toMatchObject({ status: 'failed' });
    expect(await attemptOf(paymentId)).toMatchObject({ settled_by: 'lookup' });
  });

  it('ends what its customer never completed, after asking once more', async () => {
    given.provider.charges = [pending];
    const paymentId = await tried();
    given.provider.lookups = [pending];
    expect(await endNotCompleted(deps, paymentId, progress)).toMatchObject({ status: 'failed' });
    expect(await attemptOf(paymentId)).toMatchObject({ failure: { code: 'not_completed' } });
  });

  it('does not end what was paid at the last moment, nor what the provider does not tell about', async () => {
    given.provider.charges = [pending];
    const paid = await tried();
    given.provider.lookups = [completed];
    expect(await endNotCompleted(deps, paid, progress)).toMatchObject({ status: 'completed' });
    const silent = await tried();
    given.provider.lookups = [noAnswer];
    await expect(endNotCompleted(deps, silent, progress)).rejects.toThrow(NoClearAnswer);
    expect(await loadPayment(deps, silent)).toMatchObject({ status: 'pending' });
  });

  it('does not end what is unknown', async () => {
    const paymentId = await tried();
    await markUnknown(deps, paymentId);
    given.provider.lookups = [noAnswer];
    expect(await endNotCompleted(deps, paymentId, progress)).toMatchObject({ status: 'unknown' });
  });

  it('cancels at once what nobody has tried to take', async () => {
    const { paymentId } = await given.opened();
    expect(await cancelPayment(deps, paymentId, 'subscription_cancelled')).toMatchObject({
      status: 'cancelled',
    });
  });
});
