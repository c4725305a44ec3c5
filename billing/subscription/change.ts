/**
 * The command `change`: price, quantity, payment method, metadata, the end at the period's end, in one version.
 *
 * Invariants: what has to be paid first changes nothing before it is paid: the wish travels with the payment's row;
 * the same command again finds the payment that it made.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ChangeCommand } from '../../contracts/workflows/commands';
import { derivedId } from '../../domain/ids';
import { isFinal, type SubscriptionChange } from '../../domain/subscription/subscription';
import { decideChange, type ChangeDecision } from '../../domain/subscription/change';
import {
  decideCancel,
  decideRevocation,
  refusedFinal,
  type Refusal,
} from '../../domain/subscription/commands';
import type { Database, Transaction } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { termsPatch, type TermsChange } from './change-terms';
import { endSubscription } from './end';
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

/** What a payment is to make of its subscription, kept in its row. */
export interface PaidChange {
  command: ChangeCommand;
  terms: TermsChange;
  /** Another version, or another period: too late, the money goes back. */
  base_version: number;
  period_index: number | null;
}

export async function commitChange(
  db: Database,
  subscriptionId: string,
  command: ChangeCommand,
): Promise<BegunChange> {
  let paymentId: string | null = null;
  const committed = await transact(db, subscriptionId, command.command_id, async (tx, row, times) => {
    const context: ChangeContext = {
      ...times,
      commandId: command.command_id,
      changes: [],
      ...requestedBy(command),
    };
    const existing = await tx.payment.findUnique({ where: { id: changePaymentId(command) } });
    if (existing !== null) {
      paymentId = existing.id;
      return toRecord(row);
    }
    if (command.if_version !== null && command.if_version !== row.version)
      return mismatch(row, command.if_version);
    if (isFinal(toFacts(row).status)) return refusedFinal(toFacts(row).status, 'changed');
    const decision = await decided(tx, row, command, context);
    if (decision.kind === 'charge') {
      paymentId = await insertPayment(tx, row, command, decision, context);
      return toRecord(row);
    }
    return decision.kind === 'refused' ? decision : applyChange(tx, row, command, decision, context);
  });
  return paymentId !== null && committed.kind === 'committed'
    ? { kind: 'charge', record: committed.record, payment_id: paymentId }
    : committed;
}

/** The price's part of the command. */
async function decided(
  tx: Transaction,
  row: SubscriptionRow,
  command: ChangeCommand,
  context: ChangeContext,
): Promise<ChangeDecision> {
  const current = await tx.plan.findUniqueOrThrow({ where: { id: row.plan_id } });
  const wanted =
    command.plan_id === null ? null : await tx.plan.findUnique({ where: { id: command.plan_id } });
  if (command.plan_id !== null && wanted === null) return unfit('plan_id', 'must be the id of a plan');
  const { quantity, effective, proration } = command;
  const request = { plan: wanted && toPlanTerms(wanted), quantity, effective, proration };
  return decideChange(toFacts(row), toPlanTerms(current), request, context.now.toISOString());
}

/** Everything of the command that holds now. */
export async function applyChange(
  tx: Transaction,
  row: SubscriptionRow,
  command: ChangeCommand,
  decision: Exclude<ChangeDecision, { kind: 'charge' | 'refused' }>,
  context: ChangeContext,
): Promise<Outcome> {
  const method = await methodPatch(tx, row, command);
  if ('kind' in method) return method;
  const ending = endingOf(row, command, context);
  if (ending.kind === 'refused') return ending;
  if (ending.kind === 'end') {
    return endSubscription(tx, row, { mode: 'period_end', refund: 'none', reason: null }, context);
  }
  const price = await pricePatch(tx, row, decision, context);
  const metadata = metadataPatch(row, command);
  const parts = [price, method, metadata, ending];
  const changes = parts.flatMap((part) => part.changes);
  if (changes.length === 0) return toRecord(row);
  const patch: Patch = Object.assign({}, ...parts.map((part) => part.patch));
  return writeUpdated(tx, row, patch, { ...context, changes });
}

interface Part {
  patch: Patch;
  changes: SubscriptionChange[];
}
const nothing: Part = { patch: {}, changes: [] };

async function pricePatch(
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
      return termsPatch(
        tx,
        row,
        { terms: decision.terms, waiting: decision.lines, payment_id: null },
        context.now,
      );
  }
}

async function methodPatch(
  tx: Transaction,
  row: SubscriptionRow,
  command: ChangeCommand,
): Promise<Part | Refusal> {
  const id = command.payment_method_id;
  if (id === null || id === row.payment_method_id) return nothing;
  const method = await tx.paymentMethod.findFirst({
    where: { id, customer_id: row.customer_id, deleted_at: null },
  });
  if (method === null) return unfit('payment_method_id', 'must be a payment method of this customer');
  return {
    patch: { payment_method_id: method.id, provider: method.provider },
    changes: ['payment_method_changed'],
  };
}

function metadataPatch(row: SubscriptionRow, { metadata }: ChangeCommand): Part {
  if (metadata === null || isDeepStrictEqual(metadata, row.metadata)) return nothing;
  return { patch: { metadata }, changes: ['metadata_changed'] };
}

function endingOf(
  row: SubscriptionRow,
  { cancel_at_period_end: wanted }: ChangeCommand,
  context: ChangeContext,
): (Part & { kind: 'go_on' }) | { kind: 'end' } | Refusal {
  const proceed = (part: Part) => ({ kind: 'go_on' as const, ...part });
  if (wanted === null) return proceed(nothing);
  if (!wanted) {
    const decision = decideRevocation(toFacts(row));
    if (decision.kind === 'refused') return decision;
    if (decision.kind === 'unchanged') return proceed(nothing);
    return proceed({ patch: { cancel_at: null }, changes: ['cancellation_revoked'] });
  }
  const decision = decideCancel(toFacts(row), 'period_end', context.now.toISOString());
  if (decision.kind === 'refused') return decision;
  if (decision.kind === 'cancel') return { kind: 'end' };
  if (decision.kind === 'unchanged') return proceed(nothing);
  return proceed({ patch: { cancel_at: new Date(decision.cancelAt) }, changes: ['cancellation_scheduled'] });
}

/** One command makes one payment. */
function changePaymentId(command: ChangeCommand): string {
  return derivedId('payment', ['change', command.command_id]);
}

async function insertPayment(
  tx: Transaction,
  row: SubscriptionRow,
  command: ChangeCommand,
  { terms, lines, amount }: Extract<ChangeDecision, { kind: 'charge' }>,
  { now, realNow }: ChangeContext,
): Promise<string> {
  const id = changePaymentId(command);
  const change: PaidChange = {
    command,
    terms: { terms, waiting: [], payment_id: id },
    base_version: row.version,
    period_index: row.period_index,
  };
  await tx.payment.create({
    data: {
      id,
      kind: 'proration',
      status: 'requested',
      customer_id: row.customer_id,
      subscription_id: row.id,
      period_index: terms.new_period === null ? row.period_index : (row.period_index ?? 0) + 1,
      currency: row.currency,
      amount,
      lines: lines as unknown as Prisma.InputJsonValue,
      payment_method_id: command.payment_method_id,
      announced: false,
      change: change as unknown as Prisma.InputJsonValue,
      created_at: now,
      updated_at: realNow,
    },
  });
  return id;
}

function mismatch(row: SubscriptionRow, wanted: number): Refusal {
  const detail = `The subscription is version ${row.version}, not ${wanted}: read it and decide again.`;
  return { kind: 'refused', code: 'version_mismatch', detail, reason: String(row.version) };
}

function unfit(field: string, detail: string): Refusal {
  return { kind: 'refused', code: 'validation_failed', detail, reason: field };
}
