/** Rows that an older version wrote are entered into the ledger: at once, by a migration, or by who needs them first. */
import { enterOldRows } from '../../../billing/payment/enter-old-rows';
import { reserveRefund } from '../../../billing/payment/reserve-refund';
import { settleRefund } from '../../../billing/payment/settle-refund';
import { applyPayment } from '../../../billing/subscription/apply-payment';
import { previewChange } from '../../../billing/subscription/preview-change';
import { lockSubscription } from '../../../billing/locks';
import { closeDatabase, createDatabase, inTransaction } from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import { useBilling } from '../../support/billing';
import { eventually } from '../../support/eventually';
import { accountsOf, ledgerFaults } from '../../support/ledger-rows';
import { inDays, writeOldPayment, writeOldRow, type OldRow } from '../../support/ledger/old-database';

const given = useBilling();
const unpaid = { period_paid: false };

const old: Record<string, OldRow> = {
  month: { payments: [{ name: 'p2', index: 2, days: -45 }, { name: 'p3' }] },
  // M5: a larger plan with `none` and back the next day: credit that nobody has paid.
  victim: { balance: -8700 },
  unpaid: {
    status: 'past_due',
    columns: { ...unpaid, open_payment_id: 'unpaid_p3' },
    payments: [{ name: 'p3', status: 'failed' }],
  },
  trial: { status: 'trialing', columns: { period_index: 0 }, periodPrice: 0, payments: [] },
  scheduled: {
    status: 'scheduled',
    columns: { period_index: null, period_start: null, period_end: null, period_paid: null },
    payments: [],
  },
  paused: {
    status: 'paused',
    columns: { ...unpaid, paused_at: inDays(-1) },
    payments: [{ name: 'p3', status: 'uncollectible' }],
  },
  cancelled: { status: 'cancelled', balance: -100 },
  refunding: {
    payments: [
      {
        name: 'p3',
        refunds: [
          { amount: 400, status: 'pending' },
          { amount: 100, status: 'failed' },
        ],
      },
    ],
  },
  none: { price: 9700, periodPrice: 1000 },
  credit: { payments: [{ name: 'p1', index: 1, days: -75, amount: 12_000 }], balance: -10_000 },
  charged: { columns: { ...unpaid, open_payment_id: 'charged_p3' } },
  broken: { payments: [] },
  overpaid: {
    payments: [{ name: 'p3', status: 'refunded', refunds: [{ amount: 1001, status: 'succeeded' }] }],
  },
};
const expected: Record<string, Record<string, number>> = {
  month: { 'cash/sandbox': 2000, earned: -1500, unearned: -500 },
  victim: { 'cash/sandbox': 1000, credit: -8700, opening: 8200, unearned: -500 },
  unpaid: { earned: -500, receivable: 1000, unearned: -500 },
  trial: {},
  scheduled: {},
  paused: { earned: -467, written_off: 467 },
  cancelled: { 'cash/sandbox': 1000, earned: -1000 },
  refunding: { 'cash/sandbox': 1000, earned: -100, refunding: -400, unearned: -500 },
  none: { 'cash/sandbox': 1000, earned: -500, unearned: -500 },
  credit: { 'cash/sandbox': 12_000, credit: -10_000, earned: -1500, unearned: -500 },
  charged: { 'cash/sandbox': 1000, earned: -500, receivable: 1000, unapplied: -1000, unearned: -500 },
  broken: {},
  overpaid: {},
};

async function writeOldRows(): Promise<void> {
  for (const [id, row] of Object.entries(old)) await writeOldRow(given.db, id, row);
  const own = { subscription: null, customer: 'cus_1' };
  const manual = { kind: 'manual', index: null, amount: 5000 };
  await writeOldPayment(given.db, own, {
    ...manual,
    name: 'own',
    refunds: [{ amount: 2000, status: 'succeeded' }],
  });
  await writeOldPayment(given.db, own, { ...manual, name: 'own_failed', status: 'failed' });
}

const tasks = () =>
  given.db.operatorTask.findMany({ where: { kind: 'ledger_opening' }, orderBy: { subject_id: 'asc' } });
const entriesCount = () => given.db.ledgerEntry.count();
const accounts = (id: string) => accountsOf(given.db, 'subscription', id);

/** Amounts that a second more or less does not change, since a period has thirty days. */
const rounded = (sums: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(sums).map(([account, amount]) => [account, Math.round(amount / 10) * 10 || 0]),
  );

async function countUnentered(): Promise<number> {
  const [row] = await sql(given.db).query<[{ rows: bigint }]>`
    SELECT count(*) AS rows FROM subscriptions WHERE ledger_state IS NULL`;
  return Number(row.rows);
}

/** A run whose connections are lost while it enters a subscription: as the database sees a process that was killed. */
async function killedMidway(id: string): Promise<void> {
  const db = createDatabase(given.url, 5);
  await inTransaction(given.db, async (tx) => {
    await lockSubscription(tx, id);
    const run = enterOldRows(db, () => undefined, 8).then(
      () => 'done',
      () => 'ended',
    );
    await eventually('a connection that waits for the lock', async () => {
      const killed = await sql(given.db).query`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      return killed.length > 0;
    });
    expect(await run).toBe('ended');
  });
  await closeDatabase(db);
}

describe('a migration', () => {
  it('goes on where it was ended, enters all rows once, and says what it could not trace', async () => {
    await writeOldRows();
    await killedMidway('paused');
    const waiting = await countUnentered();
    expect(waiting).toBeGreaterThan(0);
    expect(waiting).toBeLessThan(Object.keys(old).length);

    const reports: number[] = [];
    const rest = await enterOldRows(given.db, ({ subscriptions }) => reports.push(subscriptions), 5);
    expect(reports.length).toBeGreaterThan(1);
    expect(rest).toMatchObject({ subscriptions: waiting, payments: 1 });
    for (const [id, sums] of Object.entries(expected)) {
      expect({ id, ...rounded(await accounts(id)) }).toEqual({ id, ...rounded(sums) });
    }
    expect(await accountsOf(given.db, 'customer', 'cus_1')).toEqual({ 'cash/sandbox': 3000, earned: -3000 });
    for (const id of Object.keys(old).filter((one) => !['broken', 'overpaid'].includes(one))) {
      expect(await ledgerFaults(given.db, id)).toEqual([]);
    }
    expect((await tasks()).map(({ subject_id }) => subject_id)).toEqual(['broken', 'overpaid', 'victim']);

    const entries = await entriesCount();
    const again = await enterOldRows(given.db, () => undefined);
    expect(again).toEqual({ subscriptions: 0, payments: 0, untraced: 0, contradictions: 0 });
    expect(await entriesCount()).toBe(entries);
  });

  it('enters each row once while another run, and a worker that needs it, do the same', async () => {
    const ids = Array.from({ length: 12 }, (_, number) => `busy_${number}`);
    for (const id of ids) await writeOldRow(given.db, id);
    const runs = [enterOldRows(given.db, () => undefined, 3), enterOldRows(given.db, () => undefined, 100)];
    const refunds = ids.map((id) =>
      inTransaction(given.db, (tx) =>
        reserveRefund(tx, {
          refund_id: `ref_${id}`,
          payment_id: `${id}_p3`,
          amount: 100,
          reason: 'asked',
          actor: { kind: 'system', id: 'test', reason: null },
        }),
      ),
    );
    await Promise.all([...runs, ...refunds]);
    for (const id of ids) {
      expect(rounded(await accounts(id))).toEqual(
        rounded({ 'cash/sandbox': 1000, earned: -500, refunding: -100, unearned: -400 }),
      );
      expect(await ledgerFaults(given.db, id)).toEqual([]);
    }
  });
});

describe('without a migration', () => {
  it('a charge that its subscription does not know of is applied by who locks it next', async () => {
    await writeOldRow(given.db, 'late', { columns: { ...unpaid, open_payment_id: 'late_p3' } });
    const { subscription } = await applyPayment(given, 'late', 'late_p3');
    expect(subscription.period?.paid).toBe(true);
    expect(rounded(await accounts('late'))).toEqual(
      rounded({ 'cash/sandbox': 1000, earned: -500, unearned: -500 }),
    );
    expect(await ledgerFaults(given.db, 'late')).toEqual([]);
  });

  it('a charge that the ledger has is not entered a second time', async () => {
    await writeOldRow(given.db, 'shared', { columns: { ...unpaid, open_payment_id: 'shared_p3' } });
    // As a settlement writes it, which holds no lock under which it could enter the subscription.
    await sql(given.db).execute`
      WITH whole AS (
        INSERT INTO ledger_transactions (id, kind, customer_id, subscription_id, payment_id, currency, at, recorded_at, actor)
        VALUES ('shared_p3/collected/1', 'payment_collected', 'cus_shared', 'shared', 'shared_p3', 'EUR', now(), now(), '{}')
      ), waits AS (UPDATE payments SET unapplied_amount = 1000 WHERE id = 'shared_p3')
      INSERT INTO ledger_entries (transaction_id, position, kind, account, source, amount, currency, customer_id, subscription_id)
      VALUES ('shared_p3/collected/1', 0, 'payment_collected', 'cash/sandbox', 'shared_p3', 1000, 'EUR', 'cus_shared', 'shared'),
        ('shared_p3/collected/1', 1, 'payment_collected', 'unapplied', 'shared_p3', -1000, 'EUR', 'cus_shared', 'shared')`;
    const { subscription } = await applyPayment(given, 'shared', 'shared_p3');
    expect(subscription.period?.paid).toBe(true);
    expect(rounded(await accounts('shared'))).toEqual(
      rounded({ 'cash/sandbox': 1000, earned: -500, unearned: -500 }),
    );
    expect(await ledgerFaults(given.db, 'shared')).toEqual([]);
  });

  it('a refund that was pending is paid, and one that was paid may fail', async () => {
    const refunds = [
      { amount: 300, status: 'pending' },
      { amount: 200, status: 'succeeded' },
    ];
    await writeOldRow(given.db, 'back', {
      payments: [{ name: 'p3', status: 'partially_refunded', refunds }],
    });
    await enterOldRows(given.db, () => undefined);
    const settle = (number: number, outcome: Parameters<typeof settleRefund>[2]) =>
      inTransaction(given.db, (tx) => settleRefund(tx, `ref_back_p3_${number}`, outcome));
    await settle(0, { status: 'succeeded', provider_reference: 're_0' });
    expect(await accounts('back')).toMatchObject({ 'cash/sandbox': 500 });
    await settle(1, { status: 'failed', provider_reference: 're_1', reason: 'closed' });
    expect(await accounts('back')).toMatchObject({ 'cash/sandbox': 700, refunding: -200 });
    expect(await ledgerFaults(given.db, 'back')).toEqual([]);
  });

  it('a preview reckons what the rows say, and writes nothing', async () => {
    await writeOldRow(given.db, 'shown');
    const before = await entriesCount();
    const { lines } = await previewChange(given.db, given.providers, 'shown', { quantity: 2 });
    expect(lines.map(({ amount }) => Math.round(amount / 10) * 10)).toEqual([-500, 1000]);
    expect(await entriesCount()).toBe(before);
  });
});
