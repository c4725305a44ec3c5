import type { Messenger } from '../../temporal/messenger';

/** A messenger that has `methods` only; any other one fails. */
export function fakeMessenger(methods: Partial<Messenger>): Messenger {
  const missing = (): Promise<never> => Promise.reject(new Error('this test sends no such message'));
  return {
    repairSubscription: missing,
    look: missing,
    signalPaid: missing,
    signalDunningStarted: missing,
    signalDunningExhausted: missing,
    startRetry: missing,
    wakeRetry: missing,
    cancel: missing,
    refreshPayment: missing,
    refreshRunningPayment: missing,
    start: missing,
    startBulkRetry: missing,
    clockAdvanced: missing,
    signalFirstPaymentSettled: missing,
    ...methods,
  };
}
