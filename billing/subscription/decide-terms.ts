/** What a change makes of the terms, decided for its preview and for the change alike. */
import {
  decideChange,
  type ChangeDecision,
  type ChangePlans,
  type ChangeRequest,
  type PlanTerms,
} from '../../domain/subscription/change';
import type { Refusal } from '../../domain/subscription/commands';
import type { SubscriptionFacts } from '../../domain/subscription/facts';
import type { Database, Transaction } from '../../prisma/client';
import { toPlanTerms } from '../rows';
import { unfit } from './apply-change';
import { findPlan, findPlanOrThrow } from './store';

/** What is asked of the terms; a plan or a quantity of null stays. */
export interface AskedTerms extends Omit<ChangeRequest, 'plan'> {
  planId: string | null;
}

/** A decision, and the plans that it was made from. */
export interface DecidedTerms {
  decision: Exclude<ChangeDecision, Refusal>;
  plans: ChangePlans & { requested: PlanTerms | null };
}

/** Reads the plans that a change is about, and decides. */
export async function decideTerms(
  on: Database | Transaction,
  facts: SubscriptionFacts,
  { planId, ...asked }: AskedTerms,
  now: Date,
): Promise<DecidedTerms | Refusal> {
  const current = toPlanTerms(await findPlanOrThrow(on, facts.plan_id));
  const found = planId === null ? null : await findPlan(on, planId);
  if (planId !== null && found === null) return unfit('plan_id', 'must be the id of a plan');
  const requested = found && toPlanTerms(found);
  const pending = facts.pending_change?.effective === 'period_end' ? facts.pending_change : null;
  const waiting = pending && toPlanTerms(await findPlanOrThrow(on, pending.plan_id));
  const request = { plan: requested, ...asked };
  const decision = decideChange(facts, { current, waiting }, request, now.toISOString());
  return decision.kind === 'refused' ? decision : { decision, plans: { current, waiting, requested } };
}
