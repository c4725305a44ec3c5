/**
 * The erasure of a customer's personal data.
 *
 * Invariants: the records of money stay as they are; no personal data is left, in kept answers neither. An erased customer
 * has no credit: what payments funded goes back or is given up by a person before, what was granted is taken back here.
 */
import { erasePersonalData } from '../../access/idempotency';
import type { Actor } from '../../contracts/fields';
import type { Customer } from '../../contracts/http/customers';
import { ProblemError } from '../../contracts/problem-error';
import { creditOf, decideCreditChange } from '../../domain/ledger/credit';
import { isPaymentSource } from '../../domain/ledger/state';
import { moneyText } from '../../domain/money';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesForCustomer } from '../clock';
import { enqueueCustomerBalance, enqueueReasonErasure } from '../ledger/ledger-store';
import { enqueuePosting } from '../ledger/post';
import { lockCustomerBalances } from '../locks';
import type { CustomerRow } from '../rows';
import { lockKnownCustomer, toCustomer } from './customers';
import { enqueueMethodErasure, updateCustomer } from './store';

/**
 * Erases a customer's personal data; erased already, it changes nothing.
 * @throws ProblemError `not_found`, `customer_has_credit`
 */
export async function eraseCustomer(db: Database, customerId: string, actor: Actor): Promise<Customer> {
  const row = await inTransaction(db, async (tx) => {
    const before = await lockKnownCustomer(tx, customerId);
    if (before.erased_at !== null) return before;
    await takeCreditBack(tx, before, actor);
    const at = await databaseNow(tx);
    enqueueMethodErasure(tx, customerId, at);
    enqueueReasonErasure(tx, customerId);
    await erasePersonalData(tx, customerId, withoutPersonalData);
    const nothing = { email: null, name: null, metadata: {}, default_payment_method_id: null };
    return updateCustomer(tx, customerId, { ...nothing, erased_at: at });
  });
  return toCustomer(row);
}

/** Takes back what was granted. @throws ProblemError `customer_has_credit` when payments fund a part of the credit */
async function takeCreditBack(
  tx: Transaction,
  { id, test_clock_id }: CustomerRow,
  actor: Actor,
): Promise<void> {
  const balances = (await lockCustomerBalances(tx, id)).filter(({ credit }) => credit > 0n);
  if (balances.length === 0) return;
  const funded = balances
    .map(({ currency, funds }) => ({
      currency,
      amount: creditOf(funds.filter(({ source }) => isPaymentSource(source))),
    }))
    .filter(({ amount }) => amount > 0);
  if (funded.length > 0) throw refusalOf(funded);
  const times = await timesForCustomer(tx, id);
  for (const { currency, credit, funds } of balances) {
    const transactionId = `${id}/erased/${currency}`;
    const decision = decideCreditChange(funds, { transactionId, amount: -Number(credit) });
    if (decision.kind === 'refused') throw new Error(`the credit of ${id} cannot be taken back`);
    enqueueCustomerBalance(tx, id, currency, decision.funds);
    const owner = { id: null, customer_id: id, currency, test_clock_id };
    enqueuePosting(tx, owner, decision, { id: transactionId, kind: decision.kind, actor }, times);
  }
}

function refusalOf(funded: readonly { currency: string; amount: number }[]): ProblemError {
  const money = funded.map(({ amount, currency }) => moneyText(amount, currency)).join(', ');
  const detail = `Payments of the customer fund ${money} of credit: pay it out, or take it back, then erase.`;
  return new ProblemError('customer_has_credit', detail);
}

const personalFields = new Set(['email', 'name', 'brand', 'last4', 'exp_month', 'exp_year', 'reason']);

/** Returns what is left of a customer, or of a payment method, in an answer that is kept for repeats. */
function withoutPersonalData(body: Record<string, unknown>): Record<string, unknown> {
  const fields = Object.entries(body).map(([name, value]) => [name, personalFields.has(name) ? null : value]);
  return { ...Object.fromEntries(fields), ...('metadata' in body ? { metadata: {} } : {}) };
}
