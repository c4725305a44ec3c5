/**
 * A life at random as a script: what is done at each instant, and what must stand afterwards, by the oracle and by what
 * the life keeps of rows. Pure: who plays the script on real rows has no part in what it expects.
 */
import type { Deed } from '../ledger/deed';
import type { Situation } from '../ledger/moment';
import * as back from '../ledger/money-back';
import { applyCharged } from '../ledger/charges';
import { randomOf, relive, type Plan } from '../ledger/random-life';
import { drawRefused, type Refused } from './refusals';
import { World, type Payment, type Refund, type Sub } from '../ledger/world';

/** What must stand after a step. */
export interface Expected {
  /** By `{owner}|{account}|{source}`, above 0 on the side that the account has. */
  figures: ReadonlyMap<string, number>;
  subs: readonly Pick<
    Sub,
    'id' | 'status' | 'price' | 'period' | 'open' | 'cancel' | 'pausedFrom' | 'waiting' | 'next'
  >[];
  payments: readonly Pick<Payment, 'id' | 'amount' | 'unapplied' | 'disputed' | 'lost'>[];
  refunds: readonly Pick<Refund, 'id' | 'payment' | 'amount' | 'status'>[];
}

export interface ScriptStep {
  /** By the customer's clock. */
  at: string;
  /** As it is told when something goes wrong. */
  title: string;
  /** What was met; null: it only tidies up. */
  met: { operation: string; situation: Situation } | null;
  deed: Deed;
  /** By subscription: payments whose money had come before the step and was not applied. */
  unapplied: ReadonlyMap<string, readonly string[]>;
  /** What the way is drawn from, in which it is done. */
  draw: number;
  after: Expected;
  /** What is asked for then, and has to be refused; null: nothing. */
  refused: Refused | null;
}

export interface Script {
  limits: Plan['limits'];
  steps: ScriptStep[];
  /** Payments of changes whose caller is not answered before another change is asked for: nothing waits for them. */
  unanswered: ReadonlySet<string>;
}

/** Writes the script of a plan, with an end at which all that is open is settled. @throws LifeFault */
export function scriptOf(plan: Plan): Script {
  const world = new World(plan.limits);
  const steps: ScriptStep[] = [];
  const unanswered = new Set<string>();
  const waiting = new Map<string, string | null>();
  let unapplied = unappliedOf(world);
  for (const { step, situation, deed } of relive(plan, world)) {
    const { operation, slot, draws } = step;
    const title = `${slot ?? '-'} ${situation}: ${operation}`;
    const met = { operation, situation };
    if (deed.do === 'change' && deed.races === true) unanswered.add(waiting.get(deed.sub) ?? '');
    for (const sub of world.subs.values()) waiting.set(sub.id, sub.waiting);
    const draw = draws.at(-1) ?? 0;
    const refused = draw % 3 === 0 ? drawRefused(world, randomOf(draw)) : null;
    steps.push({ at: world.now, title, met, deed, unapplied, draw, after: expectedOf(world), refused });
    unapplied = unappliedOf(world);
  }
  for (const deed of settleAll(world)) {
    const title = `at last: ${deed.do}`;
    const draw = steps.length;
    const after = expectedOf(world);
    steps.push({ at: world.now, title, met: null, deed, unapplied, draw, after, refused: null });
    unapplied = unappliedOf(world);
  }
  const isKnown = ({ waiting }: Refused) => waiting === null || !unanswered.has(waiting);
  const asked = steps.map((step) => ({
    ...step,
    refused: step.refused !== null && isKnown(step.refused) ? step.refused : null,
  }));
  return { limits: plan.limits, steps: asked, unanswered };
}

function unappliedOf(world: World): ReadonlyMap<string, readonly string[]> {
  return new Map([...world.subs.keys()].map((sub) => [sub, world.unapplied(sub).map(({ id }) => id)]));
}

function expectedOf({ oracle, subs, payments, refunds }: World): Expected {
  return {
    figures: oracle.figures(),
    subs: [...subs.values()].map((sub) => ({
      ...sub,
      period: sub.period && { ...sub.period },
      cancel: sub.cancel && { ...sub.cancel },
    })),
    payments: [...payments.values()].map((payment) => ({ ...payment })),
    refunds: refunds.map((refund) => ({ ...refund })),
  };
}

/** Settles what is open: disputes, received money, refunds. */
function* settleAll(world: World): Generator<Deed> {
  for (const [index, dispute] of world.disputes.entries()) {
    if (dispute.status !== 'open') continue;
    const isWon = index % 2 === 0;
    if (isWon) back.winDispute(world, dispute);
    else back.loseOpenDispute(world, dispute);
    yield { do: isWon ? 'dispute won' : 'dispute lost', dispute: dispute.id };
  }
  for (const sub of world.subs.values()) {
    const payments = world.unapplied(sub.id).map(({ id }) => id);
    if (payments.length === 0) continue;
    applyCharged(world, sub);
    yield { do: 'apply', sub: sub.id, payments };
  }
  for (const refund of world.refunds) {
    const isGivenUp = refund.status === 'failed';
    if (isGivenUp) back.release(world, refund);
    else if (refund.status === 'pending') back.settle(world, refund);
    else continue;
    yield { do: isGivenUp ? 'refund given up' : 'refund paid', refund: refund.id };
  }
}
