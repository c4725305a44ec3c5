/** Text that PostgreSQL can hold: no NUL, and in JSON no half of a surrogate pair. */

const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

export function isStorable(text: string): boolean {
  return !text.includes('\0') && !loneSurrogate.test(text);
}

/** Where in a JSON value, which is not nested deeply, the first text or name stands that is not storable; null: all are. */
export function unstorablePath(value: unknown, path: readonly string[] = []): readonly string[] | null {
  if (typeof value === 'string') return isStorable(value) ? null : path;
  if (value === null || typeof value !== 'object') return null;
  for (const [name, inner] of Object.entries(value)) {
    if (!isStorable(name)) return path;
    const found = unstorablePath(inner, [...path, name]);
    if (found !== null) return found;
  }
  return null;
}
