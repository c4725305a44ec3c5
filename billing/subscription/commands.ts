/** The commands `cancel`, `pause` and `resume`: decided by the locked row, written with its next version. */
import type { CancelCommand, PauseCommand, ResumeCommand } from '../../contracts/workflows/commands';
import { decideCancel, decidePause, decideResume } from '../../domain/subscription/commands';
import type { Transaction } from '../../prisma/client';
import type { AttemptDependencies } from '../payment/attempt';
import { transactApplied } from './apply-payment';
import { endSubscription } from './end';
import { readEndingFacts } from './ending-facts';
import { continuePeriod, openNext } from './open-due';
import { enqueueWithdrawnAttempts } from './payment-store';
import { toFacts } from '../rows';
import { toRecord, type SubscriptionRow } from './record';
import {
  requestedBy,
  writeUpdated,
  type ChangeContext,
  type Committed,
  type Outcome,
  type Patch,
} from './transition';

export function commitCancellation(
  deps: AttemptDependencies,
  subscriptionId: string,
  command: CancelCommand,
): Promise<Committed> {
  return transactApplied(deps, subscriptionId, command.command_id, (tx, row, base) =>
    cancelRow(tx, row, command, { ...base, changes: [], ...requestedBy(command) }),
  );
}

/** Cancels now or schedules it, as the state allows. */
export async function cancelRow(
  tx: Transaction,
  row: SubscriptionRow,
  command: Pick<CancelCommand, 'mode' | 'refund' | 'reason'>,
  context: ChangeContext,
): Promise<Outcome> {
  const decision = decideCancel(
    { ...(await readEndingFacts(tx, row, null)), cancel_refund: row.cancel_refund },
    command,
    context.now.toISOString(),
  );
  switch (decision.kind) {
    case 'unchanged':
      return toRecord(row);
    case 'refused':
      return decision;
    case 'schedule':
      return writeUpdated(
        tx,
        row,
        { cancel_at: new Date(decision.cancelAt), cancel_refund: command.refund },
        { ...context, changes: [...context.changes, 'cancellation_scheduled'] },
      ).record;
    case 'cancel':
      return (await endSubscription(tx, row, command, context)).record;
  }
}

export function commitPause(
  deps: AttemptDependencies,
  subscriptionId: string,
  command: PauseCommand,
): Promise<Committed> {
  return transactApplied(deps, subscriptionId, command.command_id, async (tx, row, base) => {
    const decision = decidePause(toFacts(row), command.resume_at, base.now.toISOString());
    if (decision.kind === 'refused') return decision;
    const patch: Patch = {
      status: 'paused',
      paused_at: base.now,
      paused_from: decision.from,
      resume_at: command.resume_at === null ? null : new Date(command.resume_at),
    };
    const context = { ...base, ...requestedBy(command) };
    enqueueWithdrawnAttempts(tx, row.id);
    return writeUpdated(tx, row, patch, { ...context, changes: ['paused'] }).record;
  });
}

/** Resumes; a new period may open, whose payment is to be attempted when the record names one. */
export function commitResumption(
  deps: AttemptDependencies,
  subscriptionId: string,
  command: ResumeCommand,
): Promise<Committed> {
  return transactApplied(deps, subscriptionId, command.command_id, async (tx, row, base) => {
    const decision = decideResume(toFacts(row), base.now.toISOString());
    const context = { ...base, changes: [], ...requestedBy(command) };
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
