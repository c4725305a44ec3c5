/** Rules of settlements that hold for every attempt, payment, subscription and outcome. */
import fc from 'fast-check';
import {
  attemptStatuses,
  isPaymentPaid,
  isSettled,
  paymentKinds,
  paymentStatuses,
  settledBy,
  type AttemptOutcome,
  type SettledBy,
} from '../../../domain/payment/payment';
import {
  decideSettlement,
  type SettlementDecision,
  type SettlementFacts,
} from '../../../domain/payment/settlement';
import { isFinal, subscriptionStatuses } from '../../../domain/subscription/subscription';
import { declined, known, mismatch, outcomes } from './given-settlement';

const references = fc.constantFrom('ch_1', 'ch_2', null);
const anyOutcome: fc.Arbitrary<AttemptOutcome> = fc.oneof(
  fc.record({ status: fc.constant('completed' as const), provider_reference: references }),
  fc.record({
    status: fc.constant('failed' as const),
    provider_reference: references,
    failure: fc.constant(declined),
  }),
  fc.constantFrom(outcomes.requires_action, outcomes.pending, outcomes.no_answer, mismatch),
);
const anyFacts: fc.Arbitrary<SettlementFacts> = fc
  .record({
    attempt: fc.record({
      number: fc.integer({ min: 1, max: 5 }),
      status: fc.constantFrom(...attemptStatuses),
      provider_reference: references,
      settled_by: fc.constantFrom(...settledBy),
      provider: fc.constantFrom('sandbox', null),
    }),
    payment: fc.record({
      kind: fc.constantFrom(...paymentKinds),
      status: fc.constantFrom(...paymentStatuses),
      announced: fc.boolean(),
      cancelRequested: fc.boolean(),
    }),
    subscription: fc.constantFrom(...subscriptionStatuses, null),
  })
  .map(({ attempt, ...rest }) => ({
    ...rest,
    attempt: { ...attempt, settled_by: isSettled(attempt.status) ? attempt.settled_by : null },
  }));
const anySettledBy = fc.constantFrom(...settledBy);

/** The rows after a decision was written. */
function written(facts: SettlementFacts, { attempt, payment }: SettlementDecision): SettlementFacts {
  return {
    ...facts,
    attempt: attempt === null ? facts.attempt : { ...facts.attempt, ...attempt },
    payment: payment === null ? facts.payment : { ...facts.payment, status: payment.status },
  };
}

const always = (
  holds: (
    facts: SettlementFacts,
    outcome: AttemptOutcome,
    by: SettledBy,
    decision: SettlementDecision,
  ) => void,
) =>
  fc.assert(
    fc.property(anyFacts, anyOutcome, anySettledBy, (facts, outcome, by) =>
      holds(facts, outcome, by, decideSettlement(facts, outcome, by)),
    ),
    { numRuns: 2_000 },
  );

describe('every settlement', () => {
  it('writes the outcome of a settled attempt only when it turns a failure into a success', () => {
    always(({ attempt }, _outcome, _by, decision) => {
      if (!isSettled(attempt.status) || decision.attempt === null) return;
      expect([attempt.status, decision.attempt.status]).toEqual(['failed', 'completed']);
    });
  });

  it('says how it was learned exactly when the attempt is settled', () => {
    always((_facts, _outcome, by, { attempt }) => {
      if (attempt === null) return;
      expect(attempt.settled_by).toBe(isSettled(attempt.status) ? by : null);
    });
  });

  it('pays a payment by one attempt, and gives each further success back in full', () => {
    always(({ payment }, _outcome, _by, decision) => {
      if (!isPaymentPaid(payment.status)) return;
      expect(decision.payment).toBeNull();
      expect(decision.refund).toBe(decision.attempt?.status === 'completed' ? 'second_success' : null);
    });
  });

  it('gives money back for a final subscription and for a cancelled payment', () => {
    always(({ payment, subscription }, _outcome, _by, decision) => {
      const isUnwanted =
        (subscription !== null && isFinal(subscription)) ||
        payment.cancelRequested ||
        payment.status === 'cancelled';
      if (!isUnwanted || decision.attempt?.status !== 'completed') return;
      expect(decision.refund).not.toBeNull();
    });
  });

  it('gives nothing back that was not taken just now, and keeps nothing that it gives back', () => {
    always((_facts, _outcome, _by, decision) => {
      if (decision.refund === null) return;
      expect(decision.attempt?.status).toBe('completed');
      expect(decision.notifiesRecovery).toBe(false);
    });
  });

  it('keeps the money of a payment that is wanted and not paid yet', () => {
    always(({ payment, subscription }, _outcome, _by, decision) => {
      const isWanted =
        !isPaymentPaid(payment.status) &&
        (subscription === null || !isFinal(subscription)) &&
        !payment.cancelRequested &&
        payment.status !== 'cancelled';
      if (!isWanted) return;
      expect(decision.refund).toBeNull();
    });
  });

  it('never settles by another amount, and always has it looked at', () => {
    always((_facts, outcome, _by, decision) => {
      if (outcome !== mismatch) return;
      expect(decision.task?.kind).toBe('amount_mismatch');
      expect(decision.event).toBeNull();
      expect(isSettled(decision.attempt?.status ?? 'processing')).toBe(false);
    });
  });

  it('never forgets a reference that is known', () => {
    always(({ attempt }, _outcome, _by, decision) => {
      if (attempt.provider_reference === null || decision.attempt === null) return;
      expect(decision.attempt.provider_reference).not.toBeNull();
    });
  });

  it('turns a failure into the cancellation when one was requested', () => {
    always(({ payment }, _outcome, _by, decision) => {
      if (!payment.cancelRequested || decision.attempt?.status !== 'failed') return;
      expect([null, 'cancelled']).toContain(decision.payment?.status ?? null);
    });
  });

  it('is the last: recorded again, the outcome is ignored and nothing follows from it', () => {
    always((facts, outcome, by, decision) => {
      if (decision.attempt === null || !isSettled(decision.attempt.status)) return;
      expect(decideSettlement(written(facts, decision), outcome, by)).toEqual({
        effect: 'ignored',
        attempt: null,
        payment: null,
        refund: null,
        reference: null,
        otherCharge: null,
        event: null,
        task: null,
        notifiesRecovery: false,
      });
    });
  });

  it('changes no column when an outcome that is only noted is recorded again', () => {
    always((facts, outcome, by, decision) => {
      if (decision.effect !== 'noted') return;
      const again = decideSettlement(written(facts, decision), outcome, by);
      expect(again).toEqual(decision);
    });
  });

  it('publishes an outcome at most once for an attempt: with the attempt that changed the payment', () => {
    always((_facts, _outcome, _by, decision) => {
      if (decision.event === null) return;
      expect(decision.payment).not.toBeNull();
      expect(decision.event).toBe(`payments.${decision.attempt?.status}`);
    });
  });

  it('has an effect that matches what it writes', () => {
    always((_facts, outcome, _by, decision) => {
      const { effect, attempt, payment, refund } = decision;
      const settles = attempt !== null && isSettled(outcome.status);
      const isSecond = attempt !== null && payment === null && refund === 'second_success';
      expect({ settles, isSecond, ignores: attempt === null }).toEqual({
        settles: effect !== 'noted' && effect !== 'ignored',
        isSecond: effect === 'second_success',
        ignores: effect === 'ignored',
      });
    });
  });
});

it('decides every combination of attempt, payment, subscription and outcome', () => {
  const effects = new Map<string, number>();
  for (const attempt of attemptStatuses)
    for (const payment of paymentStatuses)
      for (const subscription of [...subscriptionStatuses, null])
        for (const cancelRequested of [true, false])
          for (const outcome of Object.values(outcomes)) {
            const facts: SettlementFacts = {
              attempt: {
                ...known.attempt,
                status: attempt,
                settled_by: isSettled(attempt) ? 'answer' : null,
              },
              payment: { ...known.payment, status: payment, cancelRequested },
              subscription,
            };
            const { effect } = decideSettlement(facts, outcome, 'lookup');
            effects.set(effect, (effects.get(effect) ?? 0) + 1);
          }
  // 6 attempt statuses, 12 payment statuses, 9 subscription states, 2, 6 outcomes.
  expect([...effects.values()].reduce((sum, count) => sum + count, 0)).toBe(6 * 12 * 9 * 2 * 6);
  expect(Object.fromEntries(effects)).toEqual({
    ignored: 2376,
    late_success: 144,
    noted: 3456,
    second_success: 360,
    settled: 1440,
  });
});
