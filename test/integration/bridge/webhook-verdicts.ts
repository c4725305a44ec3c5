/** What a webhook means for a renewal's payment of 1000 EUR in each state; the refund of it is called `rfd`. */
import { refundIdempotencyKey } from '../../../domain/ids';
import type { Reported } from '../../support/stored-webhooks';

const refundOf = (paymentId: string) => ({
  idempotency_key: refundIdempotencyKey(paymentId, `rfd_${paymentId}`),
  amount: 400,
});

export type State =
  | 'begun'
  | 'completed'
  | 'failed'
  | 'failed, then completed by the second attempt'
  | 'uncollectible'
  | 'cancelled after a failure'
  | 'begun, and its subscription cancelled'
  | 'disputed'
  | 'completed, 400 of it asked back'
  | 'completed, 400 of it given back';

export interface VerdictRow {
  state: State;
  what: string;
  reported: Reported | ((paymentId: string) => Reported);
  verdict: [status: string, outcome: string];
  payment: string;
  task?: string;
  /** Of unwanted money: the reason of its refund. */
  givenBack?: string;
}

const ignored = 'ignored';
const failed = 'failed';
const processed = 'processed';
export const verdicts: readonly VerdictRow[] = [
  {
    state: 'begun',
    what: 'a success',
    reported: {},
    verdict: [processed, 'The attempt is completed by this webhook.'],
    payment: 'completed',
  },
  {
    state: 'begun',
    what: 'a failure, which its reception has settled',
    reported: { status: 'failed' },
    verdict: [processed, 'The attempt was failed already, by webhook.'],
    payment: 'failed',
  },
  {
    state: 'begun',
    what: 'that it is pending',
    reported: { status: 'pending' },
    verdict: [ignored, 'It says no more than that the attempt is pending.'],
    payment: 'processing',
  },
  {
    state: 'begun',
    what: 'something about no attempt',
    reported: { nothing: true },
    verdict: [ignored, 'It says nothing about an attempt.'],
    payment: 'processing',
  },
  {
    state: 'begun',
    what: 'another currency',
    reported: { currency: 'USD' },
    verdict: [processed, 'It names another amount or currency than was asked: a person is asked.'],
    payment: 'unknown',
    task: 'amount_mismatch',
  },
  {
    state: 'begun',
    what: 'a dispute of a charge that nobody knows',
    reported: { dispute: true },
    verdict: [ignored, 'It is about a charge of nothing of ours.'],
    payment: 'processing',
  },
  {
    state: 'completed',
    what: 'the same success',
    reported: {},
    verdict: [processed, 'The attempt was completed already, by answer.'],
    payment: 'completed',
  },
  {
    state: 'completed',
    what: 'a success of another charge for the same attempt',
    reported: { reference: 'ch_9' },
    verdict: [processed, 'The attempt was completed already, by answer.'],
    payment: 'completed',
    task: 'second_success',
    givenBack: 'second_success',
  },
  {
    state: 'completed',
    what: 'a failure',
    reported: { status: 'failed' },
    verdict: [ignored, 'It says failed of an attempt that was completed before.'],
    payment: 'completed',
  },
  {
    state: 'completed',
    what: 'a success, by another provider',
    reported: { provider: 'other' },
    verdict: [ignored, 'Another provider was asked for this attempt.'],
    payment: 'completed',
  },
  {
    state: 'completed',
    what: 'a dispute',
    reported: { dispute: true },
    verdict: [processed, 'The payment is disputed: a person is asked.'],
    payment: 'disputed',
    task: 'dispute',
  },
  {
    state: 'completed',
    what: 'a dispute, by another provider',
    reported: { dispute: true, provider: 'other' },
    verdict: [ignored, 'It is about a charge of nothing of ours.'],
    payment: 'completed',
  },
  {
    state: 'completed',
    what: 'a refund that nobody asked for',
    reported: { refund: { idempotency_key: null, amount: 400 } },
    verdict: [processed, 'The refund made at the provider is taken over as rfd.'],
    payment: 'partially_refunded',
  },
  {
    state: 'completed',
    what: 'a refund that nobody asked for, and that failed',
    reported: { refund: { idempotency_key: null, amount: 400, status: 'failed' } },
    verdict: [
      processed,
      'The refund made at the provider is taken over as rfd, which failed: a person is asked.',
    ],
    payment: 'completed',
  },
  {
    state: 'completed',
    what: 'a refund that nobody asked for, which is pending',
    reported: { refund: { idempotency_key: null, amount: 400, status: 'pending' } },
    verdict: [ignored, 'It is a refund made at the provider, which is pending.'],
    payment: 'completed',
  },
  {
    state: 'begun',
    what: 'a failed refund of a charge that is not known',
    reported: { refund: { idempotency_key: null, amount: 400, status: 'failed' } },
    verdict: [ignored, 'It is a refund of a charge of nothing of ours.'],
    payment: 'processing',
  },
  {
    state: 'failed',
    what: 'a success',
    reported: {},
    verdict: [processed, 'The attempt had failed, and is completed by this webhook.'],
    payment: 'completed',
  },
  {
    state: 'failed',
    what: 'the same failure',
    reported: { status: 'failed' },
    verdict: [processed, 'The attempt was failed already, by answer.'],
    payment: 'failed',
  },
  {
    state: 'failed',
    what: 'a dispute',
    reported: { dispute: true },
    verdict: [
      failed,
      'The provider tells of a dispute of attempt 1, which is failed: once its success is known, replay this webhook.',
    ],
    payment: 'failed',
    task: 'dispute',
  },
  {
    state: 'failed',
    what: 'a refund that nobody asked for',
    reported: { refund: { idempotency_key: null, amount: 400 } },
    verdict: [
      failed,
      'The provider tells of a refund made there of attempt 1, which is failed: once its success is known, replay this webhook.',
    ],
    payment: 'failed',
    task: 'refund_failed',
  },
  {
    state: 'failed',
    what: 'a refund that nobody asked for, and that failed',
    reported: { refund: { idempotency_key: null, amount: 400, status: 'failed' } },
    verdict: [
      failed,
      'The provider tells of a refund made there of attempt 1, which is failed: once its success is known, replay this webhook.',
    ],
    payment: 'failed',
    task: 'refund_failed',
  },
  {
    state: 'failed, then completed by the second attempt',
    what: 'a success of the first',
    reported: {},
    verdict: [processed, 'The payment was paid already: this charge is given back.'],
    payment: 'completed',
    task: 'second_success',
    givenBack: 'second_success',
  },
  {
    state: 'uncollectible',
    what: 'a success',
    reported: {},
    verdict: [processed, 'The attempt had failed, and is completed by this webhook.'],
    payment: 'completed',
  },
  {
    state: 'cancelled after a failure',
    what: 'a success',
    reported: {},
    verdict: [processed, 'The attempt had failed, and is completed by this webhook.'],
    payment: 'completed',
    givenBack: 'payment_cancelled',
  },
  {
    state: 'begun, and its subscription cancelled',
    what: 'a success',
    reported: {},
    verdict: [processed, 'The attempt is completed by this webhook.'],
    payment: 'completed',
    task: 'second_success',
    givenBack: 'subscription_final',
  },
  {
    state: 'disputed',
    what: 'the dispute once more',
    reported: { dispute: true },
    verdict: [ignored, 'The payment is disputed: the dispute changes nothing.'],
    payment: 'disputed',
    task: 'dispute',
  },
  {
    state: 'completed, 400 of it asked back',
    what: 'that the refund succeeded',
    reported: (id) => ({ refund: refundOf(id) }),
    verdict: [processed, 'Refund rfd is succeeded.'],
    payment: 'partially_refunded',
  },
  {
    state: 'completed, 400 of it asked back',
    what: 'that the refund is under way',
    reported: (id) => ({ refund: { ...refundOf(id), status: 'pending' } }),
    verdict: [processed, 'Refund rfd was pending.'],
    payment: 'completed',
  },
  {
    state: 'completed, 400 of it asked back',
    what: 'that the refund failed',
    reported: (id) => ({ refund: { ...refundOf(id), status: 'failed' } }),
    verdict: [processed, 'Refund rfd is failed.'],
    payment: 'completed',
  },
  {
    state: 'completed, 400 of it asked back',
    what: 'a refund of another amount',
    reported: (id) => ({ refund: { ...refundOf(id), amount: 401 } }),
    verdict: ['failed', 'It names another amount than refund rfd has.'],
    payment: 'completed',
    task: 'refund_failed',
  },
  {
    state: 'completed, 400 of it asked back',
    what: 'the refund, by another provider',
    reported: (id) => ({ refund: refundOf(id), provider: 'other' }),
    verdict: [ignored, 'Another provider was asked for this refund.'],
    payment: 'completed',
  },
  {
    state: 'completed, 400 of it given back',
    what: 'that the refund succeeded',
    reported: (id) => ({ refund: refundOf(id) }),
    verdict: [processed, 'Refund rfd was succeeded.'],
    payment: 'partially_refunded',
  },
];
