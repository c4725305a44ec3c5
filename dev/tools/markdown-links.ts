/** Reads what a Markdown document refers to: links, the anchors of its headings, and paths of the repository. */

export interface Reference {
  line: number;
  target: string;
}

interface Line {
  number: number;
  text: string;
  isCode: boolean;
}

/** Lists the targets of inline links, images and link definitions that are relative; not those inside code. */
export function relativeLinks(markdown: string): Reference[] {
  return linesOf(markdown)
    .filter(({ isCode }) => !isCode)
    .flatMap(({ number, text }) =>
      linkTargets(text.replaceAll(/`[^`]*`/g, '')).map((target) => ({ line: number, target })),
    )
    .filter(({ target }) => !/^(?:[a-z][a-z+.-]*:|\/\/)/i.test(target));
}

function linkTargets(text: string): string[] {
  const inline = [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const definitions = [...text.matchAll(/^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/g)];
  return [...inline, ...definitions].map(([, target]) => target ?? '');
}

/** Lists the anchors that GitHub gives to the headings: a heading that comes again gets `-1`, `-2` and so on. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const { text, isCode } of linesOf(markdown)) {
    const heading = isCode ? null : /^ {0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*$/.exec(text);
    if (heading === null) continue;
    const slug = slugOf(heading[1] ?? '');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

function slugOf(heading: string): string {
  return heading
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');
}

/**
 * Lists the paths in code spans, and the programs (`dist/….js`) in code of either kind: their first word, without a
 * trailing colon and line number. Placeholders (`{id}`, `*`, `…`, `<time>`, capitals such as `NAME`) are no paths.
 *
 * @param folders the top folders of the repository; what begins with another word is no path
 */
export function repositoryPaths(markdown: string, folders: ReadonlySet<string>): Reference[] {
  return linesOf(markdown).flatMap(({ number, text, isCode }) => {
    const spans = isCode
      ? []
      : [...text.matchAll(/`([^`]+)`/g)].map(([, span]) => span?.split(/\s/)[0] ?? '');
    const programs = [...text.matchAll(/\bdist\/[\w./-]+\.js\b/g)].map(([program]) => program);
    return [...spans.filter((span) => isPath(span, folders)), ...programs].map((target) => ({
      line: number,
      target,
    }));
  });
}

function isPath(span: string, folders: ReadonlySet<string>): boolean {
  const [folder] = span.split('/');
  return /^[\w.][\w.-]*\/[\w./-]*$/.test(span) && folders.has(folder ?? '') && !/\/[A-Z_]{2,}$/.test(span);
}

function linesOf(markdown: string): Line[] {
  let fence: string | null = null;
  return markdown.split('\n').map((text, index) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(text)?.[1] ?? null;
    const isCode = fence !== null || mark !== null;
    if (fence === null) fence = mark;
    else if (mark !== null && mark.startsWith(fence)) fence = null;
    return { number: index + 1, text, isCode };
  });
}
