/** The messages of `payment/{id}` that wait to be handled. */
import type { CancelPayment } from '../../contracts/workflows/commands';
import { orUnavailable } from '../activity-retry';
import { createMessageQueue } from '../message-queue';

export interface Messages {
  /** The row was written elsewhere. */
  wake(): void;
  wasWoken(): boolean;
  /** The row is read: what woke it is in there. */
  forgetWaking(): void;
  requestCancellation(request: CancelPayment): void;
  /** The oldest request without a caller. */
  cancellation(): CancelPayment | undefined;
  forgetCancellation(): void;
  /** Adds work with a caller. @throws ApplicationFailure its refusal; `unavailable` when it cannot be done now */
  submit<T>(requestId: string, work: () => Promise<T>): Promise<T>;
  hasSubmitted(): boolean;
  handleSubmitted(): Promise<void>;
  hasRequest(): boolean;
  hasMessage(): boolean;
  /** How many have arrived. */
  arrived(): number;
}

export function createMessages(): Messages {
  const cancellations: CancelPayment[] = [];
  const queue = createMessageQueue();
  let woken = false;
  let arrived = 0;
  const hasRequest = (): boolean => cancellations.length > 0 || queue.hasWork();
  return {
    wake() {
      arrived += 1;
      woken = true;
    },
    wasWoken: () => woken,
    forgetWaking() {
      woken = false;
    },
    requestCancellation(request) {
      arrived += 1;
      cancellations.push(request);
    },
    cancellation: () => cancellations[0],
    forgetCancellation: () => void cancellations.shift(),
    submit(requestId, work) {
      arrived += 1;
      return queue.submit(requestId, () => orUnavailable(work));
    },
    hasSubmitted: queue.hasWork,
    handleSubmitted: queue.takeOne,
    hasRequest,
    hasMessage: () => woken || hasRequest(),
    arrived: () => arrived,
  };
}
