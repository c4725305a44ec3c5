/** The sandbox provider's decline codes in Perennial's table. */
import { failure, type DeclineCode, type Failure } from '../../domain/payment/payment';
import type { ChargeFailure, DeclineReason } from './charge';

const declineCodes: Record<DeclineReason, DeclineCode> = {
  insufficient_funds: 'insufficient_funds',
  do_not_honor: 'do_not_honor',
  expired_card: 'expired_card',
  stolen_card: 'stolen_or_lost',
  processing_error: 'processing_error',
  authentication_required: 'authentication_required',
  authentication_failed: 'authentication_required',
  cancelled: 'not_completed',
};

/** A decline is a decline, also for a reason that this table does not have yet. */
export function failureOf({ code, message }: ChargeFailure): Failure {
  const known = Object.hasOwn(declineCodes, code) ? declineCodes[code as DeclineReason] : 'do_not_honor';
  return failure(known, message, code);
}
