/** Ids of events, derived from what the event is about: writing one twice writes it once. */

/** An event of a subscription; each version of the row has at most one. */
export function subscriptionEventId(subscriptionId: string, version: number): string {
  return `${subscriptionId}/v${version}`;
}

/** That a version of a subscription is due. @param repeat 0: said for the first time; repairs count up */
export function renewRequiredEventId(
  subscriptionId: string,
  periodIndex: number,
  version: number,
  repeat: number,
): string {
  const id = `${subscriptionId}/period/${periodIndex}/v${version}`;
  return repeat === 0 ? id : `${id}/again/${repeat}`;
}

/** That a payment is asked for. */
export function paymentRequestedEventId(paymentId: string): string {
  return `${paymentId}/requested`;
}

/** That a person wants a failed payment to be tried again. */
export function retryRequestedEventId(paymentId: string, requestId: string): string {
  return `${paymentId}/retry/${requestId}`;
}

/** The outcome of an attempt. */
export function attemptEventId(paymentId: string, attempt: number, outcome: 'completed' | 'failed'): string {
  return `${paymentId}/attempt/${attempt}/${outcome}`;
}

/** That a customer is to be told something. @param about what tells it from others of its template and payment */
export function notificationEventId(template: string, paymentId: string, about: string): string {
  return `${template}/${paymentId}/${about}`;
}

/** What a provider told; replays of the same event tell themselves apart. */
export function webhookEventId(provider: string, providerEventId: string, replays = 0): string {
  return `${provider}/${providerEventId}${replays === 0 ? '' : `/again/${replays}`}`;
}
