/**
 * The compose file, as Docker Compose would read it, without Docker.
 *
 * Owns: reading, interpolation, and which mistakes the Compose Specification's schema and the file's own references
 * show. Does not own what the services are: `test/unit/docker` holds them against the code.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

/** A healthcheck's `test`, `command` and `entrypoint` are lists here; the file does not use the other spellings. */
export interface ComposeService {
  image?: string;
  build?: unknown;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string | number>;
  /** `ADDRESS:PUBLISHED:CONTAINER` */
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  user?: string;
  init?: boolean;
  read_only?: boolean;
  tmpfs?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  stop_grace_period?: string;
  restart?: string;
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  volumes?: Record<string, unknown>;
}

/**
 * Reads a compose file with `env` as the environment.
 * @throws when it is not YAML, or asks for a variable that is not set (`${NAME:?text}`)
 */
export function readComposeFile(path: string, env: NodeJS.ProcessEnv = {}): ComposeFile {
  return interpolated(parse(readFileSync(path, 'utf8'), { merge: true }), env) as ComposeFile;
}

function interpolated(value: unknown, env: NodeJS.ProcessEnv): unknown {
  if (typeof value === 'string') return interpolatedText(value, env);
  if (Array.isArray(value)) return value.map((item) => interpolated(item, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolated(item, env)]));
}

function interpolatedText(text: string, env: NodeJS.ProcessEnv): string {
  return text.replace(
    /\$(?:(\$)|\{(\w+)(?:(:[-?])([^}]*))?\})/g,
    (_, dollar?: string, name = '', operator?: string, word = '') => {
      if (dollar) return '$';
      const value = env[name];
      if (value || !operator) return value ?? '';
      if (operator === ':-') return word;
      throw new Error(`${name} ${word}`);
    },
  );
}

/** Lists what the schema of the Compose Specification has against the file, one line each. */
export function schemaMistakes(file: unknown): string[] {
  // The linter ships the schema unchanged, and exports nothing that leads to it but its package.json.
  const schemaPath = join(dirname(require.resolve('dclint/package.json')), 'schemas', 'compose.schema.json');
  // It names its dialect by an address that Ajv does not know; it is draft 7, Ajv's own.
  const { $schema: _, ...schema } = JSON.parse(readFileSync(schemaPath, 'utf8')) as Record<string, unknown>;
  const ajv = new Ajv({ allErrors: true, strict: false });
  // Docker's own formats, which it checks itself.
  for (const name of ['ports', 'expose', 'duration', 'subnet_ip_address']) ajv.addFormat(name, true);
  addFormats(ajv, ['uri']);
  const valid = ajv.compile(schema);
  if (valid(file)) return [];
  return (valid.errors ?? []).map(({ instancePath, message, params }) => {
    const key = 'additionalProperty' in params ? ` (${String(params['additionalProperty'])})` : '';
    return `${instancePath || '/'} ${message}${key}`;
  });
}

/** References to what is not there, and waiting for what never comes; the schema sees neither. */
export function referenceMistakes({ services, volumes = {} }: ComposeFile): string[] {
  const mistakes: string[] = [];
  for (const [name, service] of Object.entries(services)) {
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      const mistake = waitingMistake(services[other], condition);
      if (mistake) mistakes.push(`services.${name} waits for ${other}, which ${mistake}`);
    }
    for (const mount of service.volumes ?? []) {
      const source = mount.split(':')[0] ?? '';
      if (source.startsWith('.') || source in volumes) continue;
      mistakes.push(`services.${name} mounts ${source}, which is no volume`);
    }
  }
  return mistakes;
}

function waitingMistake(target: ComposeService | undefined, condition: string): string | undefined {
  if (!target) return 'is no service';
  if (condition === 'service_healthy' && !target.healthcheck) return 'has no healthcheck';
  if (condition === 'service_completed_successfully' && target.restart !== 'no') return 'is started again';
  return undefined;
}
