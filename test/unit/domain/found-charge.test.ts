/** What a person has found about a charge: paid as a whole or not at all, and what is not wanted goes back. */
import { chargeFound, type AskedAttempt, type FoundCharge } from '../../../domain/payment/found-charge';

/** 10.00 EUR were asked, and nobody knows what became of it. */
const asked: AskedAttempt = {
  status: 'unknown',
  amount: 1000n,
  currency: 'EUR',
  provider_reference: null,
  named: null,
};
const found: FoundCharge = {
  outcome: 'succeeded',
  provider_reference: 'ch_1',
  amount: null,
  isMismatch: false,
};
const named = (amount: number, currency = 'EUR') => ({ ...asked, named: { amount, currency } });
const decide = (attempt: AskedAttempt, more: Partial<FoundCharge> = {}) =>
  chargeFound(attempt, { ...found, ...more });

const paid = { status: 'completed', provider_reference: 'ch_1' };

it.each<[string, AskedAttempt, Partial<FoundCharge>, object]>([
  ['of which no other amount is known, as asked', asked, {}, paid],
  ['of the amount that was asked', asked, { amount: 1000, isMismatch: true }, paid],
  ['that took more, by a person', asked, { amount: 1300 }, { ...paid, beside: 300 }],
  ['that took more, by the provider', named(1300), {}, { ...paid, beside: 300 }],
  ['that took more, a person knowing better', named(1300), { amount: 1200 }, { ...paid, beside: 200 }],
  ['named in another currency, a person knowing better', named(1000, 'USD'), { amount: 1000 }, paid],
  [
    'with the reference that is known',
    { ...named(1300), provider_reference: 'ch_0' },
    { provider_reference: null },
    { status: 'completed', provider_reference: 'ch_0', beside: 300 },
  ],
])('a charge %s pays, and what is more goes back', (_, attempt, more, outcome) => {
  expect(decide(attempt, more)).toEqual({ kind: 'outcome', outcome });
});

it.each<[string, AskedAttempt, Partial<FoundCharge>, object]>([
  ['whose amount nobody knows', asked, { isMismatch: true }, { path: 'amount', message: /is required/ }],
  ['of less, by a person', asked, { amount: 999 }, { path: 'amount', message: /less than the 10.00 EUR/ }],
  ['of less, by the provider', named(999), {}, { path: 'amount', message: /as failed with this amount/ }],
  ['in another currency', named(1000, 'USD'), {}, { path: 'outcome', message: /10.00 USD/ }],
  [
    'of more, without a reference',
    named(1300),
    { provider_reference: null },
    { path: 'provider_reference', message: /is required/ },
  ],
])('a charge %s pays nothing', (_, attempt, more, { path, message }: { path?: string; message?: RegExp }) => {
  expect(decide(attempt, more)).toMatchObject({
    kind: 'refused',
    path,
    message: expect.stringMatching(message ?? '') as string,
  });
});

describe('a failed attempt', () => {
  const failed = { outcome: 'failed' } as const;

  it('has charged nothing, unless a person says how much', () => {
    const never = { status: 'failed', failure: { message: expect.stringContaining('nothing was taken') } };
    for (const attempt of [asked, named(700)]) {
      const decided = decide(attempt, { ...failed, provider_reference: null });
      expect(decided).toMatchObject({ kind: 'outcome', outcome: never });
      expect(decided).not.toHaveProperty('outcome.beside');
    }
  });

  it('gives back all that was charged', () => {
    expect(decide(named(700), { ...failed, amount: 700 })).toMatchObject({
      kind: 'outcome',
      outcome: { status: 'failed', provider_reference: 'ch_1', beside: 700 },
    });
  });

  it('needs the reference of what goes back, and cannot have been completed', () => {
    const nameless = { ...failed, amount: 700, provider_reference: null };
    expect(decide(asked, nameless)).toMatchObject({ path: 'provider_reference' });
    const completed = { ...asked, status: 'completed' } as const;
    expect(decide(completed, { ...failed, amount: 700 })).toMatchObject({ path: 'amount' });
  });
});
