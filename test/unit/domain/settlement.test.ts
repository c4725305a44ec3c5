import { decideSettlement, isClear, type SettlementFacts } from '../../../domain/payment/settlement';
import { finalStatuses } from '../../../domain/subscription/subscription';
import {
  completed,
  declined,
  failed,
  failedBefore,
  known,
  mismatch,
  next_action,
  outcomes,
} from './given-settlement';

describe('the settlement of an attempt', () => {
  it('settles an open attempt and pays its payment', () => {
    expect(decideSettlement(known, completed, 'answer')).toEqual({
      effect: 'settled',
      attempt: {
        status: 'completed',
        provider_reference: 'ch_1',
        failure: null,
        settled_by: 'answer',
        callEnded: true,
      },
      payment: { status: 'completed', next_action: null, endsPlan: true },
      refund: null,
      reference: null,
      otherCharge: null,
      event: 'payments.completed',
      task: null,
      notifiesRecovery: false,
    });
  });

  it('keeps the plan of a payment that fails', () => {
    expect(decideSettlement(known, failed, 'webhook')).toMatchObject({
      effect: 'settled',
      attempt: { status: 'failed', failure: declined, callEnded: false },
      payment: { status: 'failed', endsPlan: false },
      event: 'payments.failed',
    });
  });

  it('notes what the customer has to do, and publishes nothing', () => {
    expect(decideSettlement(known, outcomes.requires_action, 'answer')).toMatchObject({
      effect: 'noted',
      attempt: { status: 'requires_action', settled_by: null },
      payment: { status: 'requires_action', next_action },
      event: null,
    });
  });

  it('takes a failed attempt that has succeeded as paid, and notifies of the recovery', () => {
    expect(decideSettlement(failedBefore, completed, 'webhook')).toMatchObject({
      effect: 'late_success',
      attempt: { status: 'completed', settled_by: 'webhook' },
      payment: { status: 'completed' },
      refund: null,
      reference: null,
      otherCharge: null,
      event: 'payments.completed',
      notifiesRecovery: true,
    });
  });

  it('gives a second success back, changes nothing of the payment, and asks an operator', () => {
    const paid = { ...failedBefore, payment: { ...failedBefore.payment, status: 'completed' as const } };
    expect(decideSettlement(paid, completed, 'webhook')).toMatchObject({
      effect: 'second_success',
      payment: null,
      refund: 'second_success',
      event: null,
      task: {
        kind: 'second_success',
        detail: 'Paid a second time: attempt 1 is refunded in full.',
        reopen: true,
      },
      notifiesRecovery: false,
    });
  });

  it.each(finalStatuses)('gives money for a subscription that is %s back, and asks an operator', (status) => {
    expect(decideSettlement({ ...known, subscription: status }, completed, 'answer')).toMatchObject({
      effect: 'settled',
      payment: { status: 'completed' },
      refund: 'subscription_final',
      task: {
        kind: 'second_success',
        detail: `Paid although its subscription is ${status}: attempt 1 is refunded in full.`,
      },
    });
  });

  it('gives money back that came after a cancellation request, which nobody has to decide about', () => {
    const requested = { ...known, payment: { ...known.payment, cancelRequested: true } };
    expect(decideSettlement(requested, completed, 'answer')).toMatchObject({
      refund: 'payment_cancelled',
      task: null,
    });
  });

  it('turns the failure into the cancellation that was requested', () => {
    const requested = { ...known, payment: { ...known.payment, cancelRequested: true } };
    expect(decideSettlement(requested, failed, 'answer')).toMatchObject({ payment: { status: 'cancelled' } });
  });

  it('asks an operator about another amount, and again while the attempt is open', () => {
    const task = {
      kind: 'amount_mismatch',
      detail: 'The provider names another amount or currency than was asked.',
    };
    expect(decideSettlement(known, mismatch, 'lookup')).toMatchObject({
      effect: 'noted',
      task: { ...task, reopen: true },
    });
    expect(decideSettlement(failedBefore, mismatch, 'lookup')).toMatchObject({
      effect: 'ignored',
      task: { ...task, reopen: false },
    });
  });

  it('asks an operator about a second charge of one attempt', () => {
    const paid: SettlementFacts = {
      ...known,
      attempt: { ...known.attempt, status: 'completed', provider_reference: 'ch_1', settled_by: 'answer' },
      payment: { ...known.payment, status: 'completed' },
    };
    const other = { status: 'completed', provider_reference: 'ch_2' } as const;
    expect(decideSettlement(paid, other, 'webhook')).toMatchObject({
      effect: 'ignored',
      otherCharge: 'ch_2',
      task: {
        kind: 'second_success',
        detail: 'The provider names two charges for attempt 1: ch_2 is refunded.',
        reopen: false,
      },
    });
  });

  it('keeps what the provider names in place of what was asked, and the name of that charge', () => {
    const named = { amount: 1300, currency: 'EUR', provider_reference: 'ch_9' };
    const other = { ...mismatch, named };
    expect(decideSettlement(known, other, 'answer')).toMatchObject({
      named,
      attempt: { status: 'unknown', provider_reference: 'ch_9' },
    });
    expect(decideSettlement(failedBefore, other, 'webhook')).toMatchObject({ attempt: null, named });
    expect(decideSettlement(known, mismatch, 'answer')).not.toHaveProperty('named');
  });

  it('gives back what was charged beside what was asked, once it is known with what', () => {
    const beside = { reference: 'ch_1', amount: 300 };
    const more = { ...completed, beside: 300 };
    expect(decideSettlement(known, more, 'lookup')).toMatchObject({
      effect: 'settled',
      beside,
      refund: null,
    });
    expect(decideSettlement({ ...known, subscription: 'cancelled' }, more, 'lookup')).toMatchObject({
      beside,
      refund: 'subscription_final',
    });
    expect(decideSettlement(known, { ...failed, beside: 300 }, 'lookup')).toMatchObject({ beside });
    const nameless = { ...more, provider_reference: null };
    expect(decideSettlement(known, nameless, 'lookup')).not.toHaveProperty('beside');
    expect(decideSettlement(known, completed, 'lookup')).not.toHaveProperty('beside');
  });

  it('says the same of it when it is told again, and nothing when another outcome stands', () => {
    const again = decideSettlement(failedBefore, { ...failed, beside: 300 }, 'lookup');
    expect(again).toMatchObject({ effect: 'ignored', beside: { reference: 'ch_1', amount: 300 } });
    const paid: SettlementFacts = {
      ...known,
      attempt: { ...known.attempt, status: 'completed', provider_reference: 'ch_1', settled_by: 'answer' },
      payment: { ...known.payment, status: 'completed' },
    };
    expect(decideSettlement(paid, { ...failed, beside: 300 }, 'lookup')).not.toHaveProperty('beside');
  });

  it('learns the provider’s name of a charge that a person had found out', () => {
    const decided: SettlementFacts = {
      ...known,
      attempt: { ...known.attempt, status: 'completed', provider_reference: null, settled_by: 'lookup' },
      payment: { ...known.payment, status: 'completed' },
    };
    const reported = { status: 'completed', provider_reference: 'ch_1' } as const;
    const decision = decideSettlement(decided, reported, 'webhook');
    expect(decision).toMatchObject({ reference: 'ch_1', otherCharge: null, task: null, refund: null });
  });

  it.each(['first', 'proration'] as const)(
    'publishes nothing of a %s payment that was not announced as open',
    (kind) => {
      const unannounced = { ...known, payment: { ...known.payment, kind, announced: false } };
      expect(decideSettlement(unannounced, completed, 'answer').event).toBeNull();
    },
  );

  it('records no ended call when there was nothing to charge', () => {
    const empty = { ...known, attempt: { ...known.attempt, provider: null } };
    expect(decideSettlement(empty, failed, 'answer').attempt).toMatchObject({ callEnded: false });
  });

  it('takes only a silence of the provider as saying nothing', () => {
    const clear = Object.entries(outcomes).filter(([, outcome]) => isClear(outcome));
    expect(clear.map(([name]) => name)).toEqual([
      'completed',
      'failed',
      'requires_action',
      'pending',
      'mismatch',
    ]);
  });
});
