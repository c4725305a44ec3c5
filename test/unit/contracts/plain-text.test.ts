/** What a text for people may hold: each kind of what is refused, and what looks like it and is needed. */
import { emailAddress } from '../../../contracts/email';
import { metadata, reason, text } from '../../../contracts/fields';
import { firstUnseen, plainPattern } from '../../../contracts/plain-text';

const name = text(200);
const messageOf = (schema: typeof name, value: unknown) => schema.safeParse(value).error?.issues[0]?.message;

describe('a text', () => {
  it.each([
    ['NUL', 0x00],
    ['a tab', 0x09],
    ['DEL', 0x7f],
    ['the first C1 control', 0x80],
    ['NEL', 0x85],
    ['CSI', 0x9b],
    ['the last C1 control', 0x9f],
    ['a soft hyphen', 0xad],
    ['the Arabic letter mark', 0x061c],
    ['a Mongolian vowel separator', 0x180e],
    ['a zero-width space', 0x200b],
    ['a mark of direction', 0x200e],
    ['the other mark', 0x200f],
    ['a line separator', 0x2028],
    ['a paragraph separator', 0x2029],
    ['an embedding', 0x202a],
    ['an override', 0x202e],
    ['a word joiner', 0x2060],
    ['an isolate', 0x2066],
    ['the end of an isolate', 0x2069],
    ['a byte order mark', 0xfeff],
    ['an annotation', 0xfff9],
    ['no character', 0xffff],
    ['what is not assigned', 0x0378],
    ['a tag', 0xe0041],
    ['what is not assigned beyond the basic plane', 0x1fffe],
  ])('does not hold %s, and the message names it', (_, codePoint) => {
    const hidden = String.fromCodePoint(codePoint);
    const named = `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
    expect(messageOf(name, `Ada${hidden}Lovelace`)).toMatch(
      new RegExp(`^must not hold ${named.replace('+', '.')}:`),
    );
    expect(metadata.safeParse({ [`a${hidden}b`]: 'x' }).success).toBe(false);
    expect(metadata.safeParse({ a: `a${hidden}b` }).success).toBe(hidden === '\t');
    expect(emailAddress.safeParse(`a@ex${hidden}ample.com`).error?.issues[0]?.message).toBe(
      `must not hold ${named}`,
    );
    // What is published knows the basic plane, and not what is assigned.
    const isPublished = codePoint < 0xffff && codePoint !== 0x0378;
    expect(new RegExp(plainPattern).test(`a${hidden}`)).toBe(!isPublished);
  });

  it.each([
    ['half of a surrogate pair', '\ud800', 'U+D800'],
    ['a mark at its end, which is no margin', 'Ada\ufeff', 'U+FEFF'],
    ['a separator before it', '\u2028Ada', 'U+2028'],
  ])('does not hold %s', (_, value, named) => {
    expect(firstUnseen(value)).toBe(named);
    expect(messageOf(reason, value)).toContain(named);
  });

  it.each([
    ['a Persian name', 'نیما می\u200cخواهم'],
    ['a Hindi name', 'क्\u200dषमा'],
    ['Arabic and Hebrew', 'محمد שלום'],
    ['a family', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}'],
    ['a heart in red', '\u2764\ufe0f'],
    ['the flag of Scotland', '\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}'],
    ['an Arabic number sign, which is seen', '\u0600'],
    ['Chinese beyond the basic plane', '\u{20000}'],
    ['a space that does not break', 'a\u00a0b'],
    ['accents that combine', 'e\u0301'],
  ])('holds %s', (_, value) => {
    expect(name.parse(value)).toBe(value);
    expect(metadata.parse({ a: value })).toEqual({ a: value });
    expect(value).toMatch(new RegExp(plainPattern));
  });

  it('has no margins, and metadata may have several lines', () => {
    expect(name.parse(' \u00a0Ada\r\n\u3000')).toBe('Ada');
    expect(metadata.parse({ note: 'one\r\n\ttwo' })).toEqual({ note: 'one\r\n\ttwo' });
  });
});
