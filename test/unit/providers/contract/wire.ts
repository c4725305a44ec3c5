/** How one provider says what every provider can say, for the contract that all adapters keep. */
import type { DeclineCode, Failure, NextAction } from '../../../../domain/payment/payment';
import type {
  CancelRequest,
  ChargeRequest,
  LookupRequest,
  PaymentProvider,
  RefundRequest,
} from '../../../../providers/port';

export interface Reply {
  status: number;
  /** Text is sent as it is, everything else as JSON. */
  body: unknown;
}

export const money = { amount: 1500, currency: 'EUR' };

export interface Wire {
  name: string;
  provider(baseUrl: string): PaymentProvider;
  charge: ChargeRequest;
  lookup: LookupRequest;
  /** Of a charge whose name is known. */
  cancel: CancelRequest;
  refund: RefundRequest;
  /** What no outcome may repeat. */
  secrets: readonly string[];
  maxAnswerBytes: number;

  /** The provider's object of a charge that was taken, with what is different about it. */
  taken(more?: object): object;
  takenReference: string;
  /** With another amount, or another currency than `money`. */
  takenOf(amount: number, currency: string): object;
  ofAnotherAttempt: object;
  pending: object;
  requiresAction: { object: object; expected: NextAction };
  /** Charges that were declined, as charging and as looking up shows them. */
  declines: readonly { reply: Reply; object: object; expected: Failure }[];
  /** Every decline code that this provider can tell. */
  declineCodes: readonly DeclineCode[];
  unknownToken: Reply;
  /** The provider refuses the amount, whatever the payment method. */
  amountRefused: { reply: Reply; providerCode: string };
  sameKeyInProgress: Reply;
  keyWithOtherParameters: Reply;
  rateLimited: Reply;

  charged(object: object): Reply;
  found(objects: readonly object[], more?: boolean): Reply;

  /** The provider's object of a charge that was cancelled, and what it is for the attempt when it is found later. */
  cancelled: { object: object; expected: Failure };
  /** The answer to a cancellation of a charge that is not cancelled by it. */
  cancelRefused(object: object): Reply;

  refunded(status: 'succeeded' | 'pending' | 'failed', more?: object): object;
  refundReference: string;
  refundRefused: { reply: Reply; reason: string };
  /** The answer to each request of a refund that was never asked for before, by method. */
  refundReplies(reply: Reply): Record<'GET' | 'POST', Reply>;
}
