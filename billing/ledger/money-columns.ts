/** The money of a subscription as the columns of its row. */
import { balanceOf, type LedgerState } from '../../domain/ledger/state';
import { linesTotal, type Line } from '../../domain/subscription/proration';
import type { SubscriptionRow } from '../rows';

export type MoneyColumns = Pick<SubscriptionRow, 'waiting_lines' | 'balance' | 'ledger_state'>;

/**
 * The money of a subscription as columns.
 * @param lines what waits for the next charge, as its bill says it; what the ledger knows beside them gets a line, too
 * @param at of that line
 */
export function moneyColumns(state: LedgerState, lines: readonly Line[], at: Date): MoneyColumns {
  const balance = balanceOf(state);
  const rest = balance - linesTotal(lines);
  const period = { start: at.toISOString(), end: state.period?.end ?? at.toISOString() };
  const other = rest === 0 ? [] : [{ description: 'Corrected', amount: rest, period }];
  return {
    waiting_lines: balance === 0 ? [] : [...lines, ...other],
    balance: BigInt(balance),
    ledger_state: state,
  };
}
