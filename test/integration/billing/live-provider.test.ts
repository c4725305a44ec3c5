/** Nothing is sent to a live provider for a customer on a test clock, whatever was stored before. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { advanceClock } from '../../../activities/retry';
import { beginAdvance } from '../../../billing/test-clock/advance';
import { fakeMessenger } from '../../support/fake-messenger';
import { useBilling } from '../../support/billing';

const given = useBilling();

/** A subscription of a customer whose method was added before, and its first attempt. */
async function attemptOf(id: string, clock: string | null) {
  if (clock !== null) {
    await given.db.testClock.create({ data: { id: clock, now: new Date('2027-01-01T00:00:00Z') } });
  }
  await given.db.customer.create({ data: { id, test_clock_id: clock } });
  const method = { id: `pm_${id}`, customer_id: id, provider: 'sandbox', token: 'tok_ok' };
  await given.db.paymentMethod.create({ data: method });
  const { paymentId } = await given.begun({ customer_id: id, payment_method_id: method.id });
  given.provider.asked.splice(0);
  const answer = await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
  return { answer, sent: given.provider.asked.length };
}

describe('I8: a charge', () => {
  it('of a customer on a test clock is not sent to a live provider, and fails', async () => {
    given.provider.isLive = true;
    expect(await attemptOf('timed', 'clk_timed')).toMatchObject({
      sent: 0,
      answer: {
        status: 'failed',
        failure: { code: 'invalid_payment_method', message: expect.stringContaining('test clock') },
      },
    });
  });

  it('of a customer without a clock is sent to a live provider', async () => {
    given.provider.isLive = true;
    expect(await attemptOf('real', null)).toEqual({ sent: 1, answer: { status: 'completed' } });
  });

  it('of a customer on a test clock is sent to a provider that is not live', async () => {
    given.provider.isLive = false;
    expect(await attemptOf('tested', 'clk_tested')).toEqual({ sent: 1, answer: { status: 'completed' } });
  });
});

describe('I8: an advance that is in progress when test clocks are switched off', () => {
  it('fails at its next step, says why, and does not move', async () => {
    const id = 'clk_moving';
    const now = new Date('2027-01-01T00:00:00Z');
    await given.db.testClock.create({ data: { id, now } });
    await beginAdvance(given.db, id, { to: '2028-01-01T00:00:00.000Z' });
    const deps = {
      db: given.db,
      messenger: fakeMessenger({}),
      stallMs: 60_000,
      pause: () => Promise.resolve(),
    };
    const { clock } = await advanceClock({ ...deps, allowTestClocks: false }, id);
    expect(clock).toMatchObject({
      status: 'failed',
      now: now.toISOString(),
      detail: expect.stringContaining('switched off'),
    });
  });
});
