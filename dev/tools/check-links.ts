/**
 * Checks what the documents refer to: `npm run check:links`.
 *
 * Every relative link of a Markdown file leads to a file or folder that Git knows, and to a heading where it names one.
 * Every path of the repository in a code span exists, and every program `dist/….js` has its source. The changelog may
 * name paths that are gone.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { anchorsOf, relativeLinks, repositoryPaths } from './markdown-links';
import { trackedFiles } from './tracked-files';

const files = new Set(trackedFiles());
const folders = new Set([...files].flatMap(foldersAbove));
const topFolders = new Set([...folders].filter((folder) => !folder.includes('/')));
const refusals: string[] = [];

for (const file of files) {
  if (!file.endsWith('.md')) continue;
  const markdown = readFileSync(file, 'utf8');
  for (const { line, target } of relativeLinks(markdown)) {
    const fault = linkFault(file, target);
    if (fault !== null) refusals.push(`${file}:${line} ${target}: ${fault}`);
  }
  if (file === 'CHANGELOG.md') continue;
  for (const { line, target } of repositoryPaths(markdown, topFolders)) {
    if (!pathExists(target)) refusals.push(`${file}:${line} ${target}: no such file or folder`);
  }
}

for (const refusal of refusals) process.stderr.write(`${refusal}\n`);
process.exitCode = refusals.length === 0 ? 0 : 1;

function foldersAbove(file: string): string[] {
  const parts = file.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Returns why a link leads nowhere, or null. */
function linkFault(from: string, target: string): string | null {
  const [path = '', anchor] = decodeURI(target).split('#');
  const to = path === '' ? from : normalize(join(dirname(from), path)).replace(/\/$/, '');
  if (!files.has(to) && !folders.has(to)) return 'no such file or folder';
  if (anchor === undefined || !to.endsWith('.md')) return null;
  return anchorsOf(readFileSync(to, 'utf8')).has(anchor) ? null : 'no such heading';
}

/** Modules and programs may be named without their ending; what is generated is not known to Git. */
function pathExists(path: string): boolean {
  const source = path.replace(/^dist\/(.*)\.js$/, '$1.ts').replace(/\/$/, '');
  if (source.startsWith('prisma/generated')) return true;
  return files.has(source) || folders.has(source) || files.has(`${source}.ts`);
}
