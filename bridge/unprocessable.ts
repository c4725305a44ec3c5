/** The record contradicts what we know, or speaks of nothing that exists; `code` is stable. */
export class Unprocessable extends Error {
  override readonly name = 'Unprocessable';
  constructor(
    readonly code: 'unknown_payment' | 'unknown_subscription',
    message: string,
  ) {
    super(message);
  }
}
