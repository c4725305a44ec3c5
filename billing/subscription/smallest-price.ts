/**
 * Refuses a price that the provider would hardly ever charge: it would be carried from period to period.
 *
 * Invariant: what a subscription has already is not judged again, unless its payments move to another provider.
 */
import { periodAmount } from '../../domain/money';
import { pendingAfter, type ChangeDecision } from '../../domain/subscription/change';
import { refuseUnchargeable, type Refusal } from '../../domain/subscription/commands';
import type { Database, Transaction } from '../../prisma/client';
import type { LimitsOf } from '../ledger/limits';
import type { SubscriptionRow } from '../rows';
import type { Chargers } from './chargers';
import { findPlanOrThrow } from './store';

/** What a change asks for; null: it stays. */
export interface AskedChange {
  plan_id: string | null;
  payment_method_id: string | null;
}

/** Judges the prices that a change leads to, by what the provider charges from then on. @returns null: they are fine */
export async function refuseSmallPrice(
  on: Database | Transaction,
  row: SubscriptionRow,
  { plan_id: planId, payment_method_id: methodId }: AskedChange,
  decision: Exclude<ChangeDecision, Refusal>,
  { chargers, limitsOf }: { chargers: Chargers; limitsOf: LimitsOf },
): Promise<Refusal | null> {
  const isPriced = decision.kind === 'terms' || decision.kind === 'schedule';
  if (!isPriced && methodId === null) return null;
  const provider = await chargers.after();
  const isOther = provider !== (await chargers.before());
  if (!isPriced && !isOther) return null;
  const limits = limitsOf(provider, row.currency);
  const field = isOther ? 'payment_method_id' : planId === null ? 'quantity' : 'plan_id';
  for (const price of await pricesAfter(on, row, decision)) {
    const refusal = refuseUnchargeable({ price, currency: row.currency, limits, field });
    if (refusal !== null) return refusal;
  }
  return null;
}

/** The price of a period now, and the one that waits for the period's end. */
async function pricesAfter(
  on: Database | Transaction,
  row: SubscriptionRow,
  decision: Exclude<ChangeDecision, Refusal>,
): Promise<number[]> {
  const now = decision.kind === 'terms' ? decision.terms.amount : Number(row.amount);
  const pending = pendingAfter(row, decision);
  if (pending === null) return [now];
  const plan = await findPlanOrThrow(on, pending.plan_id);
  const later = periodAmount(Number(plan.amount), pending.quantity) ?? now;
  return decision.kind === 'schedule' ? [later] : [now, later];
}
