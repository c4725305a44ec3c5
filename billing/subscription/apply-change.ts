/**
 * Applies a change that takes effect now: plan, quantity, payment method, metadata and the scheduled end, in one version.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ChangeCommand } from '../../contracts/workflows/commands';
import type { ChangeDecision } from '../../domain/subscription/change';
import { decideEnding, type Refusal } from '../../domain/subscription/commands';
import type { PricedChange } from '../../domain/subscription/priced-change';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import type { Transaction } from '../../prisma/client';
import { enqueueUsedCredit } from '../ledger/credit';
import { moneyColumns } from '../ledger/money-columns';
import { enqueuePosting } from '../ledger/post';
import { toFacts, type SubscriptionRow } from '../rows';
import { applyTerms } from './change-terms';
import { endSubscription } from './end';
import { readEndingFacts } from './ending-facts';
import type { MoneyOfChange } from './price-change';
import { withdrawUnpaid } from './unpaid-change';
import { findMethodOfCustomer } from './store';
import {
  pendingColumn,
  unchanged,
  writeUpdated,
  type Applied,
  type ChangeContext,
  type Patch,
} from './transition';

/** What becomes of the terms: as decided, with what it costs. */
export type TermsToApply =
  | Exclude<ChangeDecision, Refusal | { kind: 'terms' }>
  | {
      kind: 'terms';
      decision: Extract<ChangeDecision, { kind: 'terms' }>;
      priced: Exclude<PricedChange, { kind: 'charge' }>;
      money: MoneyOfChange;
    };

/** Applies everything of the command that takes effect now. */
export async function applyChange(
  tx: Transaction,
  row: SubscriptionRow,
  command: ChangeCommand,
  toApply: TermsToApply,
  context: ChangeContext,
): Promise<Applied | Refusal> {
  const method = await methodPart(tx, row, command);
  if ('kind' in method) return method;
  const ending = await endingOf(tx, row, command, context);
  if (ending.kind === 'refused') return ending;
  if (ending.kind === 'end') {
    return endSubscription(tx, row, { mode: 'period_end', refund: 'none', reason: null }, context);
  }
  const terms = await termsPart(tx, row, toApply, command, context);
  const metadata = metadataPart(row, command);
  const parts = [terms, method, metadata, ending];
  const changes = parts.flatMap((part) => part.changes);
  if (changes.length === 0) return unchanged(row);
  const patch: Patch = Object.assign({}, ...parts.map((part) => part.patch));
  return writeUpdated(tx, row, patch, { ...context, changes });
}

interface Part {
  patch: Patch;
  changes: SubscriptionChange[];
}
const nothing: Part = { patch: {}, changes: [] };

async function termsPart(
  tx: Transaction,
  row: SubscriptionRow,
  toApply: TermsToApply,
  { command_id: commandId }: ChangeCommand,
  context: ChangeContext,
): Promise<Part> {
  switch (toApply.kind) {
    case 'unchanged':
      return nothing;
    case 'drop_pending':
      return { patch: pendingColumn(null), changes: ['change_scheduled'] };
    case 'drop_unpaid':
      return { patch: await withdrawUnpaid(tx, row, toApply, context), changes: ['change_scheduled'] };
    case 'schedule':
      return { patch: pendingColumn(toApply.pending), changes: ['change_scheduled'] };
    case 'terms': {
      const { decision, priced, money } = toApply;
      const { patch, changes } = await applyTerms(tx, row, decision, null, context.now);
      if (priced.kind === 'keeps') return { patch, changes };
      const { applied, lines } = priced;
      enqueueUsedCredit(tx, row, money.credit, applied.customerCredit);
      const cause = { kind: 'change_applied' as const, actor: context.actor, at: money.at };
      enqueuePosting(tx, row, applied, { ...cause, id: `${row.id}/change/${commandId}` }, context);
      const columns = moneyColumns(applied.state, [...row.waiting_lines, ...lines], money.at);
      return { patch: { ...patch, ...columns }, changes };
    }
  }
}

async function methodPart(
  tx: Transaction,
  row: SubscriptionRow,
  command: ChangeCommand,
): Promise<Part | Refusal> {
  const id = command.payment_method_id;
  if (id === null) return nothing;
  const method = await findMethodOfCustomer(tx, row.customer_id, id);
  if (method === null) return unfit('payment_method_id', 'must be a payment method of this customer');
  if (id === row.payment_method_id) return nothing;
  return {
    patch: { payment_method_id: method.id, provider: method.provider },
    changes: ['payment_method_changed'],
  };
}

function metadataPart(row: SubscriptionRow, { metadata }: ChangeCommand): Part {
  if (metadata === null || isDeepStrictEqual(metadata, row.metadata)) return nothing;
  return { patch: { metadata }, changes: ['metadata_changed'] };
}

async function endingOf(
  tx: Transaction,
  row: SubscriptionRow,
  { cancel_at_period_end: atPeriodEnd, payment_method_id: methodId }: ChangeCommand,
  context: ChangeContext,
): Promise<(Part & { kind: 'continue' }) | { kind: 'end' } | Refusal> {
  const facts = atPeriodEnd === null ? toFacts(row) : await readEndingFacts(tx, row, methodId);
  const decision = decideEnding(facts, atPeriodEnd, context.now.toISOString());
  switch (decision.kind) {
    case 'refused':
      return decision;
    case 'cancel':
      return { kind: 'end' };
    case 'unchanged':
      return { kind: 'continue', ...nothing };
    case 'revoke': {
      const patch = { cancel_at: null, cancel_refund: null };
      return { kind: 'continue', patch, changes: ['cancellation_revoked'] };
    }
    case 'schedule': {
      const patch = { cancel_at: new Date(decision.cancelAt), cancel_refund: 'none' as const };
      return { kind: 'continue', patch, changes: ['cancellation_scheduled'] };
    }
  }
}

/** A refusal that names the field at fault. */
export function unfit(field: string, detail: string): Refusal {
  return { kind: 'refused', code: 'validation_failed', detail, reason: field };
}
