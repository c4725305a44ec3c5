import { paymentStatuses, isPaymentPaid, isPaymentOpen } from '../../../domain/payment/payment';
import { decideBeginning, decideFirstPayment } from '../../../domain/subscription/subscription';

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
      const wanted = isPaymentPaid(status) ? 'active' : isPaymentOpen(status) ? 'incomplete' : 'expired';
      expect(decideFirstPayment(status).status).toBe(wanted);
    }
  });
});
