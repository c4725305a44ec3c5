/** What a payment with each token of the sandbox provider comes to, what it took, and what the ledger then holds. */

export interface TokenRow {
  token: string;
  /** The payments that its customer asks for, one after the other. */
  payments: {
    status: string;
    /** What each attempt came to; those after the first are retries that a person asks for. */
    attempts: string[];
  }[];
  /** The customer's charges, oldest first. */
  ledger: string[];
}

const oneOf = (token: string, status: string, attempt: string, ...ledger: string[]): TokenRow => ({
  token,
  payments: [{ status, attempts: [attempt] }],
  ledger,
});
const paid = (token: string): TokenRow => oneOf(token, 'completed', 'completed', 'succeeded 1000');
const declined = (token: string, code: string): TokenRow =>
  oneOf(token, 'failed', `failed ${code}`, 'failed 1000');

/** Asked for without the customer being there, webhooks on. */
export const tokenTable: readonly TokenRow[] = [
  paid('tok_ok'),
  declined('tok_insufficient_funds', 'insufficient_funds'),
  declined('tok_do_not_honor', 'do_not_honor'),
  declined('tok_expired_card', 'expired_card'),
  declined('tok_stolen', 'stolen_or_lost'),
  declined('tok_processing_error', 'processing_error'),
  declined('tok_authentication_required', 'authentication_required'),
  {
    token: 'tok_fail_2_then_ok',
    payments: [
      {
        status: 'completed',
        attempts: ['failed insufficient_funds', 'failed insufficient_funds', 'completed'],
      },
    ],
    ledger: ['failed 1000', 'failed 1000', 'succeeded 1000'],
  },
  {
    token: 'tok_ok_then_fail_1',
    payments: [
      { status: 'completed', attempts: ['completed'] },
      { status: 'completed', attempts: ['failed insufficient_funds', 'completed'] },
    ],
    ledger: ['succeeded 1000', 'failed 1000', 'succeeded 1000'],
  },
  paid('tok_pending_then_ok'),
  declined('tok_pending_then_fail', 'insufficient_funds'),
  // Failed first; the webhook says that the money came after all.
  paid('tok_declined_then_late_ok'),
  // Its webhook names the charge alone.
  oneOf('tok_ok_then_disputed', 'disputed', 'completed', 'succeeded 1000'),
  paid('tok_ok_refunds_fail'),
  paid('tok_lost_answer_ok'),
  paid('tok_lost_answers_ok'),
  // Lookups prove it later that the provider never heard of it; see test-clock.test.ts.
  oneOf('tok_lost_request', 'unknown', 'unknown'),
  paid('tok_slow_ok'),
  paid('tok_http_500_then_ok'),
  paid('tok_rate_limited_then_ok'),
  // A person decides.
  oneOf('tok_wrong_amount', 'unknown', 'unknown', 'succeeded 1001'),
];
