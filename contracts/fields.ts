/** Fields that many messages share, each with the words a caller reads when it is wrong. */
import { z } from 'zod';
import { intervalUnits, isTimeZone, maxIntervalCount } from '../domain/calendar';
import { isCurrency } from '../domain/currencies';
import { hasOwnForm } from '../domain/ids';
import { maxAmount } from '../domain/money';
import { firstUnseen, plainPattern } from './plain-text';

/** Of instants: what both JavaScript and PostgreSQL write as RFC 3339 has it. */
const firstYear = 1970;
const lastYear = 9999;

/** The bounds of an amount, in the same words wherever one is given. */
const boundedAmount = (least: number, most: number) =>
  z
    .int('must be a whole number of minor units')
    .min(least, `must be ${least} or more`)
    .max(most, `must be at most ${most}`);

/** Whole minor units, 0 or more. */
export const amount = (max = maxAmount) => boundedAmount(0, max);

/** Whole minor units, 1 or more. */
export const positiveAmount = boundedAmount(1, maxAmount);

/** Whole minor units, negative for a credit. */
export const signedAmount = boundedAmount(-maxAmount, maxAmount);

export const currency = z
  .string()
  .length(3, 'must be an ISO 4217 code of three capital letters')
  .refine(isCurrency, 'must be an ISO 4217 currency in capital letters, such as EUR')
  .meta({ example: 'EUR' });

/** With whatever offset, as it was written. */
export const localInstant = z.iso
  .datetime({ offset: true, error: 'must be an RFC 3339 instant, such as 2027-03-01T09:00:00Z' })
  .refine(isHeld, `must lie in the years ${firstYear} to ${lastYear}, in UTC`)
  .meta({ example: '2027-03-01T09:00:00.000Z' });

/** In UTC from here on: PostgreSQL knows fewer offsets than RFC 3339. */
export const instant = localInstant.overwrite(inUtc);

/** A day in UTC. */
export const day = z.iso
  .date({ error: 'must be a date, such as 2027-03-01' })
  .refine(isHeld, `must lie in the years ${firstYear} to ${lastYear}`)
  .meta({ example: '2027-03-01', description: 'A day in UTC.' });

/** What is no instant at all has a mistake already. */
function isHeld(text: string): boolean {
  const ms = Date.parse(text);
  return Number.isNaN(ms) || (ms >= Date.UTC(firstYear) && ms < Date.UTC(lastYear + 1));
}

function inUtc(text: string): string {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : new Date(ms).toISOString();
}

/** A number that a column of 32 bits holds, 0 or more. */
export const int4 = z.int().min(0).max(2_147_483_647, 'must be at most 2147483647');

/** When something happened to a customer: real time, or what their test clock showed. */
export const customersInstant = instant.meta({
  description: 'By the customer’s time: real, or of their test clock.',
});

/** When something was written down. */
export const realInstant = instant.meta({ description: 'Real time.' });

/** When something of a customer's was written down; rows of older versions do not say it. */
export const recordedInstant = instant.nullable().meta({
  description: 'Real time at which it was recorded; null: by an older version, which did not keep it.',
});

/** A whole number in a query, where everything is text; each number in one spelling. */
export function queryNumber(min: number, max: number, message: string) {
  const isOne = (text: string) =>
    /^(0|[1-9]\d{0,14})$/.test(text) && Number(text) >= min && Number(text) <= max;
  return z
    .string()
    .refine(isOne, message)
    .transform(Number)
    .meta({ override: { type: 'integer', minimum: min, maximum: max } });
}

export const timeZone = z
  .string()
  .max(64, 'must be at most 64 characters')
  .refine(isTimeZone, 'must be a time zone of the IANA database, such as Europe/Moscow')
  .meta({ example: 'Europe/Moscow' });

/** An id as callers may choose or name it. */
export const id = z
  .string()
  .min(1, 'must not be empty')
  .max(100, 'must be at most 100 characters')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]*$/,
    'must consist of letters, digits, "_", "-" and ".", and begin with a letter or digit',
  );

/** An id that a caller chooses: never one that another thing has or will have, such as another caller's payment. */
export const chosenId = id.refine(
  (text) => !hasOwnForm(text),
  'must not have the form of the ids that Perennial makes',
);

/** An id or a name as another service, or a provider, writes it; short enough for an index. */
export const foreignId = z.string().min(1).max(255, 'must be at most 255 characters');

/** Text as another service writes it, for people. */
export const foreignText = z.string().max(1_000, 'must be at most 1000 characters');

export const interval = z
  .strictObject({
    unit: z.enum(intervalUnits, `must be one of ${intervalUnits.join(', ')}`),
    count: z.int('must be a whole number').min(1, 'must be at least 1'),
  })
  .refine(({ unit, count }) => count <= maxIntervalCount[unit], {
    path: ['count'],
    error: 'must not make an interval longer than 10 years',
  })
  .meta({ id: 'Interval' });

/** Of plain text; one of several lines may hold line breaks and tabs. */
const plain = z
  .string()
  .refine((text) => firstUnseen(text) === null, { error: ({ input }) => refusalOf(input) })
  .meta({ pattern: plainPattern });
const plainLines = z.string().refine((text) => firstUnseen(text, lineBreaks) === null, {
  error: ({ input }) => refusalOf(input, lineBreaks),
});
const lineBreaks = '\t\n\r';

function refusalOf(text: unknown, allowed = ''): string {
  const named = typeof text === 'string' ? firstUnseen(text, allowed) : null;
  return `must not hold ${named ?? 'it'}: control characters and what is not seen are refused`;
}

/** Free data of the caller's: up to 50 pairs of short texts. */
export const metadata = z
  .record(
    plain.min(1).max(40, 'keys are at most 40 characters'),
    plainLines.max(500, 'values are at most 500 characters'),
  )
  .refine((pairs) => Object.keys(pairs).length <= 50, 'must have at most 50 entries')
  .meta({ example: { order: 'A-1' } });

/** Spaces and line breaks around it are none of a text; what is not seen is refused there, too. */
const withoutMargins = (text: string): string => text.replace(/^[\t-\r\p{Zs}]+|[\t-\r\p{Zs}]+$/gu, '');

/** Text for people, of one line. */
export const text = (max: number) =>
  z
    .string()
    .overwrite(withoutMargins)
    .min(1, 'must not be empty')
    .max(max, `must be at most ${max} characters`)
    .refine((value) => firstUnseen(value) === null, { error: ({ input }) => refusalOf(input) })
    .meta({ pattern: plainPattern });

/** Why a person wants it; kept with the call in the audit log. */
export const reason = text(500).meta({ description: 'Why; kept in the audit log.' });

export const actor = z
  .object({
    kind: z.enum(['api_key', 'operator', 'system', 'external']),
    id: foreignId,
    reason: foreignText.nullable(),
  })
  .meta({ id: 'Actor' });
export type Actor = z.infer<typeof actor>;

/** An actor as it is shown: of a record from outside the source that wrote it, beside whom that source names. */
export const recordedActor = actor
  .extend({
    claimed: actor
      .pick({ kind: true, id: true })
      .optional()
      .meta({ description: 'Whom a record from outside names; not verified.' }),
  })
  .meta({ id: 'RecordedActor' });
export type RecordedActor = z.infer<typeof recordedActor>;

/** The actor of what a service does by itself. */
export const systemActor = (service: string): Actor => ({ kind: 'system', id: service, reason: null });
