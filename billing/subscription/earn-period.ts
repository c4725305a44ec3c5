/**
 * Earns a period whose time is over while nothing happens to its subscription: it is paused, or not paid.
 *
 * Invariant: what the next transaction of the subscription would write about the end of the period is written once.
 */
import { endedPeriod } from '../../domain/ledger/period';
import { isFinal } from '../../domain/subscription/subscription';
import { inTransaction, type Database } from '../../prisma/client';
import { timesFor } from '../clock';
import { moneyColumns } from '../ledger/money-columns';
import { ledgerOf } from '../ledger/opening';
import { enqueuePosting } from '../ledger/post';
import { enqueueMoney } from '../ledger/state-store';
import { pausedSince } from './period';
import { lockOrThrow, subscriptionService as actor } from './transition';

/** Writes the end of a subscription's period, dated at its end. Not over, or written before: nothing happens. */
export async function earnEndedPeriod(db: Database, subscriptionId: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { row, realNow } = await lockOrThrow(tx, subscriptionId);
    const times = await timesFor(tx, row.test_clock_id, realNow);
    const state = await ledgerOf(tx, row, times);
    if (isFinal(row.status) || state.period === null) return;
    const at = new Date(state.period.end);
    if (at > times.now) return;
    const ended = endedPeriod(state, pausedSince(row));
    if (ended === null) return;
    const id = `${row.id}/period-ended/${row.period_index ?? 0}/${state.revision}`;
    const cause = { id, kind: 'period_ended' as const, actor, at, periodIndex: row.period_index };
    enqueuePosting(tx, row, ended, cause, times);
    enqueueMoney(tx, row.id, moneyColumns(ended.state, row.waiting_lines, at));
  });
}
