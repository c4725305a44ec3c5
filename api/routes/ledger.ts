/** Routes of the ledger: its transactions, as JSON or one entry a line as CSV, and what a customer has. */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import { changeCredit } from '../../billing/customer/credits';
import { payOutCredit } from '../../billing/customer/payouts';
import { pageOfLedger, readCustomerBalance, type LedgerSubject } from '../../billing/ledger/ledger';
import { limitsOfProviders } from '../../billing/ledger/limits';
import { id } from '../../contracts/fields';
import {
  createCredit,
  createPayout,
  creditMade,
  customerBalance,
  ledgerTransaction,
  payout,
  type LedgerTransactionView,
} from '../../contracts/http/ledger';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { csvText, csvType } from '../http/csv';
import { decodeSerial, encodeSerial, pageBodyBy, readPageBy } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Ledger';
const subscriptionParams = z.object({ subscription_id: id });
const customerParams = z.object({ customer_id: id });

const columns = [
  'transaction_id',
  'kind',
  'at',
  'recorded_at',
  'customer_id',
  'subscription_id',
  'period_index',
  'payment_id',
  'refund_id',
  'test_clock_id',
  'owner',
  'account',
  'source',
  'amount',
  'currency',
  'actor',
  'reason',
] as const;

function csvOf(transactions: readonly LedgerTransactionView[]): string {
  const rows = transactions.flatMap(({ id: transactionId, actor, entries, ...fields }) =>
    entries.map((entry) => ({
      ...fields,
      ...entry,
      transaction_id: transactionId,
      actor: `${actor.kind}/${actor.id}`,
    })),
  );
  return csvText(columns, rows);
}

async function ledgerPage(
  { query, wantsCsv }: Pick<Call<unknown, z.output<typeof pageQuery>, unknown>, 'query' | 'wantsCsv'>,
  { db }: ApiDependencies,
  subject: LedgerSubject,
): Promise<Answer> {
  const list = `${subject.type}-ledger`;
  const page = await pageOfLedger(db, subject, readPageBy(list, query, decodeSerial));
  const body = pageBodyBy(list, page, encodeSerial);
  const headers = { Vary: 'Accept' };
  if (!wantsCsv) return { status: 200, body, headers };
  const next = body.next_cursor;
  const path = `/${subject.type}s/${encodeURIComponent(subject.id)}/ledger`;
  const link: Record<string, string> =
    next === null ? {} : { Link: `<${path}?limit=${query.limit}&cursor=${next}>; rel="next"` };
  const file = { contentType: `${csvType}; charset=utf-8; header=present`, data: csvOf(page.items) };
  return { status: 200, file, headers: { ...headers, ...link } };
}

const described = (of: string) => ({
  summary: `What moved ${of} money, newest first`,
  description:
    'Each transaction with its entries; debit is positive, credit negative, and they sum to 0. With `Accept: text/csv` ' +
    'one line for each entry, and the next page in the header `Link`.',
  answers: { 200: { description: 'A page.', schema: listOf(ledgerTransaction), alternatives: [csvType] } },
});

export const ledgerRoutes = [
  route({
    method: 'get',
    path: '/subscriptions/{subscription_id}/ledger',
    operationId: 'getSubscriptionLedger',
    tag,
    ...described('a subscription’s'),
    scope: 'subscriptions:read',
    params: subscriptionParams,
    query: pageQuery,
    problems: ['not_found', 'malformed_cursor'],
    handle: (call, deps) => ledgerPage(call, deps, { type: 'subscription', id: call.params.subscription_id }),
  }),
  route({
    method: 'get',
    path: '/customers/{customer_id}/ledger',
    operationId: 'getCustomerLedger',
    tag,
    ...described('a customer’s'),
    scope: 'customers:read',
    params: customerParams,
    query: pageQuery,
    problems: ['not_found', 'malformed_cursor'],
    handle: (call, deps) => ledgerPage(call, deps, { type: 'customer', id: call.params.customer_id }),
  }),
  route({
    method: 'get',
    path: '/customers/{customer_id}/balance',
    operationId: 'getCustomerBalance',
    tag,
    summary: 'What a customer has and owes',
    description:
      'Credit of the customer’s own by currency, what is reserved to go back, and what each living subscription stands at ' +
      'by the customer’s time.',
    scope: 'customers:read',
    params: customerParams,
    answers: { 200: { description: 'The balance.', schema: customerBalance } },
    problems: ['not_found'],
    async handle({ params }, { db }) {
      return { status: 200, body: await readCustomerBalance(db, params.customer_id) };
    },
  }),
  route({
    method: 'post',
    path: '/customers/{customer_id}/credits',
    operationId: 'createCredit',
    tag,
    summary: 'Grant credit to a customer, or take it back',
    description:
      'Granted credit is used for later charges in its currency, before the money of payments, and is never paid out. A ' +
      'negative amount takes back grants first, the newest first, then credit that payments funded.',
    scope: 'operator',
    params: customerParams,
    body: createCredit,
    answers: { 201: { description: 'The transaction, and the credit now.', schema: creditMade } },
    problems: ['not_found', 'customer_erased', 'credit_not_enough'],
    async handle({ params, body, caller, idFor }, { db }) {
      const customerId = params.customer_id;
      const actor = actorOf(caller, body.reason);
      const made = await changeCredit(db, { ...body, id: idFor('credit'), customerId, actor });
      return { status: 201, body: made, personalDataOf: customerId };
    },
  }),
  route({
    method: 'post',
    path: '/customers/{customer_id}/payouts',
    operationId: 'createPayout',
    tag,
    summary: 'Pay a customer’s credit out',
    description:
      'Gives credit back through the payments that funded it, the oldest first, as one refund of each. Grants, disputed ' +
      'money and credit of living subscriptions are not paid out. The refunds are `pending` until the provider has ' +
      'answered; read them with their payments.',
    scope: 'operator',
    params: customerParams,
    body: createPayout,
    answers: { 201: { description: 'The payout, and the credit now.', schema: payout } },
    problems: ['not_found', 'customer_erased', 'credit_not_enough'],
    async handle({ params, body, caller, idFor }, { db, payments, providers }) {
      const customerId = params.customer_id;
      const actor = actorOf(caller, body.reason);
      const request = { ...body, id: idFor('payout'), customerId, actor };
      const made = await payOutCredit(db, limitsOfProviders(providers), request);
      // Not sent, the reconciliation sends it; the same request again does, too.
      for (const { payment_id } of made.toRefresh) await payments.refreshPayment(payment_id);
      return { status: 201, body: made.payout, personalDataOf: customerId };
    },
  }),
];
