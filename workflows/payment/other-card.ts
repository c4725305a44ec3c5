/**
 * The next attempt of a first payment: its customer has given another card, and the attempt before has failed.
 *
 * Invariant: the rows decide whether there is another card; none is charged while an attempt is open.
 */
import { patched } from '@temporalio/workflow';
import type { PaymentState } from '../../activities/payment';
import { steps, unbounded } from './activities';

export interface OtherCard {
  /** Whether the next attempt is to begin. */
  isDue(state: PaymentState): boolean;
  /** @returns the row afterwards */
  attempt(state: PaymentState): Promise<PaymentState | null>;
}

export function createOtherCard(paymentId: string): OtherCard {
  /** The attempt that none could follow. */
  let refusedAfter = 0;
  const numberOf = ({ attempt }: PaymentState): number => attempt?.number ?? 0;
  return {
    isDue: (state) => state.status === 'failed' && numberOf(state) > refusedAfter && hasOtherCard(state),
    async attempt(state) {
      const number = numberOf(state) + 1;
      const answer = await steps.attemptPayment({ payment_id: paymentId, number, trigger: 'first' });
      if (answer.status === 'refused') refusedAfter = number - 1;
      return unbounded.loadPayment(paymentId);
    },
  };
}

/** Whether another card is to pay. Runs of before there was one continue with the card that they have. */
export function hasOtherCard({ other_card: isGiven = false }: PaymentState): boolean {
  return isGiven && patched('other-card');
}
