/**
 * The headers that a browser obeys, on every answer.
 *
 * Invariants: nothing inline runs and no inline style holds; no page of others may frame ours; an answer that is no page
 * of the documentation may load nothing at all.
 */
import type { RequestHandler } from 'express';
import helmet from 'helmet';

const nothing = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};
/** Files of our own origin. The pictures of Swagger UI's buttons stand in its style sheet. */
const ownFiles = {
  ...nothing,
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
};
const withPolicy = (directives: Record<string, string[]>) =>
  helmet({ contentSecurityPolicy: { useDefaults: false, directives } });
const ofData = withPolicy(nothing);
const ofPages = withPolicy(ownFiles);

/** Sets them. */
export function securityHeaders(): RequestHandler {
  return (request, response, next) =>
    (/^\/docs(\/|$)/.test(request.path) ? ofPages : ofData)(request, response, next);
}

/** Those of an answer that no application sees. */
export const bareHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};
