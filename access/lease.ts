/** The right to run under an Idempotency-Key; held by one request at a time (`idempotency.ts`). */
export interface Lease {
  apiKeyId: string;
  key: string;
  /** Names the request that holds it. */
  holder: string;
  /** The id that an earlier run under this key is known to have made. */
  made: string | null;
}
