/**
 * Credit that a person grants to a customer, or takes back.
 *
 * Invariants: a request has its effect once, however often it is sent; credit is never below 0; an erased customer gets
 * none, so that no reason is written about them any more.
 */
import type { Actor } from '../../contracts/fields';
import type { CreateCredit, CreditMade } from '../../contracts/http/ledger';
import { ProblemError, validationFailed } from '../../contracts/problem-error';
import type { NamedMoney } from '../../contracts/problems';
import { creditOf, decideCreditChange } from '../../domain/ledger/credit';
import { maxAmount, minorUnitsText } from '../../domain/money';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesForCustomer } from '../clock';
import { readLedgerTransaction } from '../ledger/ledger';
import {
  enqueueCustomerBalance,
  enqueueLedgerTransaction,
  wasTransactionWritten,
} from '../ledger/ledger-store';
import { lockOrOpenCustomerBalance } from '../locks';
import { lockKnownCustomer, refuseErased } from './customers';

export interface CreditRequest extends CreateCredit {
  /** Of the transaction: the same for each repeat of the request. */
  id: string;
  customerId: string;
  actor: Actor;
}

/**
 * Grants credit to a customer, or corrects it (negative).
 * @throws ProblemError `not_found`, `customer_erased`, `credit_not_enough`, `validation_failed`
 */
export async function changeCredit(db: Database, request: CreditRequest): Promise<CreditMade> {
  const credit = await inTransaction(db, (tx) => commitCredit(tx, request));
  return { ...(await readLedgerTransaction(db, request.id)), credit };
}

/** @returns the customer's credit in that currency afterwards */
async function commitCredit(tx: Transaction, request: CreditRequest): Promise<number> {
  const { id, customerId, currency, amount, reason, actor } = request;
  const customer = await lockKnownCustomer(tx, customerId);
  if (await wasTransactionWritten(tx, id)) {
    return Number((await lockOrOpenCustomerBalance(tx, customerId, currency)).credit);
  }
  refuseErased(customer);
  const balance = await lockOrOpenCustomerBalance(tx, customerId, currency);
  const decision = decideCreditChange(balance.funds, { transactionId: id, amount });
  if (decision.kind === 'refused') {
    throw refusalOf(decision.reason, { amount: Number(balance.credit), currency });
  }
  const { now, realNow } = await timesForCustomer(tx, customerId);
  enqueueCustomerBalance(tx, customerId, currency, decision.funds);
  enqueueLedgerTransaction(tx, {
    id,
    kind: decision.kind,
    customerId,
    subscriptionId: null,
    periodIndex: null,
    paymentId: null,
    refundId: null,
    testClockId: customer.test_clock_id,
    currency,
    at: now,
    realNow,
    actor,
    reason,
    entries: decision.entries,
  });
  return creditOf(decision.funds);
}

function refusalOf(reason: 'not_enough_credit' | 'too_much_credit', credit: NamedMoney): ProblemError {
  if (reason === 'too_much_credit') {
    const most = maxAmount - credit.amount;
    return validationFailed([
      { path: 'amount', message: `must be at most ${most}: there is credit already` },
    ]);
  }
  const { amount, currency } = credit;
  const detail = `The customer has ${minorUnitsText(amount, currency)} of credit; a correction takes no more than that.`;
  return new ProblemError('credit_not_enough', detail, { available: credit });
}
