/**
 * Everything that runs again and again, or for whoever asks: scheduler, reconciliation, relay, metrics, lists with each
 * of their filters, erasure, export, bulk retry, test clocks, timelines.
 */
import { listAudit } from '../../../access/audit-log';
import { exportCustomer } from '../../../billing/customer/export';
import { eraseCustomer } from '../../../billing/customer/erase';
import { listCustomers } from '../../../billing/customer/customers';
import { listPaymentMethods } from '../../../billing/customer/payment-methods';
import { pageOfLedger, readCustomerBalance } from '../../../billing/ledger/ledger';
import { listNotifications } from '../../../billing/notification/sent';
import { listDeadLetters } from '../../../billing/operator/dead-letters';
import { listOperatorTasks } from '../../../billing/operator/tasks';
import { listPayments, readPayment } from '../../../billing/payment/payments';
import { listRefunds } from '../../../billing/payment/refunds';
import { dryRun } from '../../../billing/reconcile/dry-run';
import {
  areMoreLiving,
  livingSubscriptionIds,
  waitingSubscriptionIds,
} from '../../../billing/reconcile/living-processes';
import { outboxChannel } from '../../../billing/outbox';
import { completedPasses } from '../../../billing/reconcile/passes';
import { reconcilePredicate } from '../../../billing/reconcile/round';
import { readScheduler } from '../../../billing/renewal/scheduler';
import { publishDue } from '../../../billing/renewal/publish-due';
import { countSelected, selectedPayments } from '../../../billing/retry/bulk-store';
import { listBulkRetries } from '../../../billing/retry/bulk-requests';
import { listPeriods, listSubscriptions } from '../../../billing/subscription/subscriptions';
import { dueMessages, stepClock } from '../../../billing/test-clock/advance';
import { nextDueAt } from '../../../billing/test-clock/store';
import { pageOfTimeline } from '../../../billing/timeline/pages';
import { forgetBodies } from '../../../billing/webhook/store';
import { listDeliveries } from '../../../billing/webhook/ledger';
import { readBacklog } from '../../../bridge/backlog';
import { oldestOfShard, shardsWithRows } from '../../../bridge/relay/outbox-batch';
import { openRelayConnection } from '../../../bridge/relay/relay-connection';
import { deadLetterStatuses } from '../../../contracts/http/dead-letters';
import { notificationStatuses } from '../../../contracts/http/notifications';
import { deliveryStatuses } from '../../../contracts/http/webhook-deliveries';
import { scopes } from '../../../contracts/scopes';
import { paymentStatuses } from '../../../domain/payment/payment';
import { predicateNames, type Predicate } from '../../../domain/stuck-work';
import { subscriptionStatuses } from '../../../domain/subscription/subscription';
import { inTransaction, type Database } from '../../../prisma/client';
import type { PageRequest } from '../../../prisma/pages';
import { sql } from '../../../prisma/sql';

export interface Call {
  name: string;
  run(db: Database, url: string): Promise<unknown>;
}

const stuckAfter = { toleranceMs: 60_000, firstLookupAfterMs: 60_000 };
const pad = (n: number, length: number): string => String(n).padStart(length, '0');
/** The hundred-and-first of all: active, with payments, and of no clock. */
const someNumber = 101;
/** Its subscription is cancelled: it can be erased. */
const endedNumber = 93;
const idOf = (prefix: string, n: number): string => `${prefix}_${pad(n, 20)}`;
const paymentOf = (n: number): string => `pay_${pad(n, 16)}0001`;

/** One predicate's part of a round. */
export function reconcileOnce(db: Database, predicate: Predicate): Promise<number> {
  const nothing = { onLook: () => undefined, onFound: () => Promise.resolve() };
  return reconcilePredicate(db, predicate, { ...stuckAfter, ...nothing, limit: 500 });
}

const reconciliation: readonly Call[] = [
  ...predicateNames.map((predicate) => ({
    name: predicate,
    run: async (db: Database) => {
      await reconcileOnce(db, predicate);
      // Its second window, too, where there is one.
      await reconcileOnce(db, predicate);
    },
  })),
  { name: 'dry run', run: (db) => dryRun(db, stuckAfter) },
  { name: 'living', run: (db) => areMoreLiving(db, 100, () => undefined) },
  { name: 'living page', run: (db) => livingSubscriptionIds(db, idOf('sub', someNumber), 100) },
  { name: 'waiting page', run: (db) => waitingSubscriptionIds(db, null, 100) },
  { name: 'passes', run: completedPasses },
];

const always: readonly Call[] = [
  { name: 'scheduler', run: (db) => publishDue(db, { renewalsPerSecond: 0, shards: 2, tickMs: 5_000 }, 0) },
  { name: 'scheduler shown', run: readScheduler },
  { name: 'metrics', run: readBacklog },
  {
    name: 'relay',
    run: (db) => sql(db).query({ text: oldestOfShard, values: [3, 500, 700_000, 16_000_000] }),
  },
  {
    name: 'relay shards',
    async run(_, url) {
      const connection = await openRelayConnection(url, outboxChannel, () => undefined);
      await shardsWithRows(connection, [0, 1, 2]).finally(() => connection.close());
    },
  },
  { name: 'bodies forgotten', run: (db) => forgetBodies(db, new Date(Date.now() - 90 * 86_400_000), 1_000) },
];

type List<Filter> = (db: Database, filter: Filter, page: PageRequest) => Promise<unknown>;

/** A list with each filter: its first page, and one far behind. */
function listed<Filter extends object>(name: string, list: List<Filter>, filters: readonly Filter[]): Call[] {
  const pages: readonly [string, PageRequest][] = [
    ['', { after: null, limit: 50 }],
    [' far behind', { after: { created_at: new Date(Date.now() - 180 * 86_400_000), id: 'x' }, limit: 50 }],
  ];
  return filters.flatMap((filter) =>
    pages.map(([place, page]) => ({
      name: `${name} ${JSON.stringify(filter)}${place}`,
      run: (db: Database) => list(db, filter, page),
    })),
  );
}
const eachOf = <Name extends string>(name: Name, values: readonly string[]) =>
  values.map((value) => ({ [name]: value }) as Record<Name, string>);

const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString();
const customer_id = idOf('cus', someNumber);
const subscription_id = idOf('sub', someNumber);
const payment_id = paymentOf(someNumber);
const lists: readonly Call[] = [
  ...listed('subscriptions', listSubscriptions, [
    {},
    ...eachOf('status', subscriptionStatuses),
    { customer_id },
    { plan_id: 'plan_1' },
    { plan_id: 'plan_none' },
    { plan_id: 'plan_1', status: 'past_due' },
  ]),
  ...listed('payments', listPayments, [
    {},
    ...eachOf('status', paymentStatuses),
    { customer_id },
    { subscription_id },
    { category: 'soft' as const },
    { category: 'hard' as const },
    { from: day(40), to: day(30) },
    { from: day(40), to: day(30), status: 'failed' as const },
  ] as Parameters<typeof listPayments>[1][]),
  ...listed('customers', (db, _, page) => listCustomers(db, page), [{}]),
  ...listed('payment methods', (db, filter, page) => listPaymentMethods(db, filter.customer_id, page), [
    { customer_id },
  ]),
  ...listed('deliveries', listDeliveries, [
    {},
    ...eachOf('status', deliveryStatuses),
    ...eachOf('provider', ['stripe', 'sandbox']),
    { payment_id },
  ]),
  ...listed('tasks', listOperatorTasks, [
    {},
    ...eachOf('status', ['open', 'resolved']),
    ...eachOf('kind', ['stuck_work', 'dispute']),
    { status: 'open', kind: 'stuck_work' },
    { subject_id: subscription_id },
  ]),
  ...listed('dead letters', listDeadLetters, [
    {},
    ...eachOf('status', deadLetterStatuses),
    ...eachOf('group', ['retry-service', 'payment-service']),
    { group: 'retry-service', status: 'open' },
  ]),
  ...listed('notifications', listNotifications, [
    {},
    ...eachOf('status', notificationStatuses),
    { customer_id },
    { subscription_id },
  ]),
  ...listed('bulk retries', (db, { status }, page) => listBulkRetries(db, status, page), [
    { status: undefined },
    { status: 'running' },
  ]),
  ...listed('refunds', (db, filter, page) => listRefunds(db, filter.payment_id, page), [{ payment_id }]),
  ...[
    {},
    { subject: subscription_id },
    { actor: 'key_1' },
    { actor: 'key_none' },
    { action: 'POST /subscriptions' },
    { action: 'sign_in' },
  ].flatMap((filter) =>
    [null, 50n].map((after) => ({
      name: `audit ${JSON.stringify(filter)} ${after === null ? '' : 'far behind'}`,
      run: (db: Database) => listAudit(db, filter, { after, limit: 50 }),
    })),
  ),
];

const ofOne: readonly Call[] = [
  { name: 'payment', run: (db) => readPayment(db, payment_id) },
  { name: 'periods', run: (db) => listPeriods(db, subscription_id, { after: 3, limit: 50 }) },
  { name: 'balance', run: (db) => readCustomerBalance(db, customer_id) },
  ...(['subscription', 'customer'] as const).map((type) => ({
    name: `ledger of a ${type}`,
    run: (db: Database) =>
      pageOfLedger(
        db,
        { type, id: type === 'customer' ? customer_id : subscription_id },
        { after: 1n, limit: 50 },
      ),
  })),
  ...Object.entries({ subscription: subscription_id, payment: payment_id, customer: customer_id }).map(
    ([type, id]) => ({
      name: `timeline of a ${type}`,
      run: (db: Database) =>
        pageOfTimeline(db, { type: type as 'customer', id }, [...scopes], { after: null, limit: 50 }),
    }),
  ),
  { name: 'export', run: (db) => exportCustomer(db, customer_id, { after: null, limit: 100 }) },
  {
    name: 'erasure',
    run: (db) =>
      eraseCustomer(db, idOf('cus', endedNumber), { kind: 'system', id: 'size', reason: null }, 20_000),
  },
];

const bulkFilters = [
  {},
  { categories: ['soft'] },
  { provider: 'stripe' },
  { plan_id: 'plan_8' },
  { failed_from: day(20), failed_to: day(10) },
];
const bulk: readonly Call[] = bulkFilters.flatMap((filter) => [
  {
    name: `bulk ${JSON.stringify(filter)} counted`,
    run: (db: Database) => countSelected(db, filter as object),
  },
  { name: `bulk ${JSON.stringify(filter)}`, run: (db: Database) => selectedPayments(db, filter as object) },
]);

const clock: readonly Call[] = [
  {
    name: 'test clock',
    async run(db) {
      await db.testClock.update({
        where: { id: 'clk_size' },
        data: { status: 'advancing', target: new Date(Date.now() + 86_400_000) },
      });
      await stepClock(db, 'clk_size');
      await dueMessages(db, 'clk_size');
      await inTransaction(db, (tx) => nextDueAt(tx, 'clk_size'));
      await db.testClock.update({ where: { id: 'clk_size' }, data: { status: 'ready', target: null } });
    },
  },
];

/** In an order in which none changes what another one reads. */
export const calls: readonly Call[] = [...lists, ...always, ...reconciliation, ...bulk, ...clock, ...ofOne];
