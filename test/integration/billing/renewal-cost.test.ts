import { Client } from 'pg';
import { attemptPayment } from '../../../billing/payment/attempt';
import { publishDue } from '../../../billing/renewal/publish-due';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { renewSubscription } from '../../../billing/renewal/renew';
import { moveBack } from '../../support/due';
import { useBilling } from '../../support/billing';

const given = useBilling();
let client: Client;
beforeAll(async () => {
  client = new Client({ connectionString: given.url });
  await client.connect();
  await noteWriters();
});
afterAll(async () => {
  await client.end();
});

/** From now on every transaction that writes to a table leaves its id in `writers`. */
async function noteWriters(): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  await client.query(`
    CREATE TABLE writers (transaction xid8 PRIMARY KEY);
    CREATE FUNCTION note_writer() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO writers VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
      RETURN NULL;
    END $$`);
  for (const { name } of rows) {
    await client.query(
      `CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON ${name} EXECUTE FUNCTION note_writer()`,
    );
  }
}

/** How many transactions of ours `work` is made of. */
async function transactionsOf(work: () => Promise<unknown>): Promise<number> {
  await client.query('TRUNCATE writers');
  await work();
  const { rows } = await client.query('SELECT FROM writers');
  return rows.length;
}

/** A paid subscription whose next period is due. */
async function dueSubscription(): Promise<string> {
  const { subscriptionId, paymentId } = await given.begun();
  await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
  await applyFirstPayment(given.db, subscriptionId);
  await moveBack(client, subscriptionId, '1 month');
  return subscriptionId;
}

describe('an ordinary renewal', () => {
  it('is two transactions of ours, the scheduler’s batch apart', async () => {
    const id = await dueSubscription();
    expect(await transactionsOf(() => renewSubscription(given, id))).toBe(2);
    const row = await given.db.subscription.findUniqueOrThrow({ where: { id } });
    expect(row).toMatchObject({ status: 'active', period_index: 2, period_paid: true });
  });

  it('puts three records on topics', async () => {
    const id = await dueSubscription();
    const { _max: before } = await given.db.outboxEvent.aggregate({ _max: { id: true } });
    await publishDue(given.db, { renewalsPerSecond: 0, shards: 1, tickMs: 5_000 }, 0);
    await renewSubscription(given, id);
    const written = await given.db.outboxEvent.findMany({
      where: { key: id, id: { gt: before.id ?? 0n } },
      orderBy: { id: 'asc' },
    });
    expect(written.map(({ topic }) => topic)).toEqual([
      'subscriptions.renew_required',
      'payments.completed',
      'subscriptions.updated',
    ]);
  });
});
