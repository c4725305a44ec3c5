/**
 * The command `change`: decided by the locked row, priced from the ledger, applied or charged.
 *
 * Invariants: a change that has to be paid first changes nothing before it is paid: the request is kept in the payment's
 * row, and credit that it uses is set aside; the same command again finds the payment that it created. What only a
 * renewal's call in progress refuses waits for its answer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChangeCommand } from '../../contracts/workflows/commands';
import { derivedId } from '../../domain/ids';
import { holdCredit } from '../../domain/ledger/change';
import { isFinal } from '../../domain/subscription/subscription';
import type { ChangeDecision, NewTermsDecision } from '../../domain/subscription/change';
import { endAfter, refusedFinal, type Refusal } from '../../domain/subscription/commands';
import type { PricedChange } from '../../domain/subscription/priced-change';
import type { Transaction } from '../../prisma/client';
import type { AttemptDependencies } from '../payment/attempt';
import { enqueueUsedCredit } from '../ledger/credit';
import { moneyColumns } from '../ledger/money-columns';
import { enqueuePosting } from '../ledger/post';
import { enqueueMoney } from '../ledger/state-store';
import { toFacts, type SubscriptionRow } from '../rows';
import { applyChange, unfit, type TermsToApply } from './apply-change';
import { transactApplied } from './apply-payment';
import { Chargers } from './chargers';
import { decideTerms, type AskedTerms } from './decide-terms';
import { enqueueChangePayment, isBeingCharged, paymentExists, type NewChangePayment } from './payment-store';
import { priceChangeOf, type MoneyOfChange } from './price-change';
import { toRecord, type SubscriptionRecord } from './record';
import { refuseSmallPrice } from './smallest-price';
import { requestedBy, type ChangeContext, type Committed, type Outcome } from './transition';

/** `charge`: nothing is changed yet, the named payment comes first. */
export type BegunChange = Committed | { kind: 'charge'; record: SubscriptionRecord; payment_id: string };

/** So long a change waits for the answer of a renewal's call. */
const renewedWithinMs = 6_000;
const lookEveryMs = 150;

export async function commitChange(
  deps: AttemptDependencies,
  subscriptionId: string,
  command: ChangeCommand,
): Promise<BegunChange> {
  const deadlineMs = performance.now() + renewedWithinMs;
  for (;;) {
    const begun = await decideAndCommit(deps, subscriptionId, command);
    if (begun.kind !== 'refused' || begun.code !== 'subscription_state') return begun;
    if (performance.now() > deadlineMs || !(await isBeingCharged(deps.db, subscriptionId))) return begun;
    await sleep(lookEveryMs);
  }
}

async function decideAndCommit(
  deps: AttemptDependencies,
  subscriptionId: string,
  command: ChangeCommand,
): Promise<BegunChange> {
  let paymentId: string | null = null;
  const committed = await transactApplied(
    deps,
    subscriptionId,
    command.command_id,
    async (tx, row, base): Promise<Outcome> => {
      // A transaction that is repeated decides anew.
      paymentId = null;
      const context: ChangeContext = { ...base, changes: [], ...requestedBy(command) };
      const ownPaymentId = changePaymentId(command);
      if (await paymentExists(tx, ownPaymentId)) {
        paymentId = ownPaymentId;
        return toRecord(row);
      }
      if (command.if_version !== null && command.if_version !== row.version)
        return mismatch(row, command.if_version);
      if (isFinal(row.status)) return refusedFinal(row.status, 'changed');
      const asked = askedAt(row, command, context);
      if ('kind' in asked) return asked;
      const decided = await decideTerms(tx, toFacts(row), askedTerms(command), asked.now);
      if ('kind' in decided) return decided;
      const { decision } = decided;
      const chargers = new Chargers(tx, row, command.payment_method_id);
      const { limitsOf } = asked;
      const tooSmall = await refuseSmallPrice(tx, row, command, decision, { chargers, limitsOf });
      if (tooSmall !== null) return tooSmall;
      const endsAt = endAfter(toFacts(row), command.cancel_at_period_end);
      const priced = await pricedOf(tx, row, decision, { chargers, endsAt }, asked);
      if (priced.kind === 'refused') return priced;
      if (priced.kind === 'charge') {
        charge(tx, row, command, priced, context);
        paymentId = ownPaymentId;
        return toRecord(row);
      }
      const applied = await applyChange(tx, row, command, priced.terms, context);
      return 'kind' in applied ? applied : applied.record;
    },
  );
  return paymentId !== null && committed.kind === 'committed'
    ? { kind: 'charge', record: committed.record, payment_id: paymentId }
    : committed;
}

/** How old a preview may be whose instant a change names. */
const previewHoldsMs = 10 * 60_000;

/** The context of the instant that a preview reckoned with, where the change names one. */
function askedAt(
  row: SubscriptionRow,
  { as_of: asOf = null }: ChangeCommand,
  context: ChangeContext,
): ChangeContext | Refusal {
  if (asOf === null) return context;
  const at = new Date(asOf);
  const ageMs = context.now.getTime() - at.getTime();
  if (ageMs < 0 || ageMs > previewHoldsMs) return unfit('as_of', 'must be an instant of the last 10 minutes');
  const earned = row.ledger_state?.earned_until ?? null;
  const isOvertaken =
    (row.test_clock_id === null && row.updated_at > at) || (earned !== null && new Date(earned) > at);
  if (isOvertaken) return unfit('as_of', 'must not be before the last change of the subscription');
  return { ...context, now: at };
}

function askedTerms(command: ChangeCommand): AskedTerms {
  const { plan_id: planId, quantity, effective, proration, cancel_change: cancelChange = false } = command;
  return { planId, quantity, effective, proration, cancelChange };
}

interface ChargedChange {
  kind: 'charge';
  decision: NewTermsDecision;
  priced: Extract<PricedChange, { kind: 'charge' }>;
  money: MoneyOfChange;
}

async function pricedOf(
  tx: Transaction,
  row: SubscriptionRow,
  decision: Exclude<ChangeDecision, Refusal>,
  by: { chargers: Chargers; endsAt: string | null },
  context: ChangeContext,
): Promise<ChargedChange | { kind: 'apply'; terms: TermsToApply } | Refusal> {
  if (decision.kind !== 'terms') return { kind: 'apply', terms: decision };
  const { money, priced } = await priceChangeOf(tx, row, decision, by, context);
  if (priced.kind === 'refused') return priced;
  if (priced.kind === 'charge') return { kind: 'charge', decision, priced, money };
  return { kind: 'apply', terms: { kind: 'terms', decision, priced, money } };
}

/** Writes the payment that the change waits for, and sets the credit aside that it uses. */
function charge(
  tx: Transaction,
  row: SubscriptionRow,
  command: ChangeCommand,
  charged: ChargedChange,
  context: ChangeContext,
): void {
  const payment = changePayment(row, command, charged, context);
  const { state, credit } = charged.money;
  const held = holdCredit(state, payment.id, charged.priced.held);
  enqueueChangePayment(tx, payment);
  if (held.entries.length === 0) return;
  enqueueUsedCredit(tx, row, credit, held.customerCredit);
  const { id: paymentId } = payment;
  const cause = { id: `${paymentId}/held`, kind: 'credit_held' as const, actor: command.actor, paymentId };
  enqueuePosting(tx, row, held, cause, context);
  enqueueMoney(tx, row.id, moneyColumns(held.state, row.waiting_lines, context.now));
}

/** One command creates one payment. */
function changePaymentId(command: ChangeCommand): string {
  return derivedId('payment', ['change', command.command_id]);
}

function changePayment(
  row: SubscriptionRow,
  command: ChangeCommand,
  { decision, priced, money }: ChargedChange,
  { now, realNow, trace }: ChangeContext,
): NewChangePayment {
  const { terms, pending } = decision;
  return {
    id: changePaymentId(command),
    customer_id: row.customer_id,
    subscription_id: row.id,
    period_index: terms.new_period === null ? row.period_index : (row.period_index ?? 0) + 1,
    currency: row.currency,
    amount: priced.amount,
    lines: priced.lines,
    payment_method_id: command.payment_method_id,
    change: {
      command,
      terms: { terms, pending },
      money: priced.change,
      revision: money.state.revision,
      base_version: row.version,
      period_index: row.period_index,
      holds_credit: priced.held.length > 0,
    },
    trace,
    created_at: now,
    updated_at: realNow,
  };
}

function mismatch(row: SubscriptionRow, wanted: number): Refusal {
  const detail = `The subscription is version ${row.version}, not ${wanted}: read it and decide again.`;
  return { kind: 'refused', code: 'version_mismatch', detail, reason: String(row.version) };
}
