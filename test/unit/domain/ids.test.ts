import fc from 'fast-check';
import { attemptIdempotencyKey, derivedId, idOfRequest, newId, periodPaymentId } from '../../../domain/ids';

describe('ids', () => {
  it('say their type', () => {
    expect(newId('customer', '01932c07-0a55-7b64-9d1e-3f5f0f6f7a10')).toMatch(/^cus_[0-9a-hjkmnp-tv-z]{26}$/);
  });

  it('that are derived never change between releases', () => {
    expect(periodPaymentId('sub_a', 1)).toBe('pay_4jw39cer4baqstgbrfvkger3f5');
    expect(idOfRequest('subscription', 'key_a', 'k1')).toBe('sub_70r0xda7qsbz9a46zty4dxje6p');
    expect(attemptIdempotencyKey('pay_a', 2)).toBe('pay_a/2');
  });

  it('of different things differ, even where their parts join to the same text', () => {
    expect(derivedId('payment', ['a', 'bc'])).not.toBe(derivedId('payment', ['ab', 'c']));
    expect(periodPaymentId('sub_a', 1)).not.toBe(periodPaymentId('sub_a', 2));
    expect(idOfRequest('plan', 'key_a', 'k1')).not.toBe(idOfRequest('plan', 'key_b', 'k1'));
  });

  it('of the same thing are the same', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (subscription, index) => {
        expect(periodPaymentId(subscription, index)).toBe(periodPaymentId(subscription, index));
      }),
    );
  });
});
