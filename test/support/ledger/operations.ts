/** Every operation of a life, and the pairs of operation and situation that cannot be. */
import { moneyOperations } from './money-operations';
import type { Operation, Situation } from './moment';
import { subscriptionOperations } from './subscription-operations';

export const operations: readonly Operation[] = [...subscriptionOperations, ...moneyOperations];

interface Impossible {
  operations: RegExp;
  /** Where it cannot be; or, with `only`, the one place where it can. */
  in?: readonly Situation[];
  only?: readonly Situation[];
  because: string;
}

const uncharged: readonly Situation[] = ['none', 'trialing', 'incomplete'];

/** What cannot be; all else has to occur. */
export const impossible: readonly Impossible[] = [
  {
    operations: /^(grant|correct|pay credit out|charge a payment of its own)/,
    only: ['customer'],
    because: 'it is about the customer alone',
  },
  { operations: /^create/, only: ['none', 'ended'], because: 'there is one, which lives' },
  {
    operations: /refund (a part|all)|^a refund|^the provider|dispute/,
    in: uncharged,
    because: 'nothing was charged',
  },
  {
    operations: /^the charge/,
    only: ['incomplete', 'charging', 'past_due', 'changing', 'paused_unpaid'],
    because: 'no charge is awaited',
  },
  { operations: /^the charge fails/, in: ['past_due'], because: 'it has failed' },
  { operations: /^what was charged/, only: ['applying'], because: 'nothing waits' },
  {
    operations: /^a charge succeeds late|^an overtaken/,
    in: ['customer', ...uncharged],
    because: 'no charge can be overtaken yet',
  },
  { operations: /^(write off|expire)/, only: ['past_due'], because: 'dunning ends past due only' },
  {
    operations: /^renew/,
    only: ['trialing', 'active', 'changing', 'applying'],
    because: 'what is unpaid, paused or about to end is not renewed',
  },
  {
    operations: /^a period that is over/,
    in: ['customer', ...uncharged, 'ended'],
    because: 'none has begun, or all has ended',
  },
  {
    operations: /^change/,
    only: ['trialing', 'active', 'cancelling', 'paused'],
    because: 'an unpaid period is not changed, nor what changes already',
  },
  {
    operations: /^another change|^take the change back/,
    only: ['changing'],
    because: 'no other one waits for its charge',
  },
  {
    operations: /^change interval, period_end/,
    only: ['trialing'],
    because: 'another interval is charged at once',
  },
  {
    operations: /^change up, next_renewal/,
    in: ['cancelling'],
    because: 'no renewal comes that could charge it',
  },
  { operations: /^change.*charge_now/, in: ['paused'], because: 'nothing is charged during a pause' },
  {
    operations: /^pause/,
    only: ['active', 'charging', 'past_due', 'applying', 'cancelling'],
    because: 'it is paused, has not begun, or waits for a change',
  },
  {
    operations: /^resume/,
    only: ['paused', 'paused_unpaid', 'written_off', 'applying'],
    because: 'it is not paused',
  },
  { operations: /^cancel/, in: ['customer', 'none', 'ended'], because: 'nothing lives' },
  {
    operations: /^schedule the end/,
    only: ['active', 'paused', 'written_off'],
    because: 'there is no paid period to finish, or it is scheduled',
  },
  {
    operations: /^keep it|^the scheduled end/,
    only: ['changing', 'applying', 'cancelling', 'paused', 'written_off'],
    because: 'no end is scheduled',
  },
];

/** Why an operation cannot be in a situation; null: it can. */
export function reasonAgainst(operation: string, situation: Situation): string | null {
  const against = impossible.find(
    ({ operations: names, in: not, only }) =>
      names.test(operation) && (only === undefined ? not?.includes(situation) : !only.includes(situation)),
  );
  return against?.because ?? null;
}
