/**
 * A made-up history of failed payments, to try policies on where there is no real one.
 *
 * Owns: what happens in it and how often. The numbers are invented; they are no statistics of any business. Not for
 * workflows: it computes dates. Invariant: the same random numbers give the same history.
 */
import type { DeclineCode } from '../domain/payment/payment';
import { preferredMs } from '../domain/retry/calendar';
import type { PastAttempt, PastPayment } from '../domain/retry/simulation';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const startMs = Date.parse('2026-01-01T00:00:00.000Z');
const spanDays = 90;
const zones = ['Europe/Berlin', 'Europe/Moscow', 'America/New_York', 'Asia/Tokyo', 'UTC'];
const networks = ['visa', 'visa', 'visa', 'mastercard', 'mastercard', null];
const paydays = [1, 5, 10, 15, 25];

/** How payments that fail for one reason come to be paid, if they do. */
interface Story {
  code: DeclineCode;
  /** Of 100 failures. */
  share: number;
  /** Probability that it is paid at all. */
  paid: number;
  /** payday: on the morning of the next one; later: after about `meanMs`; new_method: the same, with another card. */
  how: 'payday' | 'later' | 'new_method';
  meanMs: number;
}

const stories: readonly Story[] = [
  { code: 'insufficient_funds', share: 46, paid: 0.75, how: 'payday', meanMs: 0 },
  { code: 'do_not_honor', share: 20, paid: 0.45, how: 'later', meanMs: 3 * dayMs },
  { code: 'limit_exceeded', share: 6, paid: 0.7, how: 'later', meanMs: 2 * dayMs },
  { code: 'processing_error', share: 6, paid: 0.9, how: 'later', meanMs: hourMs },
  { code: 'try_again_later', share: 4, paid: 0.8, how: 'later', meanMs: 6 * hourMs },
  { code: 'expired_card', share: 8, paid: 0.5, how: 'new_method', meanMs: 4 * dayMs },
  { code: 'stolen_or_lost', share: 3, paid: 0.4, how: 'new_method', meanMs: 4 * dayMs },
  { code: 'account_closed', share: 2, paid: 0.2, how: 'new_method', meanMs: 6 * dayMs },
  { code: 'authentication_required', share: 5, paid: 0.55, how: 'later', meanMs: dayMs },
];

/** Numbers from 0 to below 1 (mulberry32). @param seed a whole number */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` payments that failed within 90 days. @param random numbers from 0 to below 1 */
export function syntheticFailures(count: number, random: () => number): PastPayment[] {
  return Array.from({ length: count }, (_, index) => onePayment(`payment-${index + 1}`, random));
}

function onePayment(paymentId: string, random: () => number): PastPayment {
  const zone = pick(zones, random);
  const network = pick(networks, random);
  const story = pickStory(random);
  const failedMs = startMs + Math.floor(random() * spanDays * dayMs);
  const card = { payment_method_id: `${paymentId}-card-1`, network };
  const first: PastAttempt = { at: text(failedMs), outcome: story.code, ...card };
  const isPaid = random() < story.paid;
  const delayMs = -Math.log(1 - random()) * story.meanMs;
  if (!isPaid) return { payment_id: paymentId, time_zone: zone, attempts: [first] };
  const paidMs =
    story.how === 'payday' ? paydayMs(failedMs, zone, random()) : failedMs + 60_000 + Math.floor(delayMs);
  const method = story.how === 'new_method' ? { ...card, payment_method_id: `${paymentId}-card-2` } : card;
  const paid: PastAttempt = { at: text(paidMs), outcome: 'completed', ...method };
  return { payment_id: paymentId, time_zone: zone, attempts: [first, paid] };
}

/** The money is there in the morning of the next payday, from 6 to 10 o'clock. */
function paydayMs(failedMs: number, zone: string, part: number): number {
  const next = preferredMs(failedMs + 12 * hourMs, Infinity, zone, { hours: [6, 7], daysOfMonth: paydays });
  return (next ?? failedMs + dayMs) + Math.floor(part * 4 * hourMs);
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T;
}

function pickStory(random: () => number): Story {
  let left = random() * stories.reduce((total, { share }) => total + share, 0);
  return stories.find(({ share }) => (left -= share) < 0) ?? (stories[0] as Story);
}

const text = (ms: number): string => new Date(ms).toISOString();
