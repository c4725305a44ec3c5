/** A webhook as it arrives, and what is said about its signature. Types alone: each provider has its own rules. */

export interface WebhookRequest {
  /** The bytes as they came; a signature is over these. */
  body: Buffer;
  /** By lower-case name; a header that was sent twice has two values. */
  headers: Readonly<Record<string, readonly string[] | undefined>>;
  /** Of the caller, behind the proxies that are trusted; null when unknown. */
  sourceAddress: string | null;
}

/** Why a webhook is not believed. Answers and counters name it. */
export type WebhookRefusal = 'missing_signature' | 'bad_signature' | 'stale_timestamp';
export type WebhookVerdict = 'verified' | WebhookRefusal;

/** What the provider wants to hear before it stops sending the event again. */
export interface WebhookAnswer {
  status: number;
  contentType: string;
  body: string;
}
