import { isPaymentPaid, paymentStatuses } from '../../../domain/payment/payment';
import { paidChangeApplies, termChanges } from '../../../domain/subscription/change';
import { pauseSubscription } from '../../../contracts/http/subscriptions';
import {
  decideEnding,
  decidePause,
  dunningEffect,
  resumeBound,
  type DunningDecision,
} from '../../../domain/subscription/commands';
import type { SubscriptionFacts } from '../../../domain/subscription/facts';
import { subscriptionFacts } from './given-subscription';

const now = '2027-04-10T00:00:00.000Z';

describe('paidChangeApplies', () => {
  const base = { base_version: 3, period_index: 2, revision: 7 };

  it('is true for the version and the period that the change was requested for', () => {
    expect(paidChangeApplies(subscriptionFacts(), base, 7)).toBe(true);
    const scheduled = subscriptionFacts({ status: 'scheduled', period: null });
    expect(paidChangeApplies(scheduled, { ...base, period_index: null }, 7)).toBe(true);
  });

  const others: [string, Partial<SubscriptionFacts>][] = [
    ['another version', { version: 4 }],
    ['another period', { period: { ...april(), index: 3 } }],
    ['no period any more', { period: null }],
    ['a cancelled subscription', { status: 'cancelled' }],
    ['an expired subscription', { status: 'expired' }],
  ];
  it.each(others)('is false for %s', (_, more) => {
    expect(paidChangeApplies(subscriptionFacts(more), base, 7)).toBe(false);
  });

  it('is false once money of the period has moved, and for a request that is older than the ledger', () => {
    expect(paidChangeApplies(subscriptionFacts(), base, 8)).toBe(false);
    const { revision: _, ...older } = base;
    expect(paidChangeApplies(subscriptionFacts(), older, 0)).toBe(false);
  });
});

function april() {
  return { index: 2, start: '2027-04-01T10:00:00.000Z', end: '2027-05-01T10:00:00.000Z', paid: true };
}

describe('termChanges', () => {
  it.each([
    ['gold', 1, []],
    ['silver', 1, ['plan_changed']],
    ['gold', 2, ['quantity_changed']],
    ['silver', 2, ['plan_changed', 'quantity_changed']],
  ])('names the change to %s × %i as %j', (plan_id, quantity, changes) => {
    expect(termChanges(subscriptionFacts(), { plan_id, quantity })).toEqual(changes);
  });
});

describe('decideEnding', () => {
  const scheduled = subscriptionFacts({ cancel_at: april().end });

  it('leaves the end as it is when nothing is wanted of it', () => {
    expect(decideEnding(subscriptionFacts({ status: 'cancelled' }), null, now)).toEqual({
      kind: 'unchanged',
    });
  });

  it('schedules the end of the period, once', () => {
    expect(decideEnding(subscriptionFacts(), true, now)).toEqual({ kind: 'schedule', cancelAt: april().end });
    expect(decideEnding(scheduled, true, now)).toEqual({ kind: 'unchanged' });
  });

  it('ends at once a subscription that has no period to finish', () => {
    expect(decideEnding(subscriptionFacts({ status: 'past_due' }), true, now)).toEqual({ kind: 'cancel' });
  });

  it('revokes a scheduled end', () => {
    expect(decideEnding(scheduled, false, now)).toEqual({ kind: 'revoke' });
    expect(decideEnding(subscriptionFacts(), false, now)).toEqual({ kind: 'unchanged' });
  });

  it.each([true, false])('refuses for an expired subscription (at the end of the period: %s)', (wanted) => {
    const expired = subscriptionFacts({ status: 'expired' });
    expect(decideEnding(expired, wanted, now)).toMatchObject({ code: 'subscription_final' });
  });
});

describe('decidePause', () => {
  it.each(['2027-04-10T00:00:00.001Z', '2030-04-10T00:00:00.000Z'])('pauses until %s', (resumeAt) => {
    expect(decidePause(subscriptionFacts(), resumeAt, now)).toEqual({ kind: 'pause', from: 'active' });
  });

  it.each([now, '2027-04-09T00:00:00.000Z', '2030-04-10T00:00:00.001Z'])('refuses %s', (resumeAt) => {
    expect(decidePause(subscriptionFacts(), resumeAt, now)).toEqual({
      kind: 'refused',
      code: 'validation_failed',
      reason: 'resume_at',
      detail: resumeBound,
    });
  });

  it('states its bound in the schema of the API', () => {
    expect(pauseSubscription.shape.resume_at.meta()?.description).toContain(resumeBound);
  });
});

describe('dunningEffect', () => {
  const decisions: DunningDecision[] = [
    { kind: 'nothing' },
    { kind: 'past_due', status: 'past_due' },
    { kind: 'expire' },
    { kind: 'cancel' },
    { kind: 'pause' },
  ];

  it('is nothing once the money has come', () => {
    for (const decision of decisions) {
      for (const status of paymentStatuses.filter(isPaymentPaid)) {
        expect(dunningEffect(decision, status)).toEqual({ decision: { kind: 'nothing' }, writeOff: false });
      }
    }
  });

  it('writes off only a failed payment of a subscription that ends or pauses', () => {
    for (const decision of decisions) {
      const ends = ['expire', 'cancel', 'pause'].includes(decision.kind);
      for (const status of [...paymentStatuses.filter((other) => !isPaymentPaid(other)), null]) {
        expect(dunningEffect(decision, status)).toEqual({
          decision,
          writeOff: ends && status === 'failed',
        });
      }
    }
  });
});
