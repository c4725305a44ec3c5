/** The record contradicts what we know, or speaks of nothing that exists; `code` is stable. */
export class Unprocessable extends Error {
  override readonly name = 'Unprocessable';
  constructor(
    readonly code: 'unknown_payment' | 'unknown_subscription' | 'contradicts_payment',
    message: string,
  ) {
    super(message);
  }

  /** What it speaks of may not have been committed yet; a contradiction does not pass. */
  get mayAppear(): boolean {
    return this.code !== 'contradicts_payment';
  }
}
