import {
  closeDatabase,
  createDatabase,
  databaseNow,
  inTransaction,
  type Database,
} from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import { lockPaymentInOrder, lockSubscription } from '../../../billing/locks';
import { useBilling } from '../../support/billing';
import { until } from '../../support/until';

const given = useBilling();
/** With one connection, which keeps what it has prepared. */
let db: Database;
beforeAll(async () => {
  db = createDatabase(given.url, 1);
});
afterAll(async () => {
  await closeDatabase(db);
});

describe('a lock', () => {
  it('gives the row and the time as they are when those before have committed', async () => {
    const { subscriptionId, paymentId } = await given.begun();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let committing = new Date(0);
    const first = inTransaction(given.db, async (tx) => {
      await lockSubscription(tx, subscriptionId);
      sql(tx).enqueue`UPDATE subscriptions SET quantity = 7 WHERE id = ${subscriptionId}`;
      sql(tx).enqueue`UPDATE payments SET amount = 7000 WHERE id = ${paymentId}`;
      await held;
      committing = await databaseNow(tx);
    });
    await until('the row is locked', async () => {
      const rows = await given.db.$queryRaw<unknown[]>`SELECT FROM pg_locks WHERE locktype = 'transactionid'`;
      return rows.length > 0;
    });
    const second = inTransaction(given.db, (tx) => lockSubscription(tx, subscriptionId));
    const third = inTransaction(given.db, (tx) => lockPaymentInOrder(tx, paymentId));
    await until('both wait', async () => {
      const rows = await given.db.$queryRaw<unknown[]>`SELECT FROM pg_locks WHERE NOT granted`;
      return rows.length >= 2;
    });
    release();
    await first;
    const [locked, inOrder] = await Promise.all([second, third]);
    expect(locked?.row).toEqual(await given.db.subscription.findUnique({ where: { id: subscriptionId } }));
    expect(locked?.row.quantity).toBe(7);
    expect(inOrder.payment).toEqual(await given.db.payment.findUnique({ where: { id: paymentId } }));
    expect(inOrder.payment.amount).toBe(7_000n);
    expect(inOrder.subscription?.quantity).toBe(7);
    expect(locked?.realNow.getTime()).toBeGreaterThanOrEqual(committing.getTime());
    expect(inOrder.realNow.getTime()).toBeGreaterThanOrEqual(committing.getTime());
  });

  it('knows when there is nothing', async () => {
    expect(await inTransaction(db, (tx) => lockSubscription(tx, 'sub_nobody'))).toBeNull();
    await expect(inTransaction(db, (tx) => lockPaymentInOrder(tx, 'pay_nobody'))).rejects.toThrow(
      'does not exist',
    );
  });

  it('goes on after a migration has added columns', async () => {
    const { subscriptionId, paymentId } = await given.begun();
    const look = async () => [
      await inTransaction(db, (tx) => lockSubscription(tx, subscriptionId)),
      await inTransaction(db, (tx) => lockPaymentInOrder(tx, paymentId)),
    ];
    await look();
    const [prepared] = await db.$queryRaw<[{ count: bigint }]>`SELECT count(*) FROM pg_prepared_statements`;
    expect(prepared.count).toBeGreaterThan(0n);
    await given.db.$executeRaw`ALTER TABLE subscriptions ADD COLUMN newer text`;
    await given.db.$executeRaw`ALTER TABLE payments ADD COLUMN newer text`;
    const [locked] = await look();
    expect(locked).not.toHaveProperty('row.newer');
    expect(locked).toHaveProperty('row.id', subscriptionId);
  });
});
