import { failure } from '../../../domain/payment/payment';
import { outcomeOfReport } from '../../../domain/payment/reported-outcome';

const asked = { amount: 1000, currency: 'EUR' };
const declined = failure('insufficient_funds', 'Not enough money.');
const reported = { status: 'completed', ...asked, provider_reference: 'ch_1', failure: null } as const;

describe('what a webhook’s word means', () => {
  it('is the outcome that it names', () => {
    expect(outcomeOfReport(reported, asked)).toEqual({ status: 'completed', provider_reference: 'ch_1' });
    expect(outcomeOfReport({ ...reported, status: 'failed', failure: declined }, asked)).toEqual({
      status: 'failed',
      provider_reference: 'ch_1',
      failure: declined,
    });
  });

  const mismatch = { status: 'unknown', reason: 'amount_mismatch' };
  it.each([
    ['another amount', { amount: 1001 }, { ...asked, amount: 1001 }],
    ['another currency', { currency: 'USD' }, { ...asked, currency: 'USD' }],
  ])('is never believed about %s, and kept for a person', (_, more, named) => {
    expect(outcomeOfReport({ ...reported, ...more }, asked)).toEqual({
      ...mismatch,
      named: { ...named, provider_reference: 'ch_1' },
    });
  });

  it('names no charge with another amount of a failure', () => {
    const failed = { ...reported, amount: 1, status: 'failed', failure: declined } as const;
    expect(outcomeOfReport(failed, asked)).toEqual(mismatch);
  });

  it.each([
    [{ status: 'pending' as const }],
    [{ status: 'requires_action' as const }],
    [{ provider_reference: null }],
    [{ status: 'failed' as const, failure: null }],
  ])('is nothing to write down when it settles nothing: %j', (more) => {
    expect(outcomeOfReport({ ...reported, ...more }, asked)).toBeNull();
  });
});
