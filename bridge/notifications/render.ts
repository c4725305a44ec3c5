/**
 * A notification for people: subject, text and HTML in the customer's language.
 *
 * Owns: formatting of amounts and dates, and the layout. Does not own the words (`texts-*.ts`). Pure. Invariant:
 * whatever a value holds, in HTML it is text.
 */
import type { Language, NotificationData, NotificationTemplate } from '../../contracts/topics/notifications';
import type { Texts, Words } from './texts';
import { english } from './texts-en';
import { russian } from './texts-ru';

/** To whom it is told. */
export interface Reader {
  language: Language;
  /** IANA name. */
  timeZone: string;
  name: string | null;
  /** What was sold; null: the payment stands for itself. */
  plan: string | null;
}

export interface Rendered {
  subject: string;
  text: string;
  html: string;
}

/** `data` in the words of its template. */
export type Message = {
  [T in NotificationTemplate]: { template: T; data: NotificationData<T> };
}[NotificationTemplate];

const texts: Record<Language, Texts> = { en: english, ru: russian };

export function render(message: Message, reader: Reader): Rendered {
  const language = texts[reader.language];
  const { subject, paragraphs } = wordsOf(message, language, reader);
  const lines = [language.greeting(reader.name), ...paragraphs];
  return { subject, text: `${lines.join('\n\n')}\n`, html: htmlOf(subject, lines, reader.language) };
}

function wordsOf(message: Message, language: Texts, { timeZone, plan }: Reader): Words {
  const { locale } = language;
  const facts = { amount: amountText(message.data, locale), plan };
  switch (message.template) {
    case 'payment_failed': {
      const { data } = message;
      const next = data.next_attempt_at;
      return language.payment_failed({
        ...facts,
        customerMustAct: data.customer_must_act,
        nextAttemptAt: next === null ? null : instantText(next, timeZone, locale),
        finalAction: data.final_action,
        finalActionAt: instantText(data.final_action_at, timeZone, locale),
      });
    }
    case 'final_action_ahead': {
      const { final_action: finalAction, final_action_at: at } = message.data;
      return language.final_action_ahead({
        ...facts,
        finalAction,
        finalActionAt: instantText(at, timeZone, locale),
      });
    }
    case 'payment_recovered':
      return language.payment_recovered(facts);
    case 'final_action_taken':
      return language.final_action_taken({ ...facts, finalAction: message.data.final_action });
  }
}

/** Exact: minor units become decimals without a division. */
function amountText({ amount, currency }: { amount: number; currency: string }, locale: string): string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  const text = String(amount).padStart(digits + 1, '0');
  const decimal = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return format.format(decimal as `${number}`);
}

function instantText(instant: string, timeZone: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, {
    timeZone,
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(new Date(instant));
}

function htmlOf(subject: string, lines: readonly string[], language: Language): string {
  return [
    '<!doctype html>',
    `<html lang="${language}">`,
    `<head><meta charset="utf-8"><title>${escaped(subject)}</title></head>`,
    '<body style="font-family: sans-serif; line-height: 1.5; max-width: 36em; overflow-wrap: anywhere">',
    ...lines.map((line) => `<p>${escaped(line)}</p>`),
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
