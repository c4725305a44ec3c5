import { NoClearAnswer } from '../../../billing/payment/no-clear-answer';
import { repeatCall } from '../../../billing/payment/follow-up';
import { renewMember, type MemberRenewal } from '../../../billing/renewal/renew-member';
import { commitResumption } from '../../../billing/subscription/commands';
import { periodPaymentId } from '../../../domain/ids';
import { completed, declined, noAnswer, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { startLife, type SubscriptionLife } from '../../support/subscription-life';

const given = useBilling();
const start = '2027-01-01T00:00:00.000Z';
const due = '2027-02-01T00:00:00.000Z';
beforeEach(() => {
  given.provider.charges = [completed];
  given.provider.slow = () => Promise.resolve();
});

/** A subscription whose second period is due. */
async function dueLife(now = due): Promise<SubscriptionLife> {
  const lived = await startLife(given, start);
  await lived.setNow(now);
  given.provider.asked.length = 0;
  return lived;
}

function renewedBy(run: string, { id }: SubscriptionLife): Promise<MemberRenewal> {
  return renewMember(given, run, { subscription_id: id, due_at: due, by_clock: true });
}

const outcomeOf = (renewal: MemberRenewal) =>
  renewal.kind === 'done' ? renewal.renewed.outcome : renewal.kind;

/** The provider is called and does not answer. @returns lets it answer */
function holdAnswers(): () => void {
  let answer = (): void => undefined;
  const held = new Promise<void>((resolve) => (answer = resolve));
  given.provider.slow = () => held;
  return () => {
    given.provider.slow = () => Promise.resolve();
    answer();
  };
}

const called = async (times = 1): Promise<void> => {
  while (given.provider.asked.length < times) await new Promise((resolve) => setImmediate(resolve));
};

/** The attempt of the second period began so long ago. */
async function began({ id }: SubscriptionLife, secondsAgo: number): Promise<void> {
  await given.db.paymentAttempt.updateMany({
    where: { payment_id: periodPaymentId(id, 2) },
    data: { started_at: new Date(Date.now() - secondsAgo * 1_000) },
  });
}

describe('one attempt of a renewal has one caller', () => {
  it('lets a second run wait for the answer that the first one will have', async () => {
    const lived = await dueLife();
    const answer = holdAnswers();
    const first = renewedBy('run_1', lived);
    await called();
    const second = await renewedBy('run_2', lived);
    expect(second).toEqual({ kind: 'early', wait_ms: expect.any(Number) as number, messages: [] });
    expect((second as { wait_ms: number }).wait_ms).toBeLessThanOrEqual(15_000);
    answer();
    expect(outcomeOf(await first)).toBe('renewed');
    expect(outcomeOf(await renewedBy('run_2', lived))).toBe('nothing');
    expect(given.provider.asked).toHaveLength(1);
  });

  it('has the run whose worker was killed continue at once, with the same key', async () => {
    const lived = await dueLife();
    holdAnswers();
    void renewedBy('run_1', lived).catch(() => undefined);
    await called();
    given.provider.slow = () => Promise.resolve();
    expect(outcomeOf(await renewedBy('run_1', lived))).toBe('renewed');
    const keys = given.provider.asked.map(({ idempotencyKey }) => idempotencyKey);
    expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
  });

  it('has the process look again when its worker was killed before it could say so, and names the outcome', async () => {
    const lived = await dueLife();
    given.provider.charges = [declined];
    const look = { kind: 'look', subscription_id: lived.id };
    expect(await renewedBy('run_1', lived)).toMatchObject({ renewed: { outcome: 'declined' }, messages: [] });
    const again = await renewedBy('run_1', lived);
    expect(again).toMatchObject({
      renewed: { outcome: 'declined', payment_id: periodPaymentId(lived.id, 2) },
      messages: [look],
    });
  });

  it('has nobody look where the status and the terms are as before', async () => {
    expect((await renewedBy('run_1', await dueLife())).messages).toEqual([]);
  });

  it('leaves the attempt of a run that was lost to its follow-up', async () => {
    const lived = await dueLife();
    holdAnswers();
    void renewedBy('run_1', lived).catch(() => undefined);
    await called();
    given.provider.slow = () => Promise.resolve();
    const paymentId = periodPaymentId(lived.id, 2);
    await expect(repeatCall(given, paymentId)).rejects.toThrow(NoClearAnswer);
    expect(given.provider.asked).toHaveLength(1);
    await began(lived, 16);
    expect(await renewedBy('run_2', lived)).toMatchObject({
      renewed: { outcome: 'open', payment_id: paymentId },
      messages: [
        { kind: 'start_payment', payment_id: paymentId },
        { kind: 'look', subscription_id: lived.id },
      ],
    });
    expect(given.provider.asked).toHaveLength(1);
    expect(await repeatCall(given, paymentId)).toMatchObject({ status: 'completed' });
    expect(given.provider.asked).toHaveLength(2);
  });

  it('leaves an attempt without a clear answer to its follow-up, whoever asks', async () => {
    const lived = await dueLife();
    given.provider.charges = [noAnswer];
    expect(outcomeOf(await renewedBy('run_1', lived))).toBe('open');
    expect(outcomeOf(await renewedBy('run_2', lived))).toBe('open');
    expect(given.provider.asked).toHaveLength(1);
  });
});

describe('a command beside a renewal', () => {
  it('charges nothing that it did not open', async () => {
    const lived = await dueLife();
    const answer = holdAnswers();
    const renewing = renewedBy('run_1', lived);
    await called();
    const paused = await lived.pause();
    const resumed = await lived.resume();
    for (const done of [paused, resumed]) {
      expect(done.kind).toBe('committed');
      expect(done).not.toHaveProperty('opened_payment_id');
    }
    answer();
    await renewing;
    expect(given.provider.asked).toHaveLength(1);
    expect(await lived.read()).toMatchObject({ status: 'active', period: { index: 2, paid: true } });
  });

  it('names the payment of the period that it opened, however often it is repeated', async () => {
    const lived = await dueLife('2027-01-15T00:00:00.000Z');
    await lived.pause();
    await lived.setNow('2027-03-01T00:00:00.000Z');
    const command = { command_id: `${lived.id}/resumed`, actor };
    const opened = { kind: 'committed', opened_payment_id: periodPaymentId(lived.id, 2) };
    expect(await commitResumption(given, lived.id, command)).toMatchObject(opened);
    expect(await commitResumption(given, lived.id, command)).toMatchObject(opened);
  });

  it('waits, as a change, for the answer of the call that is under way', async () => {
    const lived = await dueLife();
    const answer = holdAnswers();
    const renewing = renewedBy('run_1', lived);
    await called();
    const changing = lived.change({ quantity: 2 });
    setTimeout(answer, 400);
    expect((await changing).kind).toBe('committed');
    await renewing;
    expect(await lived.read()).toMatchObject({ quantity: 2, period: { index: 2, paid: true } });
  });

  it('refuses a change at once where the period is unpaid and nobody is calling', async () => {
    const lived = await dueLife();
    given.provider.charges = [noAnswer];
    await renewedBy('run_1', lived);
    const beganMs = performance.now();
    expect(await lived.change({ quantity: 2 })).toMatchObject({
      kind: 'refused',
      code: 'subscription_state',
    });
    expect(performance.now() - beganMs).toBeLessThan(2_000);
  });
});

describe('a run that is killed between its commit and its messages', () => {
  it('has the process of a subscription that has ended read its row when it repeats the member', async () => {
    const lived = await dueLife('2027-01-15T00:00:00.000Z');
    await lived.cancel({ mode: 'period_end' });
    await lived.setNow(due);
    const look = { kind: 'look', subscription_id: lived.id };
    expect(await renewedBy('run_1', lived)).toMatchObject({
      renewed: { outcome: 'ended' },
      messages: [look],
    });
    expect(await renewedBy('run_1', lived)).toMatchObject({
      renewed: { outcome: 'nothing' },
      messages: [look],
    });
  });
});

describe('the end of a period whose charge is under way', () => {
  it('does not make the subscription past due before the call is over', async () => {
    const lived = await dueLife();
    const answer = holdAnswers();
    const renewing = renewedBy('run_1', lived);
    await called();
    await lived.setNow('2027-03-01T00:00:00.000Z');
    expect(outcomeOf(await renewedBy('run_2', lived))).toBe('early');
    answer();
    expect(outcomeOf(await renewing)).toBe('renewed');
    expect(outcomeOf(await renewedBy('run_2', lived))).toBe('renewed');
    expect(given.provider.asked).toHaveLength(2);
    expect(await lived.read()).toMatchObject({ status: 'active', period: { index: 3, paid: true } });
  });
});

describe('a command that races a renewal at every step', () => {
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  it.each([
    ['a pause', (lived: SubscriptionLife) => lived.pause()],
    ['a change', (lived: SubscriptionLife) => lived.change({ quantity: 2, proration: 'none' })],
    [
      'a cancellation at the end of the period',
      (lived: SubscriptionLife) => lived.cancel({ mode: 'period_end' }),
    ],
  ])(
    '%s: the period is charged once, or was not opened; 48 times',
    async (_, command) => {
      const charged = new Set<number>();
      for (let round = 0; round < 48; round += 1) {
        const lived = await dueLife();
        let commanding: Promise<unknown> | null = null;
        const at = (step: number): Promise<unknown> => {
          if (step !== round % 3 || commanding !== null) return Promise.resolve();
          commanding = turns(Math.floor(round / 3) % 8).then(() => command(lived));
          // A change waits for the answer itself: nobody may wait for it at the provider.
          return Promise.resolve();
        };
        await at(0);
        given.provider.slow = async () => {
          await at(1);
          await turns(4);
        };
        const renewals = [await renewedBy('run_1', lived), await renewedBy('run_2', lived)];
        await at(2);
        await (commanding as Promise<unknown> | null);
        expect(renewals.map(({ kind }) => kind)).toEqual(['done', 'done']);
        const paymentId = periodPaymentId(lived.id, 2);
        const asked = given.provider.asked.filter((charge) => charge.paymentId === paymentId);
        const { period } = await lived.read();
        expect([asked.length, period?.index, period?.paid]).toEqual(
          asked.length === 0 ? [0, 1, true] : [1, 2, true],
        );
        charged.add(asked.length);
      }
      // The renewal was met, or this shows nothing.
      expect(charged).toContain(1);
    },
    120_000,
  );
});
