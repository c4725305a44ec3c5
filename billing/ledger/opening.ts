/** The state of a subscription's money, from its row. */
import { emptyState, type LedgerState } from '../../domain/ledger/state';
import type { Transaction } from '../../prisma/client';
import type { Times } from '../clock';
import type { SubscriptionRow } from '../rows';

/** The state as it stands under the row's lock. */
export function ledgerOf(_tx: Transaction, row: SubscriptionRow, _times: Times): Promise<LedgerState> {
  return Promise.resolve(row.ledger_state ?? emptyState);
}
