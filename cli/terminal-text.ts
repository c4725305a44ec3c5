/**
 * Shows data as text on a terminal: what a terminal would act on, and what nobody would see, becomes visible.
 *
 * Invariant: nothing that came from outside moves the cursor, changes colours, titles or the clipboard, or reorders what
 * stands beside it. What is shown so is what no caller may send (`contracts/plain-text.ts`): older rows and records of other
 * services may hold it. `\uXXXX` is the same value within JSON, so that `--json` stays exact.
 */
import { withoutUnseen } from '../contracts/plain-text';

const shown = (character: string): string =>
  Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');

/** Returns a text of several lines as a terminal may have it. */
export function terminalText(text: string): string {
  return withoutUnseen(text, (character) => (character === '\n' ? character : shown(character)));
}

const names: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Returns one value as a terminal may have it, on one line: a value cannot look like another row. */
export function terminalValue(value: string): string {
  return terminalText(value.replace(/[\n\r\t]/g, (char) => names[char] ?? char));
}

/** A line of text with values in it, each shown by {@link terminalValue}. */
export function line(parts: TemplateStringsArray, ...values: readonly unknown[]): string {
  return String.raw({ raw: parts }, ...values.map((value) => terminalValue(String(value))));
}
