/**
 * The OpenAPI 3.1 document, written from the route table and the schemas that validate.
 *
 * Owns: how a route is described. Invariant: nothing is described by hand that the table already says.
 */
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponseObject } from 'zod-openapi';
import { problem, problems, type ProblemCode } from '../../contracts/problems';
import { isMutating, takesIdempotencyKey, type DescribedAnswer, type Route } from './route';

/** The document as JSON text. */
export function openApiDocument(routes: readonly Route[], version: string): string {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const entry of routes) {
    const path = (paths[entry.path] ??= {});
    path[entry.method] = operation(entry);
  }
  const document = createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Perennial',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Durable subscription billing. Amounts are whole minor units with a currency; instants are RFC 3339 in UTC. ' +
        'Unknown fields are refused, and texts with control characters or what is not seen (joiners apart). Errors are RFC 9457 problems whose `code` is stable.',
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key with the scope of the call.' },
      },
      parameters: {
        IdempotencyKey: {
          name: 'Idempotency-Key',
          in: 'header',
          required: false,
          description:
            'The same key with the same request gives the same answer and has its effect once. ' +
            'Scoped to the API key; 1 to 255 printable ASCII characters, and given once.',
          // White space around a header's value is none of it.
          schema: { type: 'string', pattern: '^[\\x21-\\x7e]([\\x20-\\x7e]{0,253}[\\x21-\\x7e])?$' },
          example: 'order-1042',
        },
        IfMatch: {
          name: 'If-Match',
          in: 'header',
          required: false,
          description: 'The version that the change is about, in quotes; when it is another one by now, 412.',
          schema: { type: 'string', pattern: '^(\\*|"(0|[1-9]\\d{0,8})")$' },
          example: '"3"',
        },
        RequestId: {
          name: 'X-Request-Id',
          in: 'header',
          required: false,
          description:
            'Answered in the same header and in problems. Made when left out, or when it is not 8 to 64 letters, ' +
            'digits, "_" and "-". Given once.',
          schema: { type: 'string' },
          example: 'order-1042-a',
        },
        ...traceParameters,
      },
    },
  });
  return JSON.stringify(document);
}

/** The trace context of a call. */
const traceParameters = {
  Traceparent: {
    name: 'traceparent',
    in: 'header' as const,
    required: false,
    description: 'W3C trace context; passed on to the events that follow. Made when left out or malformed.',
    schema: { type: 'string' as const },
    example: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  },
  Tracestate: {
    name: 'tracestate',
    in: 'header' as const,
    required: false,
    description:
      'Passed on with `traceparent`: at most 32 members and 512 characters, what is beyond is left out; one that ' +
      'is malformed is left out as a whole.',
    schema: { type: 'string' as const },
    example: 'vendor=t61rcWkgMzE',
  },
};

function operation(entry: Route): ZodOpenApiOperationObject {
  const parameters = [
    { $ref: '#/components/parameters/RequestId' as const },
    { $ref: '#/components/parameters/Traceparent' as const },
    { $ref: '#/components/parameters/Tracestate' as const },
    ...(takesIdempotencyKey(entry) ? [{ $ref: '#/components/parameters/IdempotencyKey' as const }] : []),
    ...(entry.honoursIfMatch ? [{ $ref: '#/components/parameters/IfMatch' as const }] : []),
  ];
  return {
    operationId: entry.operationId,
    tags: [entry.tag],
    summary: entry.summary,
    description: [entry.description, entry.scope === null ? undefined : `Scope: \`${entry.scope}\`.`]
      .filter((part) => part !== undefined)
      .join('\n\n'),
    ...(entry.scope === null ? { security: [] } : {}),
    parameters,
    requestParams: {
      ...(entry.params === undefined ? {} : { path: entry.params }),
      ...(entry.query === undefined ? {} : { query: entry.query }),
    },
    ...(entry.raw === undefined ? {} : { requestBody: { required: true, content: { '*/*': {} } } }),
    ...(entry.body === undefined
      ? {}
      : {
          requestBody: {
            required: !entry.bodyOptional,
            content: { 'application/json': { schema: entry.body } },
          },
        }),
    responses: { ...described(entry.answers), ...refused(problemsOf(entry)) },
  };
}

function described(answers: Route['answers']): Record<string, ZodOpenApiResponseObject> {
  return Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, response(answer)]));
}

function response({
  description,
  schema,
  contentType,
  alternatives = [],
}: DescribedAnswer): ZodOpenApiResponseObject {
  if (schema === undefined && contentType === undefined) return { description };
  const type = contentType ?? 'application/json';
  const others = alternatives.map((other) => [other, { schema: { type: 'string' as const } }] as const);
  return {
    description,
    content: { [type]: schema === undefined ? {} : { schema: schema }, ...Object.fromEntries(others) },
  };
}

/** The route's own refusals, and those that its kind may always answer. */
function problemsOf(entry: Route): ProblemCode[] {
  const own: ProblemCode[] = [
    ...(entry.problems ?? []),
    // An id that nothing can have is the id of nothing, whatever the method.
    ...(entry.params === undefined ? [] : ['not_found' as const]),
    // The server itself, before any route: a query may be that long.
    'headers_too_large',
    'expectation_failed',
  ];
  if (entry.unlimited !== true) own.push('too_many_requests');
  if (entry.scope === null) return ['malformed_request', ...own, 'validation_failed', 'internal'];
  const always: ProblemCode[] = ['malformed_request', 'unauthenticated', 'forbidden', 'validation_failed'];
  const withBody: ProblemCode[] = ['malformed_json', 'payload_too_large', 'unsupported_media_type'];
  const repeated: ProblemCode[] = ['idempotency_key_in_flight', 'idempotency_key_reused'];
  return [
    ...always,
    ...own,
    ...(isMutating(entry) ? withBody : []),
    ...(takesIdempotencyKey(entry) ? repeated : []),
    'internal',
    'unavailable',
  ];
}

const whenToAskAgain: ZodOpenApiResponseObject['headers'] = {
  'Retry-After': { description: 'Seconds.', required: true, schema: { type: 'integer', minimum: 1 } },
};

/** One answer for each status; its codes are in the description and in the examples. */
function refused(codes: readonly ProblemCode[]): Record<string, ZodOpenApiResponseObject> {
  const byStatus = new Map<number, Set<ProblemCode>>();
  for (const code of codes) {
    const { status } = problems[code];
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  return Object.fromEntries(
    [...byStatus].map(([status, some]) => [
      String(status),
      {
        ...(status === problems.too_many_requests.status ? { headers: whenToAskAgain } : {}),
        description: [...some].map((code) => `\`${code}\`: ${problems[code].title}.`).join('\n\n'),
        content: {
          'application/problem+json': {
            schema: problem,
            examples: Object.fromEntries([...some].map((code) => [code, { value: example(code) }])),
          },
        },
      },
    ]),
  );
}

function example(code: ProblemCode) {
  return {
    type: `/problems/${code}`,
    ...problems[code],
    detail: 'What is wrong this time.',
    code,
    ...(code === 'validation_failed'
      ? { errors: [{ path: 'interval.count', message: 'must be at least 1' }] }
      : {}),
    request_id: '01982f4e-7a3b-7c11-9d6e-2f0c5a1b8e42',
  };
}
