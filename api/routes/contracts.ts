/** Routes of the published contracts: OpenAPI, AsyncAPI, and the schemas of the events. Served to anyone. */
import { z } from 'zod';
import { asyncApiDocument } from '../../contracts/topics/asyncapi';
import { jsonSchemas } from '../../contracts/topics/json-schemas';
import { productVersion } from '../../contracts/version';
import { notFound } from '../../contracts/problem-error';
import { route, type Route } from '../http/route';

const tag = 'Service';

/** Made when first asked for. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
const asyncApi = once(() => asyncApiDocument(productVersion));
const schemas = once(jsonSchemas);

/** @param openApi the document, as JSON text; written when first asked for */
export function contractRoutes(openApi: () => string): Route[] {
  return [
    route({
      method: 'get',
      path: '/openapi.json',
      operationId: 'openApi',
      tag,
      summary: 'This document',
      scope: null,
      answers: { 200: { description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.unknown()) } },
      handle: () => ({ status: 200, file: { contentType: 'application/json', data: openApi() } }),
    }),
    route({
      method: 'get',
      path: '/asyncapi.json',
      operationId: 'asyncApi',
      tag,
      summary: 'The document about the Kafka topics',
      scope: null,
      answers: { 200: { description: 'AsyncAPI 3.', schema: z.record(z.string(), z.unknown()) } },
      handle: () => ({ status: 200, body: asyncApi() }),
    }),
    route({
      method: 'get',
      path: '/schemas/{file}',
      operationId: 'eventSchema',
      tag,
      summary: 'The JSON Schema of an event, by the path of its dataschema',
      scope: null,
      params: z.object({ file: z.string() }),
      answers: { 200: { description: 'Draft 2020-12.', schema: z.record(z.string(), z.unknown()) } },
      problems: ['not_found'],
      handle: ({ params }) => {
        if (!Object.hasOwn(schemas(), params.file)) throw notFound('schema');
        return { status: 200, body: schemas()[params.file] };
      },
    }),
  ];
}
