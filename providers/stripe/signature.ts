/**
 * Verifying Stripe's webhook signatures with Stripe's library.
 *
 * Owns: what the library leaves open. It decodes the body leniently, so that other bytes could pass for the signed
 * ones; it throws on odd signatures; it takes the last of several timestamps and bounds only the past; and it judges by
 * one secret. Invariants: the exact bytes count; one header with one timestamp; every secret is tried.
 */
import StripeLibrary from 'stripe';
import type { WebhookRequest, WebhookVerdict } from '../../domain/payment/webhook';
import type { WebhookTrust } from '../port';

const signatureHeader = 'stripe-signature';
/** Twice what a rotation of secrets at Stripe makes; each costs a comparison. */
const maxSignatures = 20;

export function verifyStripeSignature(
  { body, headers }: WebhookRequest,
  { secrets, now, toleranceMs }: WebhookTrust,
): WebhookVerdict {
  const values = headers[signatureHeader] ?? [];
  if ((values[0] ?? '') === '') return 'missing_signature';
  // Which of two would have been meant is a guess.
  const [header = '', ...others] = values;
  const signed = others.length === 0 ? signedPart(header) : undefined;
  const text = exactText(body);
  if (signed === undefined || text === undefined) return 'bad_signature';
  const ageMs = Math.floor(now.getTime() / 1_000) * 1_000 - signed.timestamp * 1_000;
  if (Math.abs(ageMs) > toleranceMs) return 'stale_timestamp';
  const matching = secrets.filter((secret) =>
    isSigned(text, signed.header, secret, Math.floor(toleranceMs / 1_000), now),
  );
  return matching.length > 0 ? 'verified' : 'bad_signature';
}

/** The timestamp and the signatures of the scheme that counts; undefined when the header is not of Stripe's form. */
function signedPart(header: string): { timestamp: number; header: string } | undefined {
  const parts = header.split(',').map((part) => part.trim());
  const timestamps = parts.filter((part) => part.startsWith('t='));
  const signatures = parts.filter((part) => /^v1=[0-9a-f]{64}$/.test(part));
  const [timestamp = ''] = timestamps;
  // Ten digits hold until the year 2286; leading zeros would be another text with the same meaning.
  if (timestamps.length !== 1 || !/^t=[1-9]\d{0,11}$/.test(timestamp)) return undefined;
  if (signatures.length === 0 || signatures.length > maxSignatures) return undefined;
  return { timestamp: Number(timestamp.slice(2)), header: [timestamp, ...signatures].join(',') };
}

function isSigned(
  text: string,
  header: string,
  secret: string,
  toleranceSeconds: number,
  now: Date,
): boolean {
  try {
    const { signature } = StripeLibrary.webhooks;
    return signature?.verifyHeader(text, header, secret, toleranceSeconds, undefined, now.getTime()) === true;
  } catch {
    return false;
  }
}

/** The text whose UTF-8 is exactly these bytes; undefined when there is none. */
export function exactText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
