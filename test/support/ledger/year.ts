/** The year in the life of one customer that docs/ledger.md shows, lived on real rows by what billing does. */
import { changeCredit } from '../../../billing/customer/credits';
import { attemptPayment } from '../../../billing/payment/attempt';
import { createPayment } from '../../../billing/payment/create';
import { renewSubscription } from '../../../billing/renewal/renew';
import { readLedgerEntries } from '../../../billing/timeline/ledger-entries';
import type { LedgerKind } from '../../../domain/ledger/accounts';
import { completed, declined, type TestBilling } from '../billing';
import { actor } from '../creation';
import { on, type MoneyLife } from '../money-life';
import { someTrace } from '../trace';

/** A transaction of the ledger, and its sentence in the timeline. */
export interface YearTransaction {
  at: string;
  kind: LedgerKind;
  /** `A` to `J` in place of the payments’ ids. */
  entries: readonly { account: string; owner: 'subscription' | 'customer'; source: string; amount: number }[];
  title: string;
}

/** The plan of 30.00 EUR; that of 10.00 is `basic`. */
export const larger = {
  id: 'plus',
  name: 'Plus',
  currency: 'EUR',
  amount: 3000,
  interval_unit: 'month',
  interval_count: 1,
};

/** Lives the year from 15 January on. @param money begun on that day, on `basic` */
export async function liveYear(given: TestBilling, money: MoneyLife): Promise<YearTransaction[]> {
  const { life } = money;
  const until = (day: string) => renewUntil(given, money, on(day));
  await until('03-01');
  await life.change({ plan_id: larger.id, proration: 'charge_now' });
  await until('03-30');
  await life.setNow('2027-03-30T12:00:00.000Z');
  await life.change({ plan_id: 'basic', proration: 'charge_now' });
  await until('05-01');
  await grant(given, money);
  given.provider.charges = [completed, declined];
  await until('06-15');
  await loseAndRegain(given, money);
  await until('07-25');
  await money.refund(6, 400);
  await money.payOut();
  await until('08-20');
  await money.dispute(7, 'opened');
  await life.setNow(on('09-10'));
  await money.dispute(7, 'lost');
  await until('09-30');
  await life.cancel({ refund: 'prorated' });
  await money.payOut();
  await life.setNow(on('12-01'));
  await sell(given, money);
  return written(given, money.customerId);
}

/** Renews at each due instant, as the subscription’s process does, and stops at `to`. */
async function renewUntil(given: TestBilling, { life }: MoneyLife, to: string): Promise<void> {
  const where = { id: life.id };
  for (;;) {
    const { next_due_at: due } = await given.db.subscription.findUniqueOrThrow({ where });
    if (due === null || due > new Date(to)) break;
    await life.setNow(due.toISOString());
    await renewSubscription(given, life.id);
  }
  await life.setNow(to);
}

function grant({ db }: TestBilling, { customerId }: MoneyLife): Promise<unknown> {
  const credit = { id: 'crd_1', amount: 400, currency: 'EUR', reason: 'a slow week' };
  return changeCredit(db, { ...credit, customerId, actor });
}

/** Dunning of F ends without money; days later it turns out that the charge had succeeded. */
async function loseAndRegain({ provider }: TestBilling, money: MoneyLife): Promise<void> {
  await money.startDunning(5);
  await money.life.setNow(on('06-29'));
  await money.exhaustDunning(5, 'pause');
  await money.life.setNow(on('07-05'));
  provider.charges = [completed];
  await money.receive(5);
  await money.apply(5);
  await money.life.resume();
}

/** A payment of its own, for nothing that is served over time. */
async function sell(given: TestBilling, { customerId }: MoneyLife): Promise<void> {
  const method = await given.db.paymentMethod.findFirstOrThrow({ where: { customer_id: customerId } });
  const of = { customer_id: customerId, payment_method_id: method.id, reason: 'a book' };
  const request = { ...of, amount: 5000, currency: 'EUR' };
  await createPayment(given.db, { id: 'pay_own', request, actor, trace: someTrace });
  await attemptPayment(given, { payment_id: 'pay_own', number: 1, trigger: 'manual' });
}

async function written({ db }: TestBilling, customerId: string): Promise<YearTransaction[]> {
  const [payments, rows] = await Promise.all([
    db.payment.findMany({
      where: { customer_id: customerId },
      orderBy: [{ created_at: 'asc' }, { recorded_at: 'asc' }],
    }),
    db.ledgerTransaction.findMany({ where: { customer_id: customerId }, orderBy: { seq: 'asc' } }),
  ]);
  const nameOf = (source: string): string => {
    const nth = payments.findIndex(({ id }) => id === source);
    return nth === -1 ? source : String.fromCodePoint('A'.charCodeAt(0) + nth);
  };
  const read = await readLedgerEntries(
    db,
    rows.map(({ customer_id: id, seq: number }) => ({ id, number })),
  );
  return read
    .toSorted((a, b) => Number(a.seq - b.seq))
    .map(({ entry: { title, data } }) => {
      const { at, kind, entries } = data as Omit<YearTransaction, 'title'>;
      return {
        at,
        kind,
        title,
        entries: entries.map((entry) => ({ ...entry, source: nameOf(entry.source) })),
      };
    });
}
