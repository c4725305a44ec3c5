/** Runs dependency-cruiser with the product's own rules over a small tree that is written for the run. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';

/** One import: the file that has it, and a file of the product, a package, or what does not resolve. */
export interface Import {
  from: string;
  to: string;
}

interface Report {
  summary: { violations: { from: string; rule: { name: string } }[] };
}

/** Whether an import names a file, not a folder, a package or what does not resolve. */
export const isFile = (to: string): boolean => to.endsWith('.ts');

const root = resolve(__dirname, '../../..');
const packages = [
  '@temporalio/client',
  '@temporalio/workflow',
  '@temporalio/common',
  '@temporalio/worker',
  'express',
  'helmet',
  'kafkajs',
  'zod',
];

const { forbidden } = require(join(root, '.dependency-cruiser.cjs')) as { forbidden: { name: string }[] };
/** The names of all rules of the product. */
export const ruleNames = forbidden.map(({ name }) => name);

/** @returns for each file with a violation the names of the rules that refuse it */
export async function cruise(imports: readonly Import[]): Promise<Map<string, Set<string>>> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'house-')));
  try {
    for (const [path, text] of filesOf(imports)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const { summary } = JSON.parse(await depcruise(folder)) as Report;
    const refused = new Map<string, Set<string>>();
    for (const { from, rule } of summary.violations)
      refused.set(from, (refused.get(from) ?? new Set()).add(rule.name));
    return refused;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function filesOf(imports: readonly Import[]): Map<string, string> {
  const files = new Map<string, string>([
    [
      'package.json',
      JSON.stringify({ dependencies: Object.fromEntries(packages.map((name) => [name, '*'])) }),
    ],
    ['tsconfig.json', '{}'],
  ]);
  for (const name of packages) {
    files.set(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }));
    files.set(`node_modules/${name}/index.js`, '');
  }
  for (const { to } of imports) if (isFile(to)) files.set(to, 'export const value = 1;\n');
  for (const { from, to } of imports) {
    const path = relative(dirname(from), to).replace(/\.ts$/, '');
    const specifier = !isFile(to) ? to : path.startsWith('.') ? path : `./${path}`;
    files.set(from, `import '${specifier}';\n`);
  }
  return files;
}

/** The command ends with a failure when it finds violations; its report is complete all the same. */
async function depcruise(folder: string): Promise<string> {
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [program, '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json', '.'];
  const options = { cwd: folder, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  return stdout;
}
