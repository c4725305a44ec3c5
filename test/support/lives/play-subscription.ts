/** Plays what callers ask of a subscription, and what falls due. */
import { openDue } from '../../../billing/subscription/open-due';
import { beginCreation } from '../../../billing/subscription/begin';
import { commitChange } from '../../../billing/subscription/commit-change';
import { commitCancellation, commitPause, commitResumption } from '../../../billing/subscription/commands';
import { concludeChange } from '../../../billing/subscription/conclude-change';
import { recordDunningExhausted } from '../../../billing/subscription/dunning';
import { earnEndedPeriod } from '../../../billing/subscription/earn-period';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import type { SubscriptionRecord } from '../../../billing/subscription/record';
import type { ChangeCommand } from '../../../contracts/workflows/commands';
import type { FinalAction } from '../../../domain/retry/policy';
import { inTransaction } from '../../../prisma/client';
import { subscriptionCreation } from '../creation';
import { nothingAsked } from '../subscription-life';
import type { Deed } from '../ledger/deed';
import { begin } from './play-charges';
import { waysToSell, type Sold } from './plans';
import type { SubscriptionFigures } from './rows';
import { mustCommit, type Stage } from './stage';

type Did<Kind extends Deed['do']> = Extract<Deed, { do: Kind }>;

export async function playCreate(stage: Stage, deed: Did<'create'>): Promise<void> {
  const { sub, payment, trialDays } = deed;
  const id = `sub_${stage.label}_${sub}`;
  stage.call(sub, id);
  const { planId: plan_id, quantity } = choose(stage, waysToSell(stage.currency, deed));
  const creation = subscriptionCreation(id, {
    customer_id: stage.customerId,
    payment_method_id: stage.methodId,
    plan_id,
    quantity,
    trial_days: trialDays,
  });
  const begun = await beginCreation(stage.deps, creation);
  if (payment === null) return mustCommit(begun, 'concluded');
  if (begun.kind !== 'charge' || begun.attempt.kind !== 'call') throw new Error(`${id} charges nothing`);
  stage.call(payment, begun.paymentId);
  stage.provider.receive(begun.attempt.charge);
  if (stage.way('creation') === 'its caller waits') return;
  await applyFirstPayment(stage.db, id);
}

function choose(stage: Stage, ways: readonly Sold[]): Sold {
  const [first, ...others] = ways;
  if (first === undefined) throw new Error('there is no such plan');
  return stage.draw([first, ...others]);
}

/** What is due is done: a period opens, or the subscription ends. */
export async function playDue(
  stage: Stage,
  { sub, payment = null }: { sub: string; payment?: string | null },
): Promise<void> {
  const id = stage.named(sub);
  const { record } = await inTransaction(stage.db, (tx) => openDue(tx, id, stage.limitsOf));
  await beginOpened(stage, record, payment);
}

/** The first attempt of a period that has opened. @param name of its payment; null: it should need none */
async function beginOpened(
  stage: Stage,
  { subscription }: SubscriptionRecord,
  name: string | null,
): Promise<void> {
  const { open_payment_id: paymentId } = subscription;
  if (name === null) return;
  if (paymentId === null) throw new Error(`${subscription.id} charges nothing for the period that opens`);
  stage.call(name, paymentId);
  await begin(stage, paymentId, 'renewal');
}

export async function playEarn(stage: Stage, { sub }: { sub: string }): Promise<void> {
  await stage.maybeTwice('period that is over', () => earnEndedPeriod(stage.db, stage.named(sub)));
}

const terms = {
  charge_now: { effective: 'now', proration: 'charge_now' },
  next_renewal: { effective: 'now', proration: 'next_renewal' },
  none: { effective: 'now', proration: 'none' },
  period_end: { effective: 'period_end', proration: 'none' },
} as const;

export async function playChange(stage: Stage, deed: Did<'change'>): Promise<void> {
  const { sub, payment, how } = deed;
  const row = stage.sub(sub);
  const asked = askFor(stage, row, deed);
  const command: ChangeCommand = { ...nothingAsked, ...stage.command(), ...terms[how], ...asked };
  const begun = await commitChange(stage.deps, row.id, command);
  if (payment === null) return mustCommit(begun);
  if (begun.kind !== 'charge') throw new Error(`${begun.kind}, not charged: ${JSON.stringify(begun)}`);
  stage.call(payment, begun.payment_id);
  await begin(stage, begun.payment_id, 'manual');
  if (deed.races === true || stage.script.unanswered.has(payment)) return;
  mustCommit((await concludeChange(stage.deps, row.id, begun.payment_id, false)).concluded);
}

/** A plan and a quantity with the price, other than those there are; what stays is left out now and then. */
function askFor(stage: Stage, row: SubscriptionFigures, deed: Did<'change'>) {
  const { plan_id: planNow, quantity: quantityNow } = row;
  const ways = waysToSell(stage.currency, deed).filter(
    ({ planId, quantity }) => planId !== planNow || quantity !== quantityNow,
  );
  const samePlan = ways.filter(({ planId }) => planId === planNow);
  const prefers = samePlan.length > 0 && stage.way('change') === 'quantity';
  const { planId, quantity } = choose(stage, prefers ? samePlan : ways);
  // What is left out stays also in a change that waits for the period's end.
  const isNamed = row.pending !== null || stage.draw([true, false]);
  return {
    plan_id: planId === planNow && !isNamed ? null : planId,
    quantity: quantity === quantityNow && !isNamed ? null : quantity,
  };
}

export async function playPause(stage: Stage, { sub }: { sub: string }): Promise<void> {
  const command = { ...stage.command(), resume_at: null };
  await stage.maybeTwice('pause', async () =>
    mustCommit(await commitPause(stage.deps, stage.named(sub), command)),
  );
}

export async function playResume(
  stage: Stage,
  { sub, payment }: { sub: string; payment: string | null },
): Promise<void> {
  const resumed = await commitResumption(stage.deps, stage.named(sub), stage.command());
  mustCommit(resumed);
  await beginOpened(stage, resumed.record, payment);
}

export async function playCancel(
  stage: Stage,
  { do: what, sub, refund }: Did<'cancel' | 'schedule the end'>,
): Promise<void> {
  const mode = what === 'cancel' ? ('now' as const) : ('period_end' as const);
  const command = { ...stage.command(), mode, refund, reason: null };
  await stage.maybeTwice('cancellation', async () =>
    mustCommit(await commitCancellation(stage.deps, stage.named(sub), command)),
  );
}

export async function playTakeBack(stage: Stage, { sub }: { sub: string }): Promise<void> {
  const command = { ...nothingAsked, ...stage.command(), cancel_change: true };
  await stage.maybeTwice('change taken back', async () =>
    mustCommit(await commitChange(stage.deps, stage.named(sub), command)),
  );
}

export async function playKeep(stage: Stage, { sub }: { sub: string }): Promise<void> {
  const command = { ...nothingAsked, ...stage.command(), cancel_at_period_end: false };
  mustCommit(await commitChange(stage.deps, stage.named(sub), command));
}

/** Dunning has ended without money. */
export async function playExhausted(stage: Stage, sub: string, final_action: FinalAction): Promise<void> {
  const { id, open_payment_id: paymentId, period_index } = stage.sub(sub);
  if (paymentId === null) throw new Error(`${sub} has no payment that is open`);
  const about = { payment_id: paymentId, period_index: period_index ?? 0, final_action };
  await stage.maybeTwice('dunning exhausted', () => recordDunningExhausted(stage.deps, id, about));
}
