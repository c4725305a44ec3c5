import { anchorsOf, relativeLinks, repositoryPaths } from '../../../dev/tools/markdown-links';

const targets = (references: { target: string }[]): string[] => references.map(({ target }) => target);

describe('relativeLinks', () => {
  it.each([
    ['an inline link', 'See [it](docs/a.md).', ['docs/a.md']],
    ['several links of one line', '[a](a.md) and [b](b.md#part)', ['a.md', 'b.md#part']],
    ['a link with a title', '[a](a.md "The title")', ['a.md']],
    ['an image', '![text](pictures/a.png)', ['pictures/a.png']],
    ['an anchor of the same document', '[a](#part)', ['#part']],
    ['a definition', '[name]: ../a.md', ['../a.md']],
    ['a link in a table', '| [a](a.md) | b |', ['a.md']],
    ['no address elsewhere', '[a](https://example.com/a.md) <http://x> [m](mailto:a@b.c)', []],
    ['no code span', '`[a](a.md)`', []],
    ['no code block', '```md\n[a](a.md)\n```', []],
    ['what follows a code block', '```\ncode\n```\n[a](a.md)', ['a.md']],
  ])('finds %s', (_, markdown, expected) => {
    expect(targets(relativeLinks(markdown))).toEqual(expected);
  });

  it('names the line', () => {
    expect(relativeLinks('one\n\n[a](a.md)')).toEqual([{ line: 3, target: 'a.md' }]);
  });
});

describe('anchorsOf', () => {
  it.each([
    ['# One creation, end to end', ['one-creation-end-to-end']],
    ['## The platform of `make up`', ['the-platform-of-make-up']],
    ['## A and B – C', ['a-and-b--c']],
    ['### under_score & more', ['under_score--more']],
    ['## See [it](a.md)', ['see-it']],
    ['## Überall', ['überall']],
    ['# Same\n# Same\n# Same', ['same', 'same-1', 'same-2']],
    ['```sh\n# a comment\n```', []],
    ['#no heading', []],
  ])('gives %j the anchors %j', (markdown, anchors) => {
    expect([...anchorsOf(markdown)]).toEqual(anchors);
  });
});

describe('repositoryPaths', () => {
  const folders = new Set(['billing', 'bin', 'docs']);

  it.each([
    ['a file', '`billing/locks.ts`', ['billing/locks.ts']],
    ['a folder', '`billing/payment/` and `docs/decisions`', ['billing/payment/', 'docs/decisions']],
    ['the first word of a command', '`bin/worker payment`', ['bin/worker']],
    ['a program', '`node dist/bin/api.js`', ['dist/bin/api.js']],
    ['a program in a code block', '```sh\nnode dist/bin/cli.js list\n```', ['dist/bin/cli.js']],
    ['no other path', '`payment/refunds` `/webhooks/stripe` `application/json`', []],
    ['no placeholder', '`billing/{room}/store.ts` `bin/*.ts` `docs/…`', []],
    ['nothing outside of code', 'billing/locks.ts', []],
  ])('finds %s', (_, markdown, expected) => {
    expect(targets(repositoryPaths(markdown, folders))).toEqual(expected);
  });
});
