/**
 * The registry of templates: what each is about, how its data is read, and its text in every language.
 *
 * It follows from the contract and the texts, so that a new template changes nothing here.
 */
import type { z } from 'zod';
import {
  notificationTemplateNames,
  notificationTemplates,
  type Language,
  type NotificationData,
  type NotificationSubject,
  type NotificationTemplate,
} from '../../contracts/topics/notifications';
import { textsOf } from './languages';
import type { Format, Text, Words } from './texts';

export interface TemplateDefinition<Data extends object> {
  subject: NotificationSubject;
  data: z.ZodType<Data>;
  /** Not sent a day later, if the payment has been settled by then. */
  outdatedWhenSettled?: boolean;
  texts: Readonly<Record<Language, Text<Data>>>;
}

/** A notification whose data is what its template needs. */
export interface Message {
  template: string;
  values: Readonly<Record<string, unknown>>;
  words(language: Language, format: Format): Words;
}

export interface Template {
  subject: NotificationSubject;
  outdatedWhenSettled: boolean;
  /** Reads the data of a request. Null: it is not what the template needs. */
  read(data: unknown): Message | null;
}

/** By name. */
export type Templates = ReadonlyMap<string, Template>;

/** Makes a template; its data type stays within. */
export function defineTemplate<Data extends object>(
  name: string,
  { subject, data: schema, outdatedWhenSettled = false, texts }: TemplateDefinition<Data>,
): Template {
  return {
    subject,
    outdatedWhenSettled,
    read(data) {
      const parsed = schema.safeParse(data);
      if (!parsed.success) return null;
      return {
        template: name,
        values: Object.fromEntries(Object.entries(parsed.data)),
        words: (language, format) => texts[language](parsed.data, format),
      };
    },
  };
}

interface TemplateShape<Data> extends Omit<TemplateDefinition<Data & object>, 'texts' | 'data'> {
  data: z.ZodType<Data>;
}

type Shapes = { readonly [T in NotificationTemplate]: TemplateShape<NotificationData<T>> };

const shapes: Shapes = notificationTemplates;

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- ties the data of a template to its texts
function fromContract<T extends NotificationTemplate>(name: T): Template {
  const texts: Readonly<Record<Language, Text<NotificationData<T>>>> = {
    en: textsOf.en.texts[name],
    ru: textsOf.ru.texts[name],
  };
  return defineTemplate<NotificationData<T>>(name, { ...shapes[name], texts });
}

/** The templates of the contract. */
export const templates: Templates = new Map(
  notificationTemplateNames.map((name) => [name, fromContract(name)]),
);
