/** Whether Temporal is why a request failed, so that the same request may succeed later. */
import { types } from 'node:util';
import { isGrpcServiceError } from '@temporalio/client';
import { grpcCodes } from './grpc-codes';

/** No connection to Temporal was made. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';
}

/** Everything that Temporal answers, or does not, but that it can never accept such a request. */
export function isTemporalUnavailable(error: unknown): boolean {
  for (let at: unknown = error; types.isNativeError(at); at = at.cause) {
    if (at instanceof TemporalUnavailable) return true;
    if (isGrpcServiceError(at)) return (at.code as number) !== grpcCodes.invalidArgument;
  }
  return false;
}
