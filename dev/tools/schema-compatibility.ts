/**
 * Whether a reader of an earlier schema still understands what is written by a later one.
 *
 * Pure, over JSON Schemas as `json-schemas.ts` makes them. Breaking: a field removed or retyped, a required one added
 * or made optional, a value of an enumeration removed, a whole schema removed.
 */
import type { JsonSchema } from '../../contracts/topics/json-schemas';

/**
 * Both by file name; what is new breaks nobody.
 * @returns each break as a sentence that names the file and the field
 */
export function brokenReaders(
  released: Readonly<Record<string, JsonSchema>>,
  now: Readonly<Record<string, JsonSchema>>,
): string[] {
  return Object.entries(released).flatMap(([name, before]) => {
    const after = now[name];
    if (after === undefined) return [`${name} of the last release is gone`];
    return breakingChanges(before, after).map(
      (change) => `${name} breaks readers of the last release: ${change}`,
    );
  });
}

/** @returns each break as a sentence that names the field; empty when every reader goes on */
export function breakingChanges(before: JsonSchema, after: JsonSchema): string[] {
  return compare(before, after, { before, after }, '', new Set());
}

interface Roots {
  before: JsonSchema;
  after: JsonSchema;
}

function compare(
  before: JsonSchema,
  after: JsonSchema,
  roots: Roots,
  path: string,
  seen: Set<string>,
): string[] {
  const pair = `${String(before['$ref'])}|${String(after['$ref'])}`;
  if (before['$ref'] !== undefined && seen.has(pair)) return [];
  const met = new Set(seen).add(pair);
  const old = resolve(before, roots.before);
  const now = resolve(after, roots.after);
  const at = path === '' ? 'the event' : path;
  const oldTypes = typesOf(old);
  if (isAnything(now) && !isAnything(old)) return [`${at} may now be anything`];
  const lost = typesOf(now).filter((type) => !oldTypes.includes(type));
  if (oldTypes.length > 0 && lost.length > 0)
    return [`${at} may now be ${lost.join(' or ')}, it was ${oldTypes.join(' or ')}`];
  return [
    ...removedValues(old, now, at),
    ...properties(old, now, roots, path, met),
    ...nested(old, now, roots, path, met),
  ];
}

function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const ref = schema['$ref'];
  if (typeof ref !== 'string') return schema;
  const found = ref
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .reduce<unknown>((node, part) => (node as JsonSchema | undefined)?.[part], root);
  return (found ?? {}) as JsonSchema;
}

const alternatives = (schema: JsonSchema): JsonSchema[] =>
  (schema['anyOf'] ?? schema['oneOf'] ?? []) as JsonSchema[];

function typesOf(schema: JsonSchema): string[] {
  const { type } = schema;
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return type as string[];
  return [];
}

const bounds = ['type', 'const', 'enum', 'anyOf', 'oneOf', 'allOf'];
const isAnything = (schema: JsonSchema): boolean => !bounds.some((bound) => bound in schema);

function valuesOf(schema: JsonSchema): unknown[] | undefined {
  if ('const' in schema) return [schema['const']];
  return schema['enum'] as unknown[] | undefined;
}

function removedValues(old: JsonSchema, now: JsonSchema, at: string): string[] {
  const before = valuesOf(old);
  const after = valuesOf(now);
  if (before === undefined || after === undefined) return [];
  const removed = before.filter((value) => !after.includes(value));
  return removed.length === 0
    ? []
    : [`${at} lost ${removed.map((value) => JSON.stringify(value)).join(', ')}`];
}

function properties(
  old: JsonSchema,
  now: JsonSchema,
  roots: Roots,
  path: string,
  seen: Set<string>,
): string[] {
  const before = (old['properties'] ?? {}) as Record<string, JsonSchema>;
  const after = (now['properties'] ?? {}) as Record<string, JsonSchema>;
  const required = (schema: JsonSchema) => (schema['required'] ?? []) as string[];
  const field = (name: string) => (path === '' ? name : `${path}.${name}`);
  const kept = Object.entries(before).flatMap(([name, schema]) => {
    const next = after[name];
    if (next === undefined) return [`${field(name)} was removed`];
    const optional = required(old).includes(name) && !required(now).includes(name);
    return [
      ...(optional ? [`${field(name)} is no longer always there`] : []),
      ...compare(schema, next, roots, field(name), seen),
    ];
  });
  const added = required(now).filter((name) => !required(old).includes(name));
  return [...kept, ...added.map((name) => `${field(name)} became required`)];
}

/** Where a schema goes on, besides its fields: the items of a list, the values of a map. */
const insides = [
  ['items', '[]'],
  ['additionalProperties', '.*'],
] as const;

function nested(old: JsonSchema, now: JsonSchema, roots: Roots, path: string, seen: Set<string>): string[] {
  const inside = insides.flatMap(([keyword, mark]) => {
    const [before, after] = [old[keyword], now[keyword]];
    if (!isSchema(before) || !isSchema(after)) return [];
    return compare(before, after, roots, `${path}${mark}`, seen);
  });
  const known = alternatives(old);
  const written = alternatives(now);
  if (known.length + written.length === 0) return inside;
  // A reader must know each alternative that is written now.
  const unknown = (written.length > 0 ? written : [now]).flatMap((alternative) => {
    const breaks = (known.length > 0 ? known : [old]).map((one) =>
      compare(one, alternative, roots, path, seen),
    );
    return breaks.some((list) => list.length === 0) ? [] : (breaks.sort(byLength)[0] ?? []);
  });
  return [...inside, ...unknown];
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null;
const byLength = (a: string[], b: string[]): number => a.length - b.length;
