/** Money that stayed where it is only meant to be for an instant is found, and only that. */
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { repair } from '../../../billing/reconcile/repair';
import { emptyFund, emptyState, type LedgerState } from '../../../domain/ledger/state';
import { sql } from '../../../prisma/sql';
import { useBilling } from '../../support/billing';

const given = useBilling();
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

async function found(id: string, toleranceMs = 60_000, testClockId: string | null = null): Promise<string[]> {
  const items = await findStuckWork(given.db, { toleranceMs, testClockId, limit: 100 });
  return items
    .filter(({ subject, predicate }) => subject.id === id && ours.has(predicate))
    .map(({ predicate }) => predicate);
}
const ours = new Set<string>(['unapplied_money', 'period_end_not_earned']);

describe('money that was collected and not assigned', () => {
  const setUnapplied = (id: string, amount: number, minutes: number) => sql(given.db).execute`
    UPDATE payments SET unapplied_amount = ${amount}, updated_at = ${minutesAgo(minutes)} WHERE id = ${id}`;

  it('is found after a minute, and asked about without tolerance', async () => {
    const { paymentId } = await given.opened();
    await setUnapplied(paymentId, 0, 2);
    expect(await found(paymentId, 0)).toEqual([]);
    await setUnapplied(paymentId, 1, 0.5);
    expect(await found(paymentId)).toEqual([]);
    expect(await found(paymentId, 0)).toEqual(['unapplied_money']);
    await setUnapplied(paymentId, 1, 1.5);
    expect(await found(paymentId)).toEqual(['unapplied_money']);
  });

  it('is reported to its subscription again', async () => {
    const { subscriptionId, paymentId } = await given.opened();
    const messages = await repair(given, {
      predicate: 'unapplied_money',
      subject: { type: 'payment', id: paymentId },
    });
    expect(messages).toEqual([
      {
        kind: 'payment_completed',
        subscription_id: subscriptionId,
        payload: { payment_id: paymentId, period_index: 1 },
      },
    ]);
  });
});

describe('a period that is over', () => {
  const stateOf = (unearned: number): LedgerState => ({
    ...emptyState,
    funds: [
      { ...emptyFund('pay_1'), credit: 5 },
      { ...emptyFund('owed'), unearned },
    ].filter(({ source, unearned: left }) => source === 'pay_1' || left > 0),
  });
  async function periodOver(
    minutes: number,
    state: LedgerState | null,
    more: { status?: string; testClockId?: string } = {},
  ): Promise<string> {
    const { subscriptionId } = await given.opened();
    const json = state === null ? null : JSON.stringify(state);
    await sql(given.db).execute`
      UPDATE subscriptions SET period_end = ${minutesAgo(minutes)}, ledger_state = ${json}::jsonb,
        status = ${more.status ?? 'past_due'}, test_clock_id = ${more.testClockId ?? null}
      WHERE id = ${subscriptionId}`;
    return subscriptionId;
  }

  it.each<[string, number, LedgerState | null, string[]]>([
    ['with service that is not earned', 1.5, stateOf(1), ['period_end_not_earned']],
    ['within the tolerance', 0.5, stateOf(1), []],
    ['and not yet', -5, stateOf(1), []],
    ['and all of it is earned', 1.5, stateOf(0), []],
    ['without an opening in the ledger', 1.5, null, []],
  ])('%s', async (_, minutes, state, predicates) => {
    const id = await periodOver(minutes, state);
    expect(await found(id)).toEqual(predicates);
  });

  it.each(['active', 'past_due', 'paused'])('is found while the subscription is %s', async (status) => {
    expect(await found(await periodOver(2, stateOf(1), { status }))).toEqual(['period_end_not_earned']);
  });

  it('is earned by its repair, once, dated at its end', async () => {
    const end = minutesAgo(2);
    const period = { start: minutesAgo(60).toISOString(), end: end.toISOString() };
    const state = { ...emptyState, period, earned_until: period.start };
    const id = await periodOver(2, { ...state, funds: [{ ...emptyFund('pay_1'), unearned: 700 }] });
    const item = { predicate: 'period_end_not_earned', subject: { type: 'subscription', id } } as const;
    for (let times = 0; times < 2; times += 1) expect(await repair(given, item)).toEqual([]);
    expect(await found(id)).toEqual([]);
    const where = { subscription_id: id, kind: 'period_ended' };
    const written = await given.db.ledgerTransaction.findMany({ where });
    expect(written).toMatchObject([{ at: end }]);
  });

  it('is nothing that a test clock waits for, and follows the time of its customer', async () => {
    await given.db.testClock.create({ data: { id: 'clk_1', now: minutesAgo(10) } });
    const id = await periodOver(5, stateOf(1), { testClockId: 'clk_1' });
    expect(await found(id)).toEqual([]);
    await given.db.testClock.update({ where: { id: 'clk_1' }, data: { now: minutesAgo(3) } });
    expect(await found(id)).toEqual(['period_end_not_earned']);
    expect(await found(id, 0, 'clk_1')).toEqual([]);
  });
});
