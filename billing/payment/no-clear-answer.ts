/** A provider that says nothing about an attempt. */

/** How long one repeated call or lookup may take. */
export const callTimeoutMs = 12_000;

/** The provider again said nothing about the attempt: the step is to be repeated. */
export class NoClearAnswer extends Error {
  override readonly name = 'NoClearAnswer';
  constructor() {
    super('the provider gave no clear answer');
  }
}
