/**
 * The CSV file of past attempts that the policy simulator reads: a line for each attempt of a payment that failed first.
 *
 * Owns: its columns, and what is wrong with it in words, line by line. Does not own what is made of it. RFC 4180:
 * commas, quotes around fields that need them, CRLF or LF.
 */
import { isTimeZone } from '../domain/calendar';
import { declineCodes } from '../domain/payment/payment';
import { networkName } from '../domain/retry/policy';
import type { PastAttempt, PastPayment } from '../domain/retry/simulation';
import { instant } from '../contracts/fields';

/** Columns in any order; those that may be missing have what holds instead. */
export const historyColumns = {
  payment_id: { required: true, text: 'distinguishes payments' },
  attempted_at: { required: true, text: 'RFC 3339 instant, such as 2027-03-01T09:00:00Z' },
  outcome: { required: true, text: `completed, or one of ${declineCodes.join(', ')}` },
  payment_method_id: {
    required: false,
    text: 'distinguishes cards; without it each payment has one of its own',
  },
  network: { required: false, text: 'visa, mastercard, …; empty when not known' },
  time_zone: { required: false, text: 'the customer’s, of the IANA database; UTC when empty' },
} as const;
type Column = keyof typeof historyColumns;

export interface HistoryMistake {
  /** From 1, the header's. */
  line: number;
  message: string;
}

interface ReadLine {
  line: number;
  paymentId: string;
  timeZone: string;
  attempt: PastAttempt;
}

/** The payments in the order of their first failures, or every mistake of the file. */
export function readFailureHistory(
  csv: string,
): { payments: PastPayment[]; mistakes: [] } | { payments: []; mistakes: HistoryMistake[] } {
  const lines = csv.replace(/^\ufeff/, '').split(/\r?\n/);
  const header = fieldsOf(lines[0] ?? '') ?? [];
  const mistakes = headerMistakes(header);
  if (mistakes.length > 0) return { payments: [], mistakes };
  const read: ReadLine[] = [];
  lines.forEach((text, index) => {
    if (index === 0 || text === '') return;
    const line = index + 1;
    const result = readLine(line, text, header);
    if (Array.isArray(result)) mistakes.push(...result.map((message) => ({ line, message })));
    else read.push(result);
  });
  const payments = paymentsOf(read, mistakes);
  if (mistakes.length === 0 && payments.length === 0) {
    mistakes.push({ line: 1, message: 'there is no attempt below the header' });
  }
  if (mistakes.length > 0) return { payments: [], mistakes: mistakes.sort((a, b) => a.line - b.line) };
  return { payments, mistakes: [] };
}

function headerMistakes(header: readonly string[]): HistoryMistake[] {
  const known = Object.keys(historyColumns);
  const missing = known.filter((name) => historyColumns[name as Column].required && !header.includes(name));
  return [
    ...missing.map((name) => `the column ${name} is missing`),
    ...header
      .filter((name) => !known.includes(name))
      .map((name) => `${JSON.stringify(name)} is not a column; known are ${known.join(', ')}`),
    ...known
      .filter((name) => header.indexOf(name) !== header.lastIndexOf(name))
      .map((name) => `the column ${name} is there twice`),
  ].map((message) => ({ line: 1, message }));
}

/** The line, or its mistakes. */
function readLine(line: number, text: string, header: readonly string[]): ReadLine | string[] {
  const fields = fieldsOf(text);
  if (fields === null) return ['a quote is not closed, or has something behind it'];
  if (fields.length !== header.length) {
    return [`has ${fields.length} fields, and the header has ${header.length}`];
  }
  const field = (name: Column): string => fields[header.indexOf(name)]?.trim() ?? '';
  const [paymentId, at, outcome] = [field('payment_id'), field('attempted_at'), field('outcome')];
  const timeZone = field('time_zone') === '' ? 'UTC' : field('time_zone');
  const isOutcome = outcome === 'completed' || declineCodes.some((code) => code === outcome);
  const mistakes = [
    ...(paymentId === '' ? ['payment_id is empty'] : []),
    ...(instant.safeParse(at).success ? [] : [`attempted_at must be an ${historyColumns.attempted_at.text}`]),
    ...(isOutcome ? [] : [`outcome must be ${historyColumns.outcome.text}`]),
    ...(isTimeZone(timeZone)
      ? []
      : ['time_zone must be a time zone of the IANA database, such as Europe/Moscow']),
  ];
  if (mistakes.length > 0) return mistakes;
  const method = field('payment_method_id');
  const attempt: PastAttempt = {
    at: new Date(at).toISOString(),
    outcome: outcome as PastAttempt['outcome'],
    payment_method_id: method === '' ? `of ${paymentId}` : method,
    network: networkName(field('network')),
  };
  return { line, paymentId, timeZone, attempt };
}

function paymentsOf(read: readonly ReadLine[], mistakes: HistoryMistake[]): PastPayment[] {
  const byPayment = new Map<string, ReadLine[]>();
  for (const one of read) {
    const others = byPayment.get(one.paymentId);
    if (others === undefined) byPayment.set(one.paymentId, [one]);
    else others.push(one);
  }
  const payments = [...byPayment].map(([payment_id, some]) => {
    const ordered = some.toSorted((a, b) => a.attempt.at.localeCompare(b.attempt.at));
    mistakes.push(...orderMistakes(payment_id, ordered));
    return {
      payment_id,
      time_zone: ordered[0]?.timeZone ?? 'UTC',
      attempts: ordered.map(({ attempt }) => attempt),
    };
  });
  return payments.sort((a, b) => (a.attempts[0]?.at ?? '').localeCompare(b.attempts[0]?.at ?? ''));
}

/** What does not fit together although each line is right. */
function orderMistakes(paymentId: string, ordered: readonly ReadLine[]): HistoryMistake[] {
  return ordered.flatMap(({ line, attempt, timeZone }, index) => {
    const before = ordered[index - 1];
    const messages = [
      ...(before === undefined && attempt.outcome === 'completed'
        ? [`the first attempt of ${paymentId} completed: only payments that failed first belong here`]
        : []),
      ...(before?.attempt.outcome === 'completed'
        ? [`${paymentId} was completed before (line ${before.line})`]
        : []),
      ...(before?.attempt.at === attempt.at
        ? [`${paymentId} has two attempts at one instant (line ${before.line})`]
        : []),
      ...(before !== undefined && before.timeZone !== timeZone
        ? [`${paymentId} has another time_zone than before (line ${before.line})`]
        : []),
    ];
    return messages.map((message) => ({ line, message }));
  });
}

/** The fields of a line; null when its quotes are wrong. */
function fieldsOf(line: string): string[] | null {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const match = pattern.exec(line);
    if (match === null) return null;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') return fields;
  }
}
