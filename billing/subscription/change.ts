/**
 * The command `change`: plan, quantity, payment method, metadata, the end at the period's end, in one version.
 *
 * Invariants: a change that has to be paid first changes nothing before it is paid: the request is kept in the payment's
 * row; the same command again finds the payment that it created.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ChangeCommand } from '../../contracts/workflows/commands';
import { derivedId } from '../../domain/ids';
import { isFinal, type SubscriptionChange } from '../../domain/subscription/subscription';
import { decideChange, type ChangeDecision } from '../../domain/subscription/change';
import { decideEnding, refusedFinal, type Refusal } from '../../domain/subscription/commands';
import type { Database, Transaction } from '../../prisma/client';
import { applyTerms } from './change-terms';
import { endSubscription } from './end';
import { enqueueChangePayment, paymentExists, type NewChangePayment } from './payment-store';
import { findMethodOfCustomer, findPlan, findPlanOrThrow } from './store';
import { toFacts, toPlanTerms } from '../rows';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import {
  requestedBy,
  pendingColumn,
  transact,
  writeUpdated,
  type ChangeContext,
  type Committed,
  type Outcome,
  type Patch,
} from './transition';

/** `charge`: nothing is changed yet, the named payment comes first. */
export type BegunChange = Committed | { kind: 'charge'; record: SubscriptionRecord; payment_id: string };

export async function commitChange(
  db: Database,
  subscriptionId: string,
  command: ChangeCommand,
): Promise<BegunChange> {
  let paymentId: string | null = null;
  const committed = await transact(db, subscriptionId, command.command_id, async (tx, row, times) => {
    // A transaction that is repeated decides anew.
    paymentId = null;
    const context: ChangeContext = {
      ...times,
      commandId: command.command_id,
      changes: [],
      ...requestedBy(command),
    };
    const ownPaymentId = changePaymentId(command);
    if (await paymentExists(tx, ownPaymentId)) {
      paymentId = ownPaymentId;
      return toRecord(row);
    }
    if (command.if_version !== null && command.if_version !== row.version)
      return mismatch(row, command.if_version);
    if (isFinal(toFacts(row).status)) return refusedFinal(toFacts(row).status, 'changed');
    const decision = await decideTerms(tx, row, command, context);
    if (decision.kind === 'charge') {
      enqueueChangePayment(tx, changePayment(row, command, decision, context));
      paymentId = ownPaymentId;
      return toRecord(row);
    }
    return decision.kind === 'refused' ? decision : applyChange(tx, row, command, decision, context);
  });
  return paymentId !== null && committed.kind === 'committed'
    ? { kind: 'charge', record: committed.record, payment_id: paymentId }
    : committed;
}

/** Decides the command's new terms. */
async function decideTerms(
  tx: Transaction,
  row: SubscriptionRow,
  command: ChangeCommand,
  context: ChangeContext,
): Promise<ChangeDecision> {
  const current = await findPlanOrThrow(tx, row.plan_id);
  const requested = command.plan_id === null ? null : await findPlan(tx, command.plan_id);
  if (command.plan_id !== null && requested === null) return unfit('plan_id', 'must be the id of a plan');
  const { quantity, effective, proration } = command;
  const request = { plan: requested && toPlanTerms(requested), quantity, effective, proration };
  return decideChange(toFacts(row), toPlanTerms(current), request, context.now.toISOString());
}

/** Applies everything of the command that takes effect now. */
export async function applyChange(
  tx: Transaction,
  row: SubscriptionRow,
  command: ChangeCommand,
  decision: Exclude<ChangeDecision, { kind: 'charge' | 'refused' }>,
  context: ChangeContext,
): Promise<Outcome> {
  const method = await methodPart(tx, row, command);
  if ('kind' in method) return method;
  const ending = endingOf(row, command, context);
  if (ending.kind === 'refused') return ending;
  if (ending.kind === 'end') {
    return endSubscription(tx, row, { mode: 'period_end', refund: 'none', reason: null }, context);
  }
  const terms = await termsPart(tx, row, decision, context);
  const metadata = metadataPart(row, command);
  const parts = [terms, method, metadata, ending];
  const changes = parts.flatMap((part) => part.changes);
  if (changes.length === 0) return toRecord(row);
  const patch: Patch = Object.assign({}, ...parts.map((part) => part.patch));
  return writeUpdated(tx, row, patch, { ...context, changes }).record;
}

interface Part {
  patch: Patch;
  changes: SubscriptionChange[];
}
const nothing: Part = { patch: {}, changes: [] };

async function termsPart(
  tx: Transaction,
  row: SubscriptionRow,
  decision: Exclude<ChangeDecision, { kind: 'charge' | 'refused' }>,
  context: ChangeContext,
): Promise<Part> {
  switch (decision.kind) {
    case 'unchanged':
      return nothing;
    case 'drop_pending':
      return { patch: pendingColumn(null), changes: ['change_scheduled'] };
    case 'schedule':
      return { patch: pendingColumn(decision.pending), changes: ['change_scheduled'] };
    case 'apply':
      return applyTerms(
        tx,
        row,
        { terms: decision.terms, waiting: decision.lines, payment_id: null },
        context.now,
      );
  }
}

async function methodPart(
  tx: Transaction,
  row: SubscriptionRow,
  command: ChangeCommand,
): Promise<Part | Refusal> {
  const id = command.payment_method_id;
  if (id === null || id === row.payment_method_id) return nothing;
  const method = await findMethodOfCustomer(tx, row.customer_id, id);
  if (method === null) return unfit('payment_method_id', 'must be a payment method of this customer');
  return {
    patch: { payment_method_id: method.id, provider: method.provider },
    changes: ['payment_method_changed'],
  };
}

function metadataPart(row: SubscriptionRow, { metadata }: ChangeCommand): Part {
  if (metadata === null || isDeepStrictEqual(metadata, row.metadata)) return nothing;
  return { patch: { metadata }, changes: ['metadata_changed'] };
}

function endingOf(
  row: SubscriptionRow,
  { cancel_at_period_end: atPeriodEnd }: ChangeCommand,
  context: ChangeContext,
): (Part & { kind: 'continue' }) | { kind: 'end' } | Refusal {
  const decision = decideEnding(toFacts(row), atPeriodEnd, context.now.toISOString());
  switch (decision.kind) {
    case 'refused':
      return decision;
    case 'cancel':
      return { kind: 'end' };
    case 'unchanged':
      return { kind: 'continue', ...nothing };
    case 'revoke':
      return { kind: 'continue', patch: { cancel_at: null }, changes: ['cancellation_revoked'] };
    case 'schedule': {
      const patch = { cancel_at: new Date(decision.cancelAt) };
      return { kind: 'continue', patch, changes: ['cancellation_scheduled'] };
    }
  }
}

/** One command creates one payment. */
function changePaymentId(command: ChangeCommand): string {
  return derivedId('payment', ['change', command.command_id]);
}

function changePayment(
  row: SubscriptionRow,
  command: ChangeCommand,
  { terms, lines, amount }: Extract<ChangeDecision, { kind: 'charge' }>,
  { now, realNow }: ChangeContext,
): NewChangePayment {
  const id = changePaymentId(command);
  return {
    id,
    customer_id: row.customer_id,
    subscription_id: row.id,
    period_index: terms.new_period === null ? row.period_index : (row.period_index ?? 0) + 1,
    currency: row.currency,
    amount,
    lines,
    payment_method_id: command.payment_method_id,
    change: {
      command,
      terms: { terms, waiting: [], payment_id: id },
      base_version: row.version,
      period_index: row.period_index,
    },
    created_at: now,
    updated_at: realNow,
  };
}

function mismatch(row: SubscriptionRow, wanted: number): Refusal {
  const detail = `The subscription is version ${row.version}, not ${wanted}: read it and decide again.`;
  return { kind: 'refused', code: 'version_mismatch', detail, reason: String(row.version) };
}

function unfit(field: string, detail: string): Refusal {
  return { kind: 'refused', code: 'validation_failed', detail, reason: field };
}
