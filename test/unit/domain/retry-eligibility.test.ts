import { paymentKinds, paymentStatuses } from '../../../domain/payment/payment';
import { isRetried, needsPlan, withoutPlan } from '../../../domain/retry/eligibility';
import { subscriptionStatuses } from '../../../domain/subscription/subscription';

const renewal = { kind: 'renewal', status: 'failed' } as const;

describe('the eligibility of a failed payment for a retry plan', () => {
  it('leaves a failed renewal of a running subscription to its policy', () => {
    expect(withoutPlan(renewal, 'active')).toBeNull();
    expect(withoutPlan(renewal, 'past_due')).toBeNull();
    expect(withoutPlan({ kind: 'manual', status: 'failed' }, null)).toBeNull();
  });

  it('waits while the subscription is paused', () => {
    expect(withoutPlan(renewal, 'paused')).toEqual({
      kind: 'wait',
      until: null,
      reason: 'the subscription is paused',
    });
  });

  it('is over when the subscription is final', () => {
    expect(withoutPlan(renewal, 'cancelled')).toEqual({
      kind: 'done',
      reason: 'the subscription is cancelled',
    });
  });

  it.each(['first', 'proration'] as const)(
    'is not given to a %s payment, whose caller was answered',
    (kind) => {
      expect(isRetried(kind)).toBe(false);
      expect(withoutPlan({ kind, status: 'failed' }, 'active')).toEqual({ kind: 'done', reason: kind });
    },
  );

  it('waits for the outcome of an open payment, and ends with any other status', () => {
    expect(withoutPlan({ kind: 'renewal', status: 'unknown' }, 'active')).toEqual({ kind: 'open' });
    expect(withoutPlan({ kind: 'renewal', status: 'completed' }, 'active')).toEqual({
      kind: 'done',
      reason: 'completed',
    });
  });

  it('is required only where nothing stands against a plan', () => {
    for (const kind of paymentKinds)
      for (const status of paymentStatuses)
        for (const subscription of [...subscriptionStatuses, null]) {
          const isRequired = needsPlan({ kind, status }, subscription);
          expect(isRequired && withoutPlan({ kind, status }, subscription) !== null).toBe(false);
        }
    expect(needsPlan(renewal, 'active')).toBe(true);
    expect(needsPlan({ kind: 'manual', status: 'failed' }, 'active')).toBe(false);
  });
});
