/** What the texts of a language are given, and what they return. */
import type { NotificationData, NotificationTemplate } from '../../contracts/topics/notifications';

export interface Money {
  /** Minor units. */
  amount: number;
  currency: string;
}

/** Formats values for a reader. */
export interface Format {
  amount(money: Money): string;
  /** @param at RFC 3339 */
  instant(at: string): string;
  /** What was sold; null: the notification is about no subscription. */
  plan: string | null;
}

export interface Words {
  subject: string;
  paragraphs: string[];
}

/** The text of one template in one language. */
export type Text<Data> = (data: Data, format: Format) => Words;

/** A language; it has a text for every template. */
export interface Texts {
  /** BCP 47, for amounts and dates. */
  locale: string;
  greeting(name: string | null): string;
  texts: { readonly [T in NotificationTemplate]: Text<NotificationData<T>> };
}
