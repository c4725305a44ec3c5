/**
 * Leads a path that a route has but for slashes at its end to that route.
 *
 * Invariant: only to a path that a route has, so never to another host (`//elsewhere/`).
 */
import type { Request } from 'express';
import type { Route } from './route';

/** Makes what returns the URL without them; null where no route has that path. */
export function withoutTrailingSlashes(routes: readonly Route[]): (request: Request) => string | null {
  const patterns = [...new Set(routes.map(({ path }) => path))].map(
    (path) => new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
  );
  return ({ path, originalUrl }) => {
    const place = path.replace(/\/+$/, '');
    if (place === path || !patterns.some((pattern) => pattern.test(place))) return null;
    const query = originalUrl.indexOf('?');
    return query === -1 ? place : place + originalUrl.slice(query);
  };
}
