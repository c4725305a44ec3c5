/** Ids of events, derived from what the event is about: writing one twice writes it once. */

/** An event of a subscription; each version of the row has at most one. */
export function subscriptionEventId(subscriptionId: string, version: number): string {
  return `${subscriptionId}/v${version}`;
}

/** The outcome of an attempt. */
export function attemptEventId(paymentId: string, attempt: number, outcome: 'completed' | 'failed'): string {
  return `${paymentId}/attempt/${attempt}/${outcome}`;
}
