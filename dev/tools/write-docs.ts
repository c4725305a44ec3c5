/**
 * Writes what follows from the code: the pages of configuration, topics, commands and what waits, OpenAPI, AsyncAPI, JSON Schemas.
 *
 * With `--check` it writes nothing: it fails when a committed one is stale, when AsyncAPI's own parser objects, or when
 * a schema broke the readers of the last release (`contracts/released`). `--release` makes today's schemas that release.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openApiDocument } from '../../api/http/openapi';
import { routeTable } from '../../api/routes';
import { settings, type Setting, type SettingGroup } from '../../config';
import { asyncApiDocument } from '../../contracts/topics/asyncapi';
import { brokenReaders } from './schema-compatibility';
import { eventType } from '../../contracts/topics/envelope';
import { jsonSchemas, type JsonSchema } from '../../contracts/topics/json-schemas';
import { productVersion } from '../../contracts/version';
import { commandsPage } from './commands-page';
import { openStatesPage } from './open-states-page';
import { topicNames, topics, type Topic, type TopicDescription } from '../../contracts/topics/topics';

const root = join(__dirname, '..', '..', '..');
const released = join(root, 'contracts', 'released');

function configurationPage(): string {
  const groups: SettingGroup[] = [
    'Addresses',
    'Secrets',
    'Kafka',
    'Temporal',
    'Notifications',
    'Behaviour',
    'Platform',
  ];
  const rows = (group: SettingGroup) =>
    Object.entries<Setting>(settings)
      .filter(([, setting]) => setting.group === group)
      .map(([name, { shownDefault, text }]) => `| \`${name}\` | ${shownDefault} | ${text} |`);
  return [
    '# Configuration',
    '',
    'Every process reads its settings from the environment once, at start. A malformed value, or a name that looks like a setting and is none, stops the start with all mistakes listed at once (exit code 2). An empty value counts as not set, and so does a link to a service that Kubernetes made (`tcp://…`).',
    '',
    'This page is generated from `config.ts` by `npm run docs`.',
    ...groups.flatMap((group) => [
      '',
      `## ${group}`,
      '',
      '| Variable | Default | Meaning |',
      '| --- | --- | --- |',
      rows(group).join('\n'),
    ]),
    '',
  ].join('\n');
}

function topicsPage(): string {
  const row = (topic: Topic, description: TopicDescription) => {
    const {
      producers,
      trigger,
      consumers,
      extensionConsumers = [],
      key,
      extension,
      leastRetentionMs,
    } = description;
    const schema = eventType(topic);
    const groups = [...consumers, ...extensionConsumers.map((group) => `${group} (extension)`)];
    return `| \`${topic}\`${extension ? ' (extension)' : ''} | ${producers.join(', ')} | ${trigger} | ${groups.join(', ')} | ${key} | ${leastRetentionMs / 86_400_000} days | [${schema}](../contracts/schemas/${schema}.json) |`;
  };
  return [
    '# Topics',
    '',
    '`KAFKA_RETENTION_MS` keeps records longer. Records that a group can never handle go to `{group}.dlq`. How to read and write them: [events.md](events.md).',
    '',
    'This page is generated from `contracts/topics/topics.ts` by `npm run docs`.',
    '',
    '| Topic | Written by | When | Consumer groups | Key | Kept, at least | Schema |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...topicNames.map((topic) => row(topic, topics[topic])),
    '',
  ].join('\n');
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function documents(): Record<string, string> {
  const schemas = Object.entries(jsonSchemas()).map(([name, schema]) => [
    `contracts/schemas/${name}`,
    json(schema),
  ]);
  return {
    'docs/configuration.md': configurationPage(),
    'docs/topics.md': topicsPage(),
    'docs/cli.md': commandsPage(),
    'docs/open-states.md': openStatesPage(),
    'docs/openapi.json': `${openApiDocument(
      routeTable(() => ''),
      productVersion,
    )}\n`,
    'contracts/asyncapi.json': json(asyncApiDocument(productVersion)),
    ...Object.fromEntries(schemas),
  };
}

function write(): void {
  for (const [name, text] of Object.entries(documents())) {
    const path = join(root, name);
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    process.stdout.write(`${name}\n`);
  }
}

async function mistakes(): Promise<string[]> {
  const stale = Object.entries(documents())
    .filter(
      ([name, text]) => !existsSync(join(root, name)) || readFileSync(join(root, name), 'utf8') !== text,
    )
    .map(([name]) => `${name} is stale: npm run docs`);
  return [...stale, ...brokenReaders(releasedSchemas(), jsonSchemas()), ...(await asyncApiMistakes())];
}

/** The schemas of the last release, by file name. */
function releasedSchemas(): Record<string, JsonSchema> {
  const read = (name: string) => JSON.parse(readFileSync(join(released, name), 'utf8')) as JsonSchema;
  return Object.fromEntries(readdirSync(released).map((name) => [name, read(name)]));
}

async function asyncApiMistakes(): Promise<string[]> {
  const { Parser } = await import('@asyncapi/parser');
  const { diagnostics } = await new Parser().parse(json(asyncApiDocument(productVersion)));
  const error = 0;
  return diagnostics
    .filter(({ severity }) => severity === error)
    .map(({ message, path }) => `contracts/asyncapi.json: ${message} at ${path.join('/')}`);
}

function release(): void {
  rmSync(released, { recursive: true, force: true });
  mkdirSync(released, { recursive: true });
  for (const [name, schema] of Object.entries(jsonSchemas()))
    writeFileSync(join(released, name), json(schema));
}

async function main(mode: string | undefined): Promise<void> {
  if (mode === '--release') return release();
  if (mode !== '--check') return write();
  const found = await mistakes();
  for (const mistake of found) process.stderr.write(`${mistake}\n`);
  if (found.length > 0) process.exitCode = 1;
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
