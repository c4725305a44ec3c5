import { paymentStart } from '../../contracts/workflows/workflows';
import { nextLookup } from '../../domain/payment/unknown-outcome';
import { scriptPayment } from '../support/workflows/payment-activities';
import { startOrRunning, startPayment } from '../support/workflows/payment-runs';
import { useSkippedTime } from '../support/workflows/skipped-time';
import { until } from '../support/until';

const minuteMs = 60_000;

const time = useSkippedTime();

const start = (paymentId: string) => startPayment(time, paymentId);

describe('payment/{id}', () => {
  it('repeats the call until there is an answer, and tells the subscription', async () => {
    const { activities, whats } = scriptPayment(time, 'processing', { calls: ['completed'] });
    await time.withWorker('payment-service', activities, async () => (await start('pay_repeat')).result());
    expect(whats()).toEqual(['load', 'call', 'tell sub_1 completed']);
  });

  it('calls four times at the most; then the outcome is unknown and the provider is asked', async () => {
    const { activities, whats } = scriptPayment(time, 'processing', { lookups: ['unknown', 'completed'] });
    await time.withWorker('payment-service', activities, async () => (await start('pay_unknown')).result());
    const calls = ['call', 'call', 'call', 'call'];
    const asked = ['lookup', 'lookup that counts'];
    expect(whats()).toEqual(['load', ...calls, 'unknown', ...asked, 'tell sub_1 completed']);
  });

  it('asks after 1, 5, 15 minutes, 1, 6 and 24 hours, then calls a person and waits for word', async () => {
    const { activities, log, whats, settle } = scriptPayment(time, 'unknown');
    const noted: (number | undefined)[] = [];
    const { lookUp } = activities;
    activities.lookUp = (id, proves, progress) => {
      const waiting = { kind: 'first', status: 'unknown', created_at: new Date(0).toISOString() } as const;
      noted.push(progress && nextLookup(waiting, progress).atMs);
      return lookUp(id, proves, progress);
    };
    await time.withWorker('payment-service', activities, async () => {
      const handle = await start('pay_ladder');
      await time.env.sleep('40 h');
      settle('completed');
      await handle.signal('settled');
      await handle.result();
    });
    const first = log[0]?.atMs ?? 0;
    const lookups = log.filter(({ what }) => what.startsWith('lookup'));
    const minutes = lookups.map(({ atMs }) => Math.round((atMs - first) / minuteMs));
    expect(minutes).toEqual([1, 5, 15, 60, 360, 1440]);
    // With each question goes when the next one is due, so that whoever reads the row can tell.
    const minutesNoted = noted.map((atMs) => atMs && Math.round((atMs - first) / minuteMs));
    expect(minutesNoted).toEqual([5, 15, 60, 360, 1440, 2880]);
    expect(whats().slice(-3)).toEqual(['operator', 'load', 'tell sub_1 completed']);
  });

  it('W1: asks each day, for as long as its outcome is unknown: two months later a lookup settles it', async () => {
    const lookups = [...Array<'pending'>(60).fill('pending'), 'completed' as const];
    const { activities, minutesBetween, whats } = scriptPayment(time, 'pending', {
      kind: 'renewal',
      lookups,
    });
    await time.withWorker('payment-service', activities, async () => (await start('pay_daily')).result());
    expect(minutesBetween('lookup').slice(5)).toEqual(Array(55).fill(1440));
    expect(whats().at(-1)).toBe('lookup that counts');
  });

  it('waits by the customer’s test clock, which knows where to stop, and not in real time', async () => {
    const { activities, log, whats, bind } = scriptPayment(time, 'unknown', {
      lookups: ['unknown', 'completed'],
    });
    bind('2030-01-01T00:00:00.000Z');
    await time.withWorker('payment-service', activities, async () => {
      const handle = await start('pay_clock');
      await until('the first question was noted', async () => log.length >= 2);
      await time.env.sleep('40 h');
      expect(whats()).toEqual(['load', 'next question 2030-01-01T00:01:00.000Z']);
      await handle.signal('clockAdvanced', { now: '2030-01-01T00:01:00.000Z' });
      await until('the second question was noted', async () => log.length >= 4);
      await handle.signal('clockAdvanced', { now: '2030-01-01T00:05:00.000Z' });
      await handle.result();
    });
    expect(whats().slice(2)).toEqual([
      'lookup',
      'next question 2030-01-01T00:05:00.000Z',
      'lookup that counts',
      'tell sub_1 completed',
    ]);
  });

  it('lets a real minute pass after the last call before an absence is asked about, whatever the clock says', async () => {
    const { activities, log, bind } = scriptPayment(time, 'unknown', { lookups: ['unknown', 'completed'] });
    const beganMs = await time.env.currentTimeMs();
    bind('2030-01-01T00:00:00.000Z', new Date(beganMs + minuteMs).toISOString());
    await time.withWorker('payment-service', activities, async () => {
      const handle = await start('pay_clock_absent');
      await handle.signal('clockAdvanced', { now: '2030-01-01T01:00:00.000Z' });
      await handle.result();
    });
    const atMs = (what: string) => (log.find((entry) => entry.what === what)?.atMs ?? 0) - beganMs;
    expect(atMs('lookup')).toBeLessThan(minuteMs);
    expect(atMs('lookup that counts')).toBeGreaterThanOrEqual(minuteMs);
  });

  it('ends a first payment that its customer did not complete within 23 hours', async () => {
    const fixture = scriptPayment(time, 'pending');
    const created = await time.env.currentTimeMs();
    const load = fixture.activities.loadPayment;
    fixture.activities.loadPayment = async (id) => {
      const state = await load(id);
      return state && { ...state, created_at: new Date(created).toISOString() };
    };
    const lookUp = fixture.activities.lookUp;
    fixture.activities.lookUp = async (id, proves, progress) => ({
      ...(await lookUp(id, proves, progress)),
      created_at: new Date(created).toISOString(),
    });
    await time.withWorker('payment-service', fixture.activities, async () =>
      (await start('pay_incomplete')).result(),
    );
    const ended = fixture.log.find(({ what }) => what === 'end');
    expect(Math.round(((ended?.atMs ?? 0) - created) / minuteMs)).toBe(23 * 60);
    expect(fixture.whats().at(-1)).toBe('tell sub_1 failed');
  });

  it('wakes when somebody else settled the row', async () => {
    const { activities, whats, settle } = scriptPayment(time, 'pending');
    await time.withWorker('payment-service', activities, async () => {
      const handle = await start('pay_webhook');
      settle('completed');
      await handle.signal('settled');
      await handle.result();
    });
    expect(whats()).not.toContain('lookup');
    expect(whats().at(-1)).toBe('tell sub_1 completed');
  });

  it('makes the first attempt when whoever was to make it could not', async () => {
    const { activities, whats } = scriptPayment(time, null, { calls: ['completed'] });
    await time.withWorker('payment-service', activities, async () => (await start('pay_untried')).result());
    expect(whats()).toEqual(['load', 'attempt 1', 'load', 'tell sub_1 completed']);
  });

  it.each([
    [
      'and reports only what that came to',
      { calls: ['completed'] },
      ['load', 'tell retry', 'tell sub_1 completed'],
    ],
    [
      'and repeats its call until there is an answer',
      { calls: ['processing', 'completed'] },
      ['load', 'call', 'tell retry', 'tell sub_1 completed'],
    ],
    ['once, where that is refused', { refused: true }, ['load', 'tell sub_1 failed']],
  ] as const)('W13: cancels the open attempt for another card, charges it, %s', async (_, script, rest) => {
    const { activities, whats, giveOtherCard } = scriptPayment(time, 'requires_action', {
      lookups: ['failed'],
      ...('calls' in script ? { calls: [...script.calls] } : script),
    });
    giveOtherCard();
    const id = `pay_other_card_${rest.length}_${rest.at(-1)}`.replaceAll(' ', '_');
    await time.withWorker('payment-service', activities, async () => (await start(id)).result());
    expect(whats()).toEqual(['load', 'lookup', 'attempt 2', ...rest]);
  });

  it('carries out a wish that comes while it tells the outcome', async () => {
    const { activities, whats } = scriptPayment(time, 'processing', { calls: ['failed'] });
    const report = activities.signalFirstPaymentSettled;
    let request: (() => Promise<void>) | undefined = undefined;
    activities.signalFirstPaymentSettled = async (...args) => {
      await request?.();
      request = undefined;
      await report(...args);
    };
    const id = 'pay_late_wish';
    request = () =>
      time.env.client.workflow
        .getHandle(`payment/${id}`)
        .signal('cancel', { reason: 'subscription_cancelled' });
    await time.withWorker('payment-service', activities, async () => (await start(id)).result());
    expect(whats()).toContain('cancel subscription_cancelled');
  });

  it('makes the attempt of a payment of its own, and tells no subscription', async () => {
    const { activities, whats } = scriptPayment(time, null, { calls: ['completed'], kind: 'manual' });
    await time.withWorker('payment-service', activities, async () => (await start('pay_manual')).result());
    expect(whats()).toEqual(['load', 'attempt 1 (manual)', 'load']);
  });

  it('cancels a payment of its own that may not be attempted', async () => {
    const { activities, whats } = scriptPayment(time, null, { kind: 'manual', refused: true });
    await time.withWorker('payment-service', activities, async () => (await start('pay_refused')).result());
    expect(whats()).toEqual(['load', 'attempt 1 (manual)', 'cancel subscription_final', 'load']);
  });

  it('carries out a wish of somebody who waits, and answers what the payment is then', async () => {
    const { activities, whats } = scriptPayment(time, null, { kind: 'manual' });
    await time.withWorker('payment-service', activities, async () => {
      const startWorkflowOperation = startOrRunning('pay_cancel_now');
      const args = [{ reason: 'a mistake' }];
      const ask = time.env.client.workflow.executeUpdateWithStart('cancel', { startWorkflowOperation, args });
      expect(await ask).toBe('cancelled');
      await time.env.client.workflow.getHandle('payment/pay_cancel_now').result();
    });
    expect(whats()).toEqual(['load', 'cancel a mistake', 'load']);
  });

  it('cancels a payment that was never attempted, and tells nobody', async () => {
    const { activities, whats } = scriptPayment(time, null);
    const { workflowType, ...options } = paymentStart('pay_cancel', { incompleteHours: 23 });
    await time.withWorker('payment-service', activities, async () => {
      const handle = await time.env.client.workflow.signalWithStart(workflowType, {
        ...options,
        signal: 'cancel',
        signalArgs: [{ reason: 'subscription_cancelled' }],
      });
      await handle.result();
    });
    expect(whats()).toEqual(['load', 'cancel subscription_cancelled']);
  });
});
