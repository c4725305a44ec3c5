/** What a change is reckoned from: the locked row's money, the customer's credit, and what the provider can charge. */
import type { NewTermsDecision } from '../../domain/subscription/change';
import type { Refusal } from '../../domain/subscription/commands';
import { priceChange, type MoneyAtChange, type PricedChange } from '../../domain/subscription/priced-change';
import type { Transaction } from '../../prisma/client';
import { lockUsableCredit } from '../ledger/credit';
import { ledgerOf } from '../ledger/opening';
import type { SubscriptionRow } from '../rows';
import type { Chargers } from './chargers';
import type { MoneyContext } from './transition';

export interface MoneyOfChange extends MoneyAtChange {
  /** When the change was asked for. */
  at: Date;
}

/** Locks what the change may use, and prices it. @param endsAt when the subscription ends by itself; null: it goes on */
export async function priceChangeOf(
  tx: Transaction,
  row: SubscriptionRow,
  decision: NewTermsDecision,
  { chargers, endsAt }: { chargers: Chargers; endsAt: string | null },
  context: MoneyContext,
): Promise<{ money: MoneyOfChange; priced: PricedChange | Refusal }> {
  const state = await ledgerOf(tx, row, context);
  const credit = await lockUsableCredit(tx, row, state);
  const limits = context.limitsOf(await chargers.after(), row.currency);
  const money = { state, credit, limits, at: context.now };
  const asked = { at: context.now.toISOString(), status: row.status, endsAt };
  return { money, priced: priceChange(money, decision, asked) };
}
