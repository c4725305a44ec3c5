/**
 * Shows data as text on a terminal: what a terminal would act on becomes visible.
 *
 * Invariant: nothing that came from outside moves the cursor, changes colours, titles or the clipboard, or reorders what
 * stands beside it. `\uXXXX` is the same value within JSON, so that `--json` stays exact.
 */

/** C0 and C1 controls (all but the line feed), DEL, line separators, and what changes the direction of text. */
const acting =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

const shown = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Returns a text of several lines as a terminal may have it. */
export function terminalText(text: string): string {
  return text.replace(acting, shown);
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
