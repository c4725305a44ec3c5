import { retryStart } from '../../contracts/workflows/workflows';
import { failure } from '../../domain/payment/payment';
import { scriptRetry, type ScriptedRetry } from '../support/workflows/retry-activities';
import { useSkippedTime } from '../support/workflows/skipped-time';
import { until } from '../support/until';

const time = useSkippedTime();
let beganMs: number;
let played: ScriptedRetry;
beforeEach(async () => {
  beganMs = await time.env.currentTimeMs();
  played = scriptRetry(time, beganMs);
});

const inHours = (hours: number) => new Date(beganMs + hours * 3_600_000).toISOString();
const declined = { status: 'failed', failure: failure('do_not_honor', '') } as const;
const attempt = (hours: number) => ({ kind: 'attempt', at: inHours(hours), reason: 'as planned' }) as const;
const done = { kind: 'done', reason: 'completed' } as const;

let runs = 0;
async function collect(
  meanwhile: (handle: { signal(name: string): Promise<void> }) => Promise<void> = async () => undefined,
) {
  runs += 1;
  await time.withWorker('retry-service', played.activities, async () => {
    const { workflowType, ...options } = retryStart(`pay_${runs}`);
    const handle = await time.env.client.workflow.start(workflowType, options);
    await meanwhile(handle);
    await handle.result();
  });
  return played.log.map(({ what, afterHours }) => `${what} after ${afterHours} h`);
}

describe('retry/{payment_id}', () => {
  it('tells the subscription, and attempts at each planned instant until the money comes', async () => {
    played.plans = [attempt(24), attempt(24), attempt(72), attempt(72), done];
    played.answers = [declined, { status: 'completed' }];
    expect(await collect()).toEqual([
      'collection started after 0 h',
      'automatic_retry after 24 h',
      'automatic_retry after 72 h',
    ]);
  });

  it('gives up at the end of grace, as the policy says', async () => {
    const exhausted = {
      kind: 'exhausted',
      at: inHours(336),
      final_action: 'expire',
      reason: 'no retry is left',
    } as const;
    played.plans = [exhausted];
    expect(await collect()).toEqual(['collection started after 0 h', 'exhausted: expire after 336 h']);
  });

  it('wakes whenever the customer is to be told something, and goes on waiting', async () => {
    played.plans = [attempt(72), attempt(72), attempt(72), attempt(72), done];
    played.notices = [inHours(24), inHours(48)];
    expect(await collect()).toEqual(['collection started after 0 h', 'automatic_retry after 72 h']);
    expect(played.plannedAfterHours).toEqual([0, 24, 48, 72, 72]);
  });

  it('has an attempt without a clear answer followed up, and tries nothing until it is settled', async () => {
    played.plans = [attempt(1), attempt(1), { kind: 'open' }, done];
    played.answers = [{ status: 'open' }];
    const log = await collect(async (handle) => {
      await time.env.sleep('60 min');
      await until('it was followed up', async () => played.log.some(({ what }) => what === 'follow up'));
      await handle.signal('settled');
    });
    expect(log).toEqual(['collection started after 0 h', 'automatic_retry after 1 h', 'follow up after 1 h']);
  });

  it('waits for another payment method and goes on when it is told of one', async () => {
    played.plans = [{ kind: 'wait', until: inHours(336), reason: 'a hard decline' }];
    const log = await collect(async (handle) => {
      await until('it waits', async () => played.log.length > 0);
      played.plans = [attempt(0), done];
      await handle.signal('paymentMethodChanged');
    });
    expect(log).toEqual(['collection started after 0 h', 'automatic_retry after 0 h']);
  });

  it('fulfils a person’s wish at once, whatever is planned, and goes on with the plan', async () => {
    played.plans = [attempt(100)];
    played.answers = [declined];
    const log = await collect(async (handle) => {
      await until('it waits', async () => played.log.length > 0);
      played.requests = ['rtr_1'];
      await handle.signal('manualRetry');
      await until('the wish is judged', async () => played.log.some(({ what }) => what === 'rtr_1 failed'));
      played.plans = [done];
      await handle.signal('failed');
    });
    expect(log).toEqual(['collection started after 0 h', 'manual_retry after 0 h', 'rtr_1 failed after 0 h']);
  });

  it('fulfils a wish that comes during an automatic attempt after it, never beside it', async () => {
    played.plans = [attempt(1), attempt(1), done];
    played.answers = [declined, { status: 'completed' }];
    const log = await collect(async (handle) => {
      played.during = async () => {
        played.during = () => Promise.resolve();
        played.requests = ['rtr_1'];
        await handle.signal('manualRetry');
        played.log.push({ what: 'the automatic one ends', afterHours: 1 });
      };
    });
    expect(log).toEqual([
      'collection started after 0 h',
      'automatic_retry after 1 h',
      'the automatic one ends after 1 h',
      'manual_retry after 1 h',
      'rtr_1 completed after 1 h',
    ]);
  });

  it('has a manual retry without a clear answer followed up', async () => {
    played.plans = [attempt(100)];
    played.answers = [{ status: 'open' }];
    const log = await collect(async (handle) => {
      await until('it waits', async () => played.log.length > 0);
      played.requests = ['rtr_1'];
      await handle.signal('manualRetry');
      await until('it is followed up', async () => played.log.some(({ what }) => what === 'follow up'));
      played.plans = [done];
      await handle.signal('settled');
    });
    expect(log).toEqual([
      'collection started after 0 h',
      'manual_retry after 0 h',
      'rtr_1 open after 0 h',
      'follow up after 0 h',
    ]);
  });

  it('executes a manual retry that is requested while the end of dunning is being reported', async () => {
    played.plans = [
      { kind: 'exhausted', at: inHours(0), final_action: 'leave_past_due', reason: 'no retry is left' },
      done,
    ];
    const log = await collect(async (handle) => {
      played.duringEnd = async () => {
        played.requests = ['rtr_1'];
        await handle.signal('manualRetry');
      };
    });
    expect(log).toEqual([
      'collection started after 0 h',
      'exhausted: leave_past_due after 0 h',
      'manual_retry after 0 h',
      'rtr_1 completed after 0 h',
    ]);
  });

  it('ends at once when there is nothing to collect', async () => {
    played.plans = [done];
    expect(await collect()).toEqual([]);
  });
});
