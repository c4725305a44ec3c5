/** A provider that reports no outcome of an attempt. */

/** How long one repeated call or lookup may take. */
export const callTimeoutMs = 12_000;

/** The provider again reported no outcome of the attempt: the step is to be repeated. */
export class NoClearAnswer extends Error {
  override readonly name = 'NoClearAnswer';
  constructor() {
    super('the provider gave no clear answer');
  }
}
