import { allowedIdentifiers, bannedParts } from '../../../dev/tools/identifier-rules';
import { bannedPartOf, identifiersOf, lineOf, partsOf } from '../../../dev/tools/identifiers';

describe('partsOf', () => {
  it.each([
    ['attempt', ['attempt']],
    ['attemptId', ['attempt', 'id']],
    ['ATTEMPT_ID', ['attempt', 'id']],
    ['next_due_at', ['next', 'due', 'at']],
    ['HTTPServer', ['http', 'server']],
    ['readJSON', ['read', 'json']],
    ['paidOnDay4', ['paid', 'on', 'day4']],
    ['_unused', ['unused']],
    ['$transaction', ['transaction']],
    ['', []],
  ])('splits %s by case', (identifier, parts) => {
    expect(partsOf(identifier)).toEqual(parts);
  });
});

describe('bannedPartOf', () => {
  const banned = ['told', 'go on', 'rung'];

  it.each([
    ['notTold', 'told'],
    ['not_told', 'told'],
    ['TOLD', 'told'],
    ['willGoOn', 'go on'],
    ['goOnce', null],
    ['categoryOn', null],
    ['wrung', null],
    ['rungs', null],
    ['retold', null],
  ])('finds in %s the banned part %s', (identifier, part) => {
    expect(bannedPartOf(identifier, banned)).toBe(part);
  });
});

describe('identifiersOf', () => {
  it('lists names, properties, types and private names, and leaves strings and comments out', () => {
    const source = `
      // in a comment
      import { imported as renamed } from './text';
      interface Shape { property: string }
      class Holder<Type> { #hidden = 'in a string'; method(argument: Type) { return this.#hidden + argument; } }
      export const { key: [element] } = \`in \${template} text\`;
    `;
    expect([...identifiersOf(source)].toSorted()).toEqual(
      [
        'Holder',
        'Shape',
        'Type',
        'argument',
        'element',
        'hidden',
        'imported',
        'key',
        'method',
        'property',
        'renamed',
        'template',
      ].toSorted(),
    );
  });
});

describe('lineOf', () => {
  it('finds the whole identifier, not a part of another one', () => {
    expect(lineOf('const retold = 1;\n\nconst told = $told;', 'told')).toBe(3);
    expect(lineOf('a\nb\n$told', '$told')).toBe(3);
  });
});

describe('the rules', () => {
  it('ban words that the splitter can find', () => {
    for (const words of bannedParts.keys()) expect(partsOf(words).join(' ')).toBe(words);
  });

  it('allow only identifiers that would be refused, each with a reason', () => {
    for (const [identifier, reason] of allowedIdentifiers) {
      expect(bannedPartOf(identifier, [...bannedParts.keys()])).not.toBeNull();
      expect(reason).not.toBe('');
    }
  });
});
