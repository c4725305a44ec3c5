/** Periods: each follows the one before, up to today, and is paid exactly when its money was taken. */
import { isLiving } from '../context';
import type { Facts, PeriodFact } from '../facts';
import type { Invariant } from './invariant';
import { paidStatuses } from './money';

function periodsOf({ subscriptions, periods }: Facts): [id: string, periods: PeriodFact[]][] {
  const bySubscription = new Map<string, PeriodFact[]>(subscriptions.map(({ id }) => [id, []]));
  for (const period of periods) {
    const its = bySubscription.get(period.subscription_id) ?? [];
    bySubscription.set(
      period.subscription_id,
      [...its, period].toSorted((a, b) => a.index - b.index),
    );
  }
  return [...bySubscription];
}

function noneSkipped(facts: Facts): string[] {
  return periodsOf(facts).flatMap(([id, its]) =>
    its.flatMap((period, place) => {
      const before = its[place - 1];
      // Period 0 is the trial.
      const index = place + (its[0]?.index === 0 ? 0 : 1);
      if (period.index !== index) return [`${id} has no period ${index}`];
      // The time of a pause is nobody's.
      const isLater = facts.reported.paused.has(id) && before !== undefined && before.end < period.start;
      const follows = before === undefined || isLater || before.end.getTime() === period.start.getTime();
      return follows ? [] : [`period ${period.index} of ${id} does not begin where the one before ends`];
    }),
  );
}

/** What is active has a period that holds now; none has one that has not begun. */
function upToToday(facts: Facts): string[] {
  const subscriptionOf = new Map(facts.subscriptions.map((subscription) => [subscription.id, subscription]));
  return periodsOf(facts).flatMap(([id, its]) => {
    const last = its.at(-1);
    const { status, clock_now: clockNow } = subscriptionOf.get(id) ?? {};
    const isActive = status === 'active';
    const now = clockNow ?? facts.now;
    if (last === undefined) return isActive ? [`${id} is active, and has no period`] : [];
    const isOver = isActive && last.end <= now;
    return [
      ...(isOver ? [`${id} is active, and its last period ended at ${last.end.toISOString()}`] : []),
      ...(last.start > now ? [`period ${last.index} of ${id} was opened before it begins`] : []),
    ];
  });
}

/** What the test made to be over was followed, each time. A commit of which it never heard may have ended one more. */
function endedOnesFollowed(facts: Facts): string[] {
  const active = new Set(facts.subscriptions.filter(({ status }) => status === 'active').map(({ id }) => id));
  return periodsOf(facts).flatMap(([id, its]) => {
    const ended = facts.reported.ended.filter((other) => other === id).length;
    return !active.has(id) || its.length > ended
      ? []
      : [`${ended} periods of ${id} have ended, and it has ${its.length}`];
  });
}

function paidAsTheirPayments({ periods, payments, subscriptions }: Facts): string[] {
  const living = new Set(subscriptions.filter(({ status }) => isLiving(status)).map(({ id }) => id));
  const statusOf = new Map(payments.map(({ id, status }) => [id, status]));
  return periods
    .filter(({ subscription_id: id, payment_id: paymentId }) => living.has(id) && paymentId !== null)
    .filter(
      ({ paid, payment_id: paymentId }) => paid !== paidStatuses.has(statusOf.get(paymentId ?? '') ?? ''),
    )
    .map(
      ({ subscription_id: id, index, paid, payment_id: paymentId }) =>
        `period ${index} of ${id} is ${paid ? 'paid' : 'not paid'}, and ${paymentId} is ${statusOf.get(paymentId ?? '')}`,
    );
}

export const periodInvariants: readonly Invariant[] = [
  { name: 'periods follow each other', violations: noneSkipped },
  { name: 'periods are opened up to today', violations: upToToday },
  { name: 'each period that ended has its successor', violations: endedOnesFollowed },
  { name: 'a period is paid when its payment is', violations: paidAsTheirPayments },
];
