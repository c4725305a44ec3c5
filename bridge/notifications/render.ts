/**
 * A notification for people: subject, text and HTML in the customer's language.
 *
 * Owns formatting of amounts and dates, and the layout. Does not own the texts (`texts-*.ts`). Pure. Invariant: whatever
 * a value holds, in HTML it is text.
 */
import type { Language } from '../../contracts/topics/notifications';
import { computedZone } from '../../domain/calendar';
import { currencyDigits } from '../../domain/currencies';
import { decimalText } from '../../domain/money';
import { textsOf } from './languages';
import type { Message } from './templates';
import type { Format, Money } from './texts';

/** Who reads it. */
export interface Reader {
  language: Language;
  /** IANA name. */
  timeZone: string;
  name: string | null;
  /** What was sold; null: the notification is about no subscription. */
  plan: string | null;
}

export interface Rendered {
  subject: string;
  text: string;
  html: string;
}

/** Renders a notification for its reader. */
export function render(message: Message, { language, timeZone, name, plan }: Reader): Rendered {
  const { locale, greeting } = textsOf[language];
  const format: Format = {
    amount: (money) => amountText(money, locale),
    instant: (at) => instantText(at, timeZone, locale),
    plan,
  };
  const { subject, paragraphs } = message.words(language, format);
  const lines = [greeting(name), ...paragraphs];
  return { subject, text: `${lines.join('\n\n')}\n`, html: htmlOf(subject, lines, language) };
}

/** By the locale's words and signs, with the digits of ISO 4217 and not those of the runtime. */
function amountText({ amount, currency }: Money, locale: string): string {
  const digits = currencyDigits(currency);
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return format.format(decimalText(amount, currency) as `${number}`);
}

function instantText(instant: string, timeZone: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, {
    timeZone: computedZone(timeZone),
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
