/** The commands `cancel`, `pause` and `resume`: decided by the locked row, written with its next version. */
import type { CancelCommand, PauseCommand, ResumeCommand } from '../../contracts/workflows/commands';
import { decideCancel, decidePause, decideResume } from '../../domain/subscription/commands';
import type { Database, Transaction } from '../../prisma/client';
import { endSubscription } from './end';
import { continuePeriod, openNext } from './open-due';
import { enqueueWithdrawnAttempts } from './payment-store';
import { toFacts } from '../rows';
import { toRecord, type SubscriptionRow } from './record';
import {
  requestedBy,
  transact,
  writeUpdated,
  type ChangeContext,
  type Committed,
  type Outcome,
  type Patch,
} from './transition';

export function commitCancellation(
  db: Database,
  subscriptionId: string,
  command: CancelCommand,
): Promise<Committed> {
  return transact(db, subscriptionId, command.command_id, (tx, row, times) => {
    const context = { ...times, commandId: command.command_id, changes: [], ...requestedBy(command) };
    return cancelRow(tx, row, command, context);
  });
}

/** Cancels now or schedules it, as the state allows. */
export async function cancelRow(
  tx: Transaction,
  row: SubscriptionRow,
  command: Pick<CancelCommand, 'mode' | 'refund' | 'reason'>,
  context: ChangeContext,
): Promise<Outcome> {
  const decision = decideCancel(toFacts(row), command.mode, context.now.toISOString());
  switch (decision.kind) {
    case 'unchanged':
      return toRecord(row);
    case 'refused':
      return decision;
    case 'schedule':
      return writeUpdated(
        tx,
        row,
        { cancel_at: new Date(decision.cancelAt) },
        { ...context, changes: [...context.changes, 'cancellation_scheduled'] },
      ).record;
    case 'cancel':
      return endSubscription(tx, row, command, context);
  }
}

export function commitPause(db: Database, subscriptionId: string, command: PauseCommand): Promise<Committed> {
  return transact(db, subscriptionId, command.command_id, async (tx, row, times) => {
    const decision = decidePause(toFacts(row), command.resume_at, times.now.toISOString());
    if (decision.kind === 'refused') return decision;
    const patch: Patch = {
      status: 'paused',
      paused_at: times.now,
      paused_from: decision.from,
      resume_at: command.resume_at === null ? null : new Date(command.resume_at),
    };
    const context = { ...times, commandId: command.command_id, ...requestedBy(command) };
    enqueueWithdrawnAttempts(tx, row.id);
    return writeUpdated(tx, row, patch, { ...context, changes: ['paused'] }).record;
  });
}

/** Resumes; a new period may open, whose payment is to be attempted when the record names one. */
export function commitResumption(
  db: Database,
  subscriptionId: string,
  command: ResumeCommand,
): Promise<Committed> {
  return transact(db, subscriptionId, command.command_id, async (tx, row, times) => {
    const decision = decideResume(toFacts(row), times.now.toISOString());
    const context = { ...times, commandId: command.command_id, changes: [], ...requestedBy(command) };
    switch (decision.kind) {
      case 'refused':
        return decision;
      case 'carry_on':
        return continuePeriod(tx, row, decision.status, context);
      case 'open_period':
        return openNext(tx, row, decision, context);
    }
  });
}

/** The transactions of commands, by the names of their activities. */
export const commandTransactions = { commitCancellation, commitPause, commitResumption };
