/** The table of what waits agrees with the statuses, the predicates and the operator tasks that there are. */
import { deadLetterStatuses } from '../../../contracts/http/dead-letters';
import { notificationStatuses } from '../../../contracts/http/notifications';
import { deliveryStatuses } from '../../../contracts/http/webhook-deliveries';
import { disputeStatuses } from '../../../domain/ledger/dispute';
import { openStates } from '../../../domain/open-states';
import {
  isAttemptOpen,
  isPaymentOpen,
  attemptStatuses,
  paymentStatuses,
} from '../../../domain/payment/payment';
import { operatorTaskKinds, operatorTaskStatuses } from '../../../domain/payment/operator-task';
import { renewalRunStatuses } from '../../../domain/renewal/run';
import { refundStatuses } from '../../../domain/payment/refund';
import { bulkRetryStatuses } from '../../../domain/retry/bulk-retry';
import { isFaultWhenLasting, predicateNames } from '../../../domain/stuck-work';
import { isFinal, subscriptionStatuses } from '../../../domain/subscription/subscription';
import { testClockStatuses } from '../../../domain/test-clock';

/** The statuses of each entity that has a column for it, and which of them nothing comes after by itself. */
const statuses: [entity: string, all: readonly string[], ended: readonly string[]][] = [
  ['subscription', subscriptionStatuses, ['cancelled', 'expired']],
  ['renewal run', renewalRunStatuses, ['finished', 'lost']],
  ['payment', paymentStatuses, ['completed', 'partially_refunded', 'refunded', 'cancelled', 'uncollectible']],
  ['attempt', attemptStatuses, ['completed', 'failed']],
  ['refund', refundStatuses, ['succeeded']],
  ['dispute', disputeStatuses, ['won', 'lost']],
  ['bulk retry', bulkRetryStatuses, ['completed', 'cancelled']],
  ['test clock', testClockStatuses, ['ready']],
  ['webhook delivery', deliveryStatuses, ['processed', 'ignored']],
  ['dead letter', deadLetterStatuses, ['redriven', 'discarded']],
  ['notification', notificationStatuses, ['sent', 'skipped', 'failed']],
  ['operator task', operatorTaskStatuses, ['resolved']],
];
const statesOf = (entity: string) =>
  openStates.filter((row) => row.entity === entity).flatMap(({ states }) => states);

describe('the table of what waits', () => {
  it.each(statuses)('has every status of a %s that is not its end, and no end', (entity, all, ended) => {
    const known = new Set([...statesOf(entity), ...ended]);
    expect(all.filter((status) => !known.has(status))).toEqual([]);
    expect(statesOf(entity).filter((state) => ended.includes(state))).toEqual([]);
  });

  it('calls open what the rules call open', () => {
    expect(statesOf('payment')).toEqual(expect.arrayContaining(paymentStatuses.filter(isPaymentOpen)));
    expect(statesOf('attempt').sort()).toEqual(attemptStatuses.filter(isAttemptOpen).sort());
    expect(statesOf('subscription').sort()).toEqual(
      subscriptionStatuses.filter((status) => !isFinal(status)).sort(),
    );
  });

  it('has every predicate of the reconciliation', () => {
    const named = new Set(openStates.flatMap(({ foundAs }) => foundAs));
    expect(predicateNames.filter((name) => !named.has(name))).toEqual([]);
  });

  it('asks an operator about stuck work wherever a predicate that means a fault finds it', () => {
    const silent = openStates.filter(
      ({ foundAs, asks, states }) =>
        foundAs.some(isFaultWhenLasting) && asks === null && !states.includes('paused'),
    );
    expect(silent).toEqual([]);
  });

  it('names somebody who looks, or whose decision it is', () => {
    const endless = openStates.filter(
      ({ looksNext, endsBy }) => looksNext === 'nobody' && !/operator|caller/.test(endsBy),
    );
    expect(endless).toEqual([]);
  });

  it('raises each kind of task that waiting can raise', () => {
    const raised = new Set<string>(openStates.flatMap(({ asks }) => (asks === null ? [] : [asks.task])));
    // These are about what a provider has reported, or about old rows, and not about what waits.
    const others = new Set(['amount_mismatch', 'second_success', 'ledger_opening']);
    expect(operatorTaskKinds.filter((kind) => !raised.has(kind) && !others.has(kind))).toEqual([]);
  });
});
