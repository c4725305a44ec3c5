/**
 * Writes the documents that follow from the code: `docs/configuration.md`, `docs/openapi.json`.
 * With `--check` it writes nothing and fails when a committed one is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiVersion } from '../api/app';
import { openApiDocument } from '../api/openapi';
import { routeTable } from '../api/routes';
import { settings, type Setting, type SettingGroup } from '../config';

const folder = join(__dirname, '..', '..', 'docs');

function configuration(): string {
  const groups: SettingGroup[] = ['Addresses', 'Secrets', 'Kafka', 'Temporal', 'Behaviour', 'Platform'];
  const rows = (group: SettingGroup) =>
    Object.entries<Setting>(settings)
      .filter(([, setting]) => setting.group === group)
      .map(([name, { shownDefault, text }]) => `| \`${name}\` | ${shownDefault} | ${text} |`);
  return [
    '# Configuration',
    '',
    'Every process reads its settings from the environment once, at start. A malformed value, or a name that looks like a setting and is none, stops the start with all mistakes listed at once (exit code 2). An empty value counts as not set.',
    '',
    'This page is generated from `config.ts` by `npm run docs`.',
    ...groups.flatMap((group) => [
      '',
      `## ${group}`,
      '',
      '| Variable | Default | Meaning |',
      '| --- | --- | --- |',
      ...rows(group),
    ]),
    '',
  ].join('\n');
}

const documents: Record<string, string> = {
  'configuration.md': configuration(),
  'openapi.json': `${openApiDocument(
    routeTable(() => ''),
    apiVersion,
  )}\n`,
};

for (const [name, text] of Object.entries(documents)) {
  const path = join(folder, name);
  const committed = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (committed === text) continue;
  if (process.argv.includes('--check')) {
    process.stderr.write(`docs/${name} is stale: npm run docs\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    process.stdout.write(`docs/${name}\n`);
  }
}
