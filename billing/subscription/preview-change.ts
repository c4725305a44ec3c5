/** What a change would cost. Invariant: the preview follows the same rule as the change. */
import type { ChangePreview, ChangeSubscription } from '../../contracts/http/subscriptions';
import { notFound, validationFailed } from '../../contracts/problem-error';
import { periodAmount } from '../../domain/money';
import { decideChange, previewChange as previewOf } from '../../domain/subscription/change';
import type { Database } from '../../prisma/client';
import { timesFor } from '../clock';
import { toFacts, toPlanTerms } from '../rows';
import { problemOf, refuseFinal } from './subscriptions';

/** Computes the lines and amounts of a change. Changes nothing. @throws ProblemError what the change is refused with */
export async function previewChange(
  db: Database,
  subscriptionId: string,
  request: ChangeSubscription,
): Promise<ChangePreview> {
  const { plan_id, quantity = null, effective = 'now', proration = 'next_renewal' } = request;
  const row = await db.subscription.findUnique({ where: { id: subscriptionId } });
  if (row === null) throw notFound('subscription');
  const facts = toFacts(row);
  refuseFinal(facts, 'changed');
  const current = toPlanTerms(await db.plan.findUniqueOrThrow({ where: { id: row.plan_id } }));
  const wanted = plan_id === undefined ? null : await db.plan.findUnique({ where: { id: plan_id } });
  if (plan_id !== undefined && wanted === null) {
    throw validationFailed([{ path: 'plan_id', message: 'must be the id of a plan' }]);
  }
  const plan = wanted && toPlanTerms(wanted);
  const { now } = await timesFor(db, row.test_clock_id);
  const decision = decideChange(facts, current, { plan, quantity, effective, proration }, now.toISOString());
  if (decision.kind === 'refused') throw problemOf(decision);
  const nextPrice = periodAmount((plan ?? current).amount, quantity ?? row.quantity) ?? 0;
  const { lines, due_now, next_renewal } = previewOf(facts, decision, nextPrice);
  const { currency } = row;
  return {
    lines,
    due_now: { amount: due_now, currency },
    next_renewal: next_renewal && { ...next_renewal, currency },
  };
}
