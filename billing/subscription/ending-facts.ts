/** What the end of a subscription is decided by: its row, with the payment method that would be charged. */
import type { SubscriptionFacts } from '../../domain/subscription/facts';
import type { Transaction } from '../../prisma/client';
import { methodToCharge } from '../payment/card-store';
import { toFacts, type SubscriptionRow } from '../rows';

/** Reads it. @param wanted a method that is asked for in the same command; null: none is */
export async function readEndingFacts(
  tx: Transaction,
  row: SubscriptionRow,
  wanted: string | null,
): Promise<SubscriptionFacts> {
  const { customer_id } = row;
  const period = { kind: 'renewal', customer_id, payment_method_id: null, named_method: false } as const;
  const method = await methodToCharge(tx, period, row, wanted);
  return { ...toFacts(row), payment_method_id: method?.id ?? null };
}
