import fc from 'fast-check';
import { paymentStatuses, isPaymentCollected, isPaymentOpen } from '../../../domain/payment';
import {
  decideBeginning,
  decideCancelNow,
  decideFirstPayment,
  isFinal,
  subscriptionStatuses,
} from '../../../domain/subscription';

describe('decideBeginning', () => {
  it.each([
    ['starts later, whatever else', true, 14, 1000, 'scheduled'],
    ['has a trial', false, 14, 1000, 'trialing'],
    ['costs nothing', false, 0, 0, 'active'],
    ['is to be paid now', false, 0, 1000, 'incomplete'],
  ])('a subscription that %s', (_, startsLater, trialDays, amount, status) => {
    expect(decideBeginning(startsLater, trialDays, amount).status).toBe(status);
  });
});

describe('decideFirstPayment', () => {
  it('activates on money taken, expires on money refused, waits otherwise', () => {
    for (const status of paymentStatuses) {
      const wanted = isPaymentCollected(status) ? 'active' : isPaymentOpen(status) ? 'incomplete' : 'expired';
      expect(decideFirstPayment(status).status).toBe(wanted);
    }
  });
});

describe('decideCancelNow', () => {
  it('ends what lives, leaves what is cancelled, refuses what expired', () => {
    fc.assert(
      fc.property(fc.constantFrom(...subscriptionStatuses), fc.nat(), (status, version) => {
        const { kind } = decideCancelNow({ status, version });
        const wanted = !isFinal(status) ? 'cancel' : status === 'cancelled' ? 'unchanged' : 'refused';
        expect(kind).toBe(wanted);
      }),
    );
  });
});
