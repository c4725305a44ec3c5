/**
 * The credit that a charge may use, and what it leaves of the customer's.
 *
 * Invariant: the customer's row is locked after subscriptions and payments, so that two charges never use one credit.
 */
import { addCredit, useCredit, type CreditArrival, type CustomerFund } from '../../domain/ledger/credit';
import type { UsableCredit } from '../../domain/ledger/spend';
import { isPaymentSource, type CreditPart, type LedgerState } from '../../domain/ledger/state';
import type { Database, Transaction } from '../../prisma/client';
import { lockCustomerBalance, lockOrOpenCustomerBalance } from '../locks';
import { enqueueCustomerBalance } from './ledger-store';
import { findCustomerCredit, findDisputed, type DisputedPayment } from './state-store';

/** Whose credit is meant. */
export interface CreditOwner {
  customer_id: string;
  currency: string;
}

/**
 * Locks the customer's credit and reads which money is under dispute.
 * @param of the state whose own credit, or money left of the period, may be used
 */
export async function lockUsableCredit(
  tx: Transaction,
  { customer_id, currency }: CreditOwner,
  of: LedgerState,
): Promise<UsableCredit> {
  const balance = await lockCustomerBalance(tx, customer_id, currency);
  return usableOf(tx, balance?.funds ?? [], of);
}

/** {@link lockUsableCredit} for who only shows what would be used. */
export async function readUsableCredit(
  db: Database,
  { customer_id, currency }: CreditOwner,
  of: LedgerState,
): Promise<UsableCredit> {
  return usableOf(db, await findCustomerCredit(db, customer_id, currency), of);
}

async function usableOf(
  on: Database | Transaction,
  customer: readonly CreditPart[],
  of: LedgerState,
): Promise<UsableCredit> {
  const own = of.funds.filter(({ credit, unearned }) => credit > 0 || unearned > 0);
  const disputed = await disputedOf(on, [...own, ...customer]);
  const undecided = disputed.filter(({ is_undecided: isUndecided }) => isUndecided);
  return { customer, blocked: disputed.map(idOf), undecided: undecided.map(idOf) };
}

/** Which of these sources are payments under dispute, or of which all has gone. */
export async function blockedSources(
  tx: Database | Transaction,
  sources: readonly { source: string }[],
): Promise<string[]> {
  return (await disputedOf(tx, sources)).map(idOf);
}

async function disputedOf(
  on: Database | Transaction,
  sources: readonly { source: string }[],
): Promise<DisputedPayment[]> {
  const paymentIds = sources.map(({ source }) => source).filter(isPaymentSource);
  return paymentIds.length === 0 ? [] : findDisputed(on, paymentIds);
}

const idOf = ({ id }: DisputedPayment): string => id;

/** Writes what charges leave of the customer's credit. The caller holds its lock. @param used parts of `credit` */
export function enqueueUsedCredit(
  tx: Transaction,
  { customer_id, currency }: CreditOwner,
  { customer }: UsableCredit,
  used: readonly CreditPart[],
): void {
  if (used.length > 0) enqueueCustomerBalance(tx, customer_id, currency, useCredit(customer, used));
}

/** Adds credit to the customer's. @param arrival `returned`: of a subscription that may have used it */
export async function addCustomerCredit(
  tx: Transaction,
  { customer_id, currency }: CreditOwner,
  parts: readonly CreditPart[],
  arrival: CreditArrival,
): Promise<void> {
  if (parts.length === 0) return;
  const { funds } = await lockOrOpenCustomerBalance(tx, customer_id, currency);
  const after = parts.reduce<CustomerFund[]>((sum, part) => addCredit(sum, part, arrival), [...funds]);
  enqueueCustomerBalance(tx, customer_id, currency, after);
}
