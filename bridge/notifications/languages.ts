/** The languages that notifications are written in. */
import type { Language } from '../../contracts/topics/notifications';
import type { Texts } from './texts';
import { english } from './texts-en';
import { russian } from './texts-ru';

export const textsOf: Readonly<Record<Language, Texts>> = { en: english, ru: russian };
