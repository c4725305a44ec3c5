/** What a change would cost. Invariant: the preview follows the same rules as the change, and writes nothing. */
import type { ChangePreview, ChangeSubscription } from '../../contracts/http/subscriptions';
import { notFound } from '../../contracts/problem-error';
import { periodAmount } from '../../domain/money';
import { pendingAfter } from '../../domain/subscription/change';
import { endAfter } from '../../domain/subscription/commands';
import { nextDue } from '../../domain/subscription/due';
import type { SubscriptionFacts } from '../../domain/subscription/facts';
import {
  nextCharge,
  priceChange,
  stateAfter,
  type MoneyAtChange,
} from '../../domain/subscription/priced-change';
import type { Database } from '../../prisma/client';
import { timesFor } from '../clock';
import { limitsOfProviders, type ChargingProviders } from '../ledger/limits';
import { readUsableCredit } from '../ledger/credit';
import { readLedgerOf } from '../ledger/opening';
import { subscriptionRow, toFacts } from '../rows';
import { Chargers } from './chargers';
import { decideTerms, type AskedTerms, type DecidedTerms } from './decide-terms';
import { refuseSmallPrice } from './smallest-price';
import { problemOf, refuseFinal } from './subscriptions';

/** Computes the lines and amounts of a change. Changes nothing. @throws ProblemError what the change is refused with */
export async function previewChange(
  db: Database,
  providers: ChargingProviders,
  subscriptionId: string,
  request: ChangeSubscription,
): Promise<ChangePreview> {
  const found = await db.subscription.findUnique({ where: { id: subscriptionId } });
  if (found === null) throw notFound('subscription');
  const row = subscriptionRow(found);
  const facts = toFacts(row);
  refuseFinal(facts, 'changed');
  const { now } = await timesFor(db, row.test_clock_id);
  const decided = await decideTerms(db, facts, askedTerms(request), now);
  if ('kind' in decided) throw problemOf(decided);
  const { decision, plans } = decided;
  const { plan_id = null, payment_method_id = null } = request;
  const limitsOf = limitsOfProviders(providers);
  const chargers = new Chargers(db, row, payment_method_id);
  const named = { plan_id, payment_method_id };
  const tooSmall = await refuseSmallPrice(db, row, named, decision, { chargers, limitsOf });
  if (tooSmall !== null) throw problemOf(tooSmall);
  const state = await readLedgerOf(db, row, now);
  const money: MoneyAtChange = {
    state,
    credit: await readUsableCredit(db, row, state),
    limits: limitsOf(await chargers.after(), row.currency),
  };
  const endsAt = endAfter(facts, request.cancel_at_period_end ?? null);
  const asked = { at: now.toISOString(), status: facts.status, endsAt };
  const priced = decision.kind === 'terms' ? priceChange(money, decision, asked) : null;
  if (priced?.kind === 'refused') throw problemOf(priced);
  const after = priced === null ? null : stateAfter(money, priced);
  const left =
    after === null
      ? money
      : { ...money, state: after.state, credit: { ...money.credit, customer: after.customer } };
  const { currency } = row;
  const { cancel_at_period_end: ends = facts.cancel_at !== null } = request;
  const due = ends ? null : dueAfter({ ...facts, cancel_at: null }, decision);
  return {
    as_of: now.toISOString(),
    lines: priced === null || priced.kind === 'keeps' ? [] : priced.lines,
    due_now: { amount: priced?.kind === 'charge' ? priced.amount : 0, currency },
    next_renewal:
      due === null
        ? null
        : {
            at: due,
            amount: nextCharge(left, nextPrice(facts, decision, plans), { start: due, end: due }),
            currency,
          },
  };
}

function askedTerms(request: ChangeSubscription): AskedTerms {
  const { plan_id: planId = null, quantity = null } = request;
  const { effective = 'now', proration = 'next_renewal', cancel_change: cancelChange = false } = request;
  return { planId, quantity, effective, proration, cancelChange };
}

/** When the next renewal of a subscription that does not end is due after the change; null: nothing is due by itself. */
function dueAfter(facts: SubscriptionFacts, decision: DecidedTerms['decision']): string | null {
  const newPeriod = decision.kind === 'terms' ? decision.terms.new_period : null;
  return newPeriod?.end ?? nextDue(facts)?.at ?? null;
}

/** What the next period costs: of the terms that will hold then. */
function nextPrice(
  facts: SubscriptionFacts,
  decision: DecidedTerms['decision'],
  { current, waiting, requested }: DecidedTerms['plans'],
): number {
  const now = decision.kind === 'terms' ? decision.terms : facts;
  const pending = pendingAfter(facts, decision);
  if (pending?.effective !== 'period_end') return now.amount;
  const plan = [requested, waiting, current].find((one) => one?.id === pending.plan_id) ?? current;
  return periodAmount(plan.amount, pending.quantity) ?? 0;
}
