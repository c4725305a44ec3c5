/** Finds the identifiers of TypeScript sources, their parts, and the parts that are banned. */
import { parseSync } from '@swc/core';

/** `attempt` and `id` of `attemptId`, `ATTEMPT_ID` and `attempt_id`; runs of capitals are one part. */
export function partsOf(identifier: string): string[] {
  return identifier
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== '')
    .map((part) => part.toLowerCase());
}

/** Returns the first of `banned` (parts that follow one another, with spaces between) in the identifier, or null. */
export function bannedPartOf(identifier: string, banned: readonly string[]): string | null {
  const parts = ` ${partsOf(identifier).join(' ')} `;
  return banned.find((words) => parts.includes(` ${words} `)) ?? null;
}

/** Lists every identifier of a source once: names, properties and private names; not what strings and comments hold. */
export function identifiersOf(source: string): Set<string> {
  const found = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if (Array.isArray(node)) {
      for (const element of node) visit(element);
      return;
    }
    if ('type' in node && 'value' in node && isIdentifier(node.type) && typeof node.value === 'string') {
      found.add(node.value);
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseSync(source, { syntax: 'typescript', target: 'es2022' }).body);
  return found;
}

const isIdentifier = (type: unknown): boolean => type === 'Identifier' || type === 'PrivateName';

/** Returns the line, counted from 1, where the identifier stands first. */
export function lineOf(source: string, identifier: string): number {
  const at = source.search(new RegExp(`(?<![\\w$])${identifier.replaceAll('$', String.raw`\$`)}(?![\\w$])`));
  return source.slice(0, Math.max(at, 0)).split('\n').length;
}
