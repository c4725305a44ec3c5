/**
 * What a text for people may hold: nothing that is not seen, or that changes how other text is shown.
 *
 * Owns the one rule, for what callers send and for what the command line prints. Refused are controls (C0, DEL, C1), line and
 * paragraph separators, marks, embeddings, overrides and isolates of direction, zero-width characters, halves of surrogate
 * pairs and code points that Unicode does not assign. The two joiners stay: names in Persian and Hindi and many emoji need
 * them. So do signs of format that are seen, and the tags within a flag.
 */

/** What is refused in the basic plane, as JSON Schema has it; beyond it are tags and what is not assigned. */
export const plainPattern =
  '^[^\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]*$';

/** Signs of format that are seen: they stand before a number. */
const seen = String.raw`[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]`;
const joiners = String.raw`[\u200c\u200d]`;
const unseen = String.raw`(?!${joiners}|${seen})[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]`;
/** Such as that of Scotland: a black flag, then tags. */
const flag = String.raw`\u{1f3f4}[\u{e0020}-\u{e007e}]{1,6}\u{e007f}`;

const anyUnseen = new RegExp(`(${flag})|${unseen}`, 'gu');

/** Replaces what a text may not hold. */
export function withoutUnseen(text: string, replacement: (character: string) => string): string {
  return text.replace(anyUnseen, (found: string, kept?: string) => kept ?? replacement(found));
}

/** Returns the first character that a text may not hold, such as `U+202E`; null: there is none. */
export function firstUnseen(text: string, allowed = ''): string | null {
  for (const [found, kept] of text.matchAll(anyUnseen)) {
    if (kept === undefined && !allowed.includes(found)) return codePointName(found);
  }
  return null;
}

function codePointName(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  return `U+${hex.padStart(4, '0')}`;
}
