import {
  closeDatabase,
  createDatabase,
  databaseNow,
  inTransaction,
  type Database,
} from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import { lockPaymentInOrder, lockSubscription } from '../../../billing/locks';
import { appendToOutbox } from '../../../billing/outbox';
import { storeWebhook } from '../../../billing/webhook/deliveries';
import { failure } from '../../../domain/payment/payment';
import { useBilling } from '../../support/billing';
import { until } from '../../support/until';
import { someTrace } from '../../support/trace';

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

describe('a webhook that reports a failed attempt', () => {
  const receivedAt = new Date('2027-03-01T09:00:00.000Z');
  const failed = (paymentId: string) => ({
    provider: 'sandbox',
    event: {
      id: 'evt_order',
      type: 'charge.failed',
      payment_id: paymentId,
      outcome: {
        status: 'failed' as const,
        attempt: 1,
        amount: 1000,
        currency: 'EUR',
        provider_reference: 'ch_order',
        failure: failure('insufficient_funds', 'No funds.'),
      },
      dispute: null,
      refund: null,
    },
    body: Buffer.from('{}'),
    headers: {},
    receivedAt,
    trace: someTrace,
    isTraceSent: false,
  });

  it('takes its turn at the outbox behind the locks of its payment', async () => {
    const { subscriptionId, paymentId } = await given.begun();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const holder = inTransaction(given.db, async (tx) => {
      await lockPaymentInOrder(tx, paymentId);
      await held;
    });
    await until('the payment is locked', async () => {
      const rows = await given.db.$queryRaw<unknown[]>`SELECT FROM pg_locks WHERE locktype = 'transactionid'`;
      return rows.length > 0;
    });
    const stored = storeWebhook(given.db, failed(paymentId));
    await until('the webhook waits', async () => {
      const rows = await given.db.$queryRaw<unknown[]>`SELECT FROM pg_locks WHERE NOT granted`;
      return rows.length > 0;
    });
    // An event of the same key, by a writer who needs none of these locks.
    await inTransaction(given.db, async (tx) => {
      sql(tx).enqueue`SET LOCAL lock_timeout = '2s'`;
      appendToOutbox(
        tx,
        {
          topic: 'subscriptions.renew_required',
          id: 'evt_between',
          source: '/retry-service',
          subject: subscriptionId,
          key: subscriptionId,
          trace: someTrace,
          data: {
            subscription_id: subscriptionId,
            customer_id: 'cus_1',
            period_index: 1,
            due_at: receivedAt.toISOString(),
            cause: 'period_end',
          },
        },
        receivedAt,
      );
    });
    release();
    await holder;
    expect(await stored).toBe('stored');
  });
});
