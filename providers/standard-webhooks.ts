/**
 * Verifying Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`.
 *
 * Owns: the judgement alone; providers that sign so share it. The official library reads the process's clock and knows
 * one secret, so it signs in the sandbox and is what the tests compare with. Invariants: the raw bytes count, never a
 * re-encoding; each header comes once; every secret is tried, in constant time.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { WebhookRequest, WebhookVerdict } from '../domain/payment/webhook';
import type { WebhookTrust } from './port';

const prefix = 'whsec_';
const version = 'v1';
/** More than any rotation needs; each costs a comparison. */
const maxSignatures = 20;

export const standardWebhookHeaders = {
  id: 'webhook-id',
  timestamp: 'webhook-timestamp',
  signature: 'webhook-signature',
} as const;

export function verifyStandardWebhook(
  { body, headers }: WebhookRequest,
  { secrets, now, toleranceMs }: WebhookTrust,
): WebhookVerdict {
  const names = standardWebhookHeaders;
  const given = [names.id, names.timestamp, names.signature].map((name) => headers[name] ?? []);
  if (given.some((values) => (values[0] ?? '') === '')) return 'missing_signature';
  // Which of two would have been meant is a guess.
  if (given.some((values) => values.length > 1)) return 'bad_signature';
  const [id = '', timestamp = '', signatures = ''] = given.flat();
  // Ten digits hold until the year 2286; leading zeros would be another text with the same meaning.
  if (!/^[1-9]\d{0,11}$/.test(timestamp)) return 'bad_signature';
  const ageSeconds = Math.floor(now.getTime() / 1_000) - Number(timestamp);
  if (Math.abs(ageSeconds) * 1_000 > toleranceMs) return 'stale_timestamp';
  const offered = offeredSignatures(signatures);
  let matches = false;
  for (const secret of secrets) {
    const expected = signature(secret, id, timestamp, body);
    for (const one of offered) matches = isSame(one, expected) || matches;
  }
  return matches ? 'verified' : 'bad_signature';
}

function offeredSignatures(header: string): Buffer[] {
  return header
    .split(' ', maxSignatures)
    .map((versioned) => versioned.split(','))
    .filter(([name]) => name === version)
    .map(([, text = '']) => Buffer.from(text));
}

/** Base64, as bytes of text. */
function signature(secret: string, id: string, timestamp: string, body: Buffer): Buffer {
  const key = Buffer.from(secret.startsWith(prefix) ? secret.slice(prefix.length) : secret, 'base64');
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return Buffer.from(digest);
}

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
