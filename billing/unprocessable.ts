/** The record contradicts what we know, or speaks of nothing that exists; `code` is stable. */
export class Unprocessable extends Error {
  override readonly name = 'Unprocessable';
  constructor(
    readonly code:
      | 'unknown_payment'
      | 'unknown_attempt'
      | 'unknown_delivery'
      | 'unknown_subscription'
      | 'unknown_customer'
      | 'unknown_payment_method'
      | 'contradicts_payment'
      | 'contradicts_subscription'
      | 'contradicts_payment_method'
      | 'source_not_allowed'
      | 'invalid_request'
      | 'over_limit'
      | 'amount_too_large'
      | 'invalid_notification'
      | 'not_due',
    message: string,
  ) {
    super(message);
  }

  /** What it speaks of may not have been committed yet, or clocks differ; a contradiction does not pass. */
  get mayAppear(): boolean {
    return this.code.startsWith('unknown_') || this.code === 'not_due';
  }
}
