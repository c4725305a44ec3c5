/** Rows of before the ledger that contradict each other, with a payment that their subscription waits for. */
import { enterOldRows } from '../../../billing/payment/enter-old-rows';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { applyPayment } from '../../../billing/subscription/apply-payment';
import { recordDunningExhausted } from '../../../billing/subscription/dunning';
import type { AttemptOutcome } from '../../../domain/payment/payment';
import { inTransaction } from '../../../prisma/client';
import { completed, useBilling } from '../../support/billing';
import { accountsOf } from '../../support/ledger-rows';
import { writeOldRow } from '../../support/ledger/old-database';

const given = useBilling();
const unpaid = { period_paid: false };
const accounts = (id: string) => accountsOf(given.db, 'subscription', id);

/** Amounts that a second more or less does not change, since a period has thirty days. */
const rounded = (sums: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(sums).map(([account, amount]) => [account, Math.round(amount / 10) * 10 || 0]),
  );
const unappliedOf = async (id: string) =>
  (await given.db.payment.findUniqueOrThrow({ where: { id } })).unapplied_amount;
/** What the provider has of a payment that is completed, and nothing of which was paid back yet. */
const heldOf = async (id: string) => {
  const where = { payment_id: id, status: 'completed' };
  const { _sum: sum } = await given.db.paymentAttempt.aggregate({ where, _sum: { amount: true } });
  return Number(sum.amount ?? 0);
};

describe('rows that contradict each other', () => {
  const overpaid = {
    name: 'p2',
    index: 2,
    days: -45,
    status: 'refunded',
    refunds: [{ amount: 1001, status: 'succeeded' }],
  };
  const waiting = (id: string) => ({ ...unpaid, open_payment_id: `${id}_p3` });
  const settle = (id: string, outcome: AttemptOutcome) =>
    inTransaction(given.db, (tx) => settleAttempt(tx, `${id}_p3`, 1, outcome, 'webhook'));
  const inFlight = async (id: string) => {
    const payments = [overpaid, { name: 'p3', status: 'failed' }];
    await writeOldRow(given.db, id, { status: 'past_due', columns: waiting(id), payments });
    await enterOldRows(given.db, () => undefined);
  };
  const taskOf = (id: string) =>
    given.db.operatorTask.findFirstOrThrow({ where: { kind: 'ledger_opening', subject_id: id } });

  it('have the payment that is in flight applied when it succeeds, and a person is asked about the rest', async () => {
    await inFlight('flying');
    expect((await taskOf('flying')).detail).toContain('save for flying_p3, which it waits for');
    await settle('flying', completed);
    const { subscription } = await applyPayment(given, 'flying', 'flying_p3');
    expect(subscription).toMatchObject({ status: 'active', period: { paid: true } });
    expect(rounded(await accounts('flying'))).toEqual(
      rounded({ 'cash/sandbox': 1000, earned: -500, unearned: -500 }),
    );
    expect(await unappliedOf('flying_p3')).toBe(0n);
  });

  it('have it applied when it had succeeded before, and nobody had told its subscription', async () => {
    const payments = [overpaid, { name: 'p3' }];
    await writeOldRow(given.db, 'landed', { columns: waiting('landed'), payments });
    await enterOldRows(given.db, () => undefined);
    expect(await unappliedOf('landed_p3')).toBe(1000n);
    const { subscription } = await applyPayment(given, 'landed', 'landed_p3');
    expect(subscription.period?.paid).toBe(true);
    expect(rounded(await accounts('landed'))).toEqual(
      rounded({ 'cash/sandbox': 1000, earned: -500, unearned: -500 }),
    );
    expect(await unappliedOf('landed_p3')).toBe(0n);
  });

  it('have its period paid when no money of it can be entered, once', async () => {
    const payments = [{ ...overpaid, name: 'p3', index: 3, days: -15 }];
    await writeOldRow(given.db, 'gone', { columns: waiting('gone'), payments });
    await enterOldRows(given.db, () => undefined);
    for (let times = 0; times < 2; times += 1) {
      const { subscription } = await applyPayment(given, 'gone', 'gone_p3');
      expect(subscription).toMatchObject({ version: 4, period: { paid: true }, open_payment_id: null });
    }
    expect(await accounts('gone')).toEqual({});
  });

  it('have it written off when it fails for good, and applied should its money come after all', async () => {
    await inFlight('falling');
    const about = { payment_id: 'falling_p3', period_index: 3, final_action: 'pause' } as const;
    await recordDunningExhausted(given, 'falling', about);
    expect(rounded(await accounts('falling'))).toEqual(rounded({ earned: -500, written_off: 500 }));
    await settle('falling', completed);
    await applyPayment(given, 'falling', 'falling_p3');
    expect(await unappliedOf('falling_p3')).toBe(0n);
    expect((await accounts('falling'))['cash/sandbox'] ?? 0).toBe(await heldOf('falling_p3'));
  });
});
