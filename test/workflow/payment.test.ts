import { ApplicationFailure } from '@temporalio/common';
import type { AttemptActivities, PaymentActivities, PaymentState } from '../../activities/payment';
import { paymentStart } from '../../contracts/workflows';
import type { PaymentStatus } from '../../domain/payment';
import { skippedTime, type SkippedTime } from '../support/skipped-time';

const minuteMs = 60_000;

let time: SkippedTime;
beforeAll(async () => {
  time = await skippedTime();
});
afterAll(() => time.close());

/** A payment's row and a provider that says `charge`, `lookup` on each call; undefined: no clear answer. */
function world(
  begin: PaymentStatus | null,
  script: { calls?: PaymentStatus[]; lookups?: PaymentStatus[] } = {},
) {
  const log: { what: string; atMs: number }[] = [];
  const calls = [...(script.calls ?? [])];
  const lookups = [...(script.lookups ?? [])];
  let state: PaymentState = {
    payment_id: 'pay_1',
    subscription_id: 'sub_1',
    customer_id: 'cus_1',
    amount: 1000,
    currency: 'EUR',
    kind: 'first',
    status: begin ?? 'requested',
    attempt: begin === null ? null : { number: 1, status: begin as 'processing', trigger: 'first' },
    created_at: new Date(0).toISOString(),
  };
  const set = (status: PaymentStatus): PaymentState => {
    state = { ...state, status, attempt: { number: 1, status: status as 'completed', trigger: 'first' } };
    return state;
  };
  const note = async (what: string) => {
    log.push({ what, atMs: await time.env.currentTimeMs() });
  };
  const activities: PaymentActivities & AttemptActivities = {
    attemptPayment: async ({ number }) => {
      await note(`attempt ${number}`);
      set(calls.shift() ?? 'processing');
      return { status: 'open' };
    },
    loadPayment: async () => {
      await note('load');
      return state;
    },
    repeatCall: async () => {
      await note('call');
      const answer = calls.shift();
      if (answer === undefined) throw ApplicationFailure.retryable('nothing', 'no_clear_answer');
      return set(answer);
    },
    markUnknown: async () => {
      await note('unknown');
      return set('unknown');
    },
    lookUp: async (_, provesAbsence) => {
      await note(provesAbsence ? 'lookup that counts' : 'lookup');
      const answer = lookups.shift();
      return answer === undefined ? state : set(answer);
    },
    endNotCompleted: async () => {
      await note('end');
      return set('failed');
    },
    cancelPayment: async (_, reason) => {
      await note(`cancel ${reason}`);
      return state.attempt === null ? ((state = { ...state, status: 'cancelled' }), state) : state;
    },
    askOperator: () => note('operator'),
    tellSubscription: (id, { outcome }) => note(`tell ${id} ${outcome}`),
  };
  return { activities, log, settle: set, whats: () => log.map(({ what }) => what) };
}

async function start(paymentId: string) {
  const { workflowType, ...options } = paymentStart(paymentId, 23);
  return time.env.client.workflow.start(workflowType, options);
}

describe('payment/{id}', () => {
  it('repeats the call until there is an answer, and tells the subscription', async () => {
    const { activities, whats } = world('processing', { calls: ['completed'] });
    await time.withWorker('payment-service', activities, async () => (await start('pay_repeat')).result());
    expect(whats()).toEqual(['load', 'call', 'tell sub_1 completed']);
  });

  it('calls four times at the most; then the outcome is unknown and the provider is asked', async () => {
    const { activities, whats } = world('processing', { lookups: ['unknown', 'completed'] });
    await time.withWorker('payment-service', activities, async () => (await start('pay_unknown')).result());
    const calls = ['call', 'call', 'call', 'call'];
    const asked = ['lookup', 'lookup that counts'];
    expect(whats()).toEqual(['load', ...calls, 'unknown', ...asked, 'tell sub_1 completed']);
  });

  it('asks after 1, 5, 15 minutes, 1, 6 and 24 hours, then calls a person and waits for word', async () => {
    const { activities, log, whats, settle } = world('unknown');
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
    expect(whats().slice(-3)).toEqual(['operator', 'load', 'tell sub_1 completed']);
  });

  it('ends a first payment that its customer did not complete within 23 hours', async () => {
    const fixture = world('pending');
    const created = await time.env.currentTimeMs();
    const load = fixture.activities.loadPayment;
    fixture.activities.loadPayment = async (id) => {
      const state = await load(id);
      return state && { ...state, created_at: new Date(created).toISOString() };
    };
    const lookUp = fixture.activities.lookUp;
    fixture.activities.lookUp = async (id, proves) => ({
      ...(await lookUp(id, proves)),
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
    const { activities, whats, settle } = world('pending');
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
    const { activities, whats } = world(null, { calls: ['completed'] });
    await time.withWorker('payment-service', activities, async () => (await start('pay_untried')).result());
    expect(whats()).toEqual(['load', 'attempt 1', 'load', 'tell sub_1 completed']);
  });

  it('carries out a wish that comes while it tells the outcome', async () => {
    const { activities, whats } = world('processing', { calls: ['failed'] });
    const tell = activities.tellSubscription;
    let wish: (() => Promise<void>) | undefined = undefined;
    activities.tellSubscription = async (...args) => {
      await wish?.();
      wish = undefined;
      await tell(...args);
    };
    const id = 'pay_late_wish';
    wish = () =>
      time.env.client.workflow
        .getHandle(`payment/${id}`)
        .signal('cancel', { reason: 'subscription_cancelled' });
    await time.withWorker('payment-service', activities, async () => (await start(id)).result());
    expect(whats()).toContain('cancel subscription_cancelled');
  });

  it('cancels a payment that was never attempted, and tells nobody', async () => {
    const { activities, whats } = world(null);
    const { workflowType, ...options } = paymentStart('pay_cancel', 23);
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
