/** The OpenAPI document says what is served, all of it and nothing else, in schemas that are valid. */
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { Express } from 'express';
import { readIdempotencyKey } from '../../../access/idempotency';
import { createApp } from '../../../api/http/app';
import { openApiDocument } from '../../../api/http/openapi';
import { readIfMatch } from '../../../api/http/preconditions';
import { routeTable } from '../../../api/routes';
import { scopeOfSource } from '../../../billing/timeline/readable';
import { problems } from '../../../contracts/problems';
import { scopes } from '../../../contracts/scopes';
import { apiDependencies } from './test-app';

interface Operation {
  operationId: string;
  description: string;
  security?: unknown[];
  parameters?: { $ref?: string; name?: string; in?: string; required?: boolean; schema?: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { content?: Record<string, { schema?: object; examples?: object }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; parameters: Record<string, object> };
}

const document = JSON.parse(
  openApiDocument(
    routeTable(() => ''),
    '0.1.0',
  ),
) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

/** What Express really answers, read from its own stack. */
function served(app: Express): string[] {
  const { stack } = app.router as unknown as {
    stack: { route?: { path: string; stack: { method?: string }[] } }[];
  };
  return stack.flatMap(({ route }) =>
    (route?.stack ?? [])
      .filter(({ method }) => method !== undefined)
      .map(({ method }) => `${method} ${route?.path.replace(/:(\w+)/g, '{$1}')}`),
  );
}

test('every served route is in the document, and every documented one is served', () => {
  const documented = operations.map(({ path, method }) => `${method} ${path}`);
  const inExpress = served(createApp(apiDependencies()));
  expect(inExpress.length).toBeGreaterThan(20);
  expect(inExpress.toSorted()).toEqual(documented.toSorted());
});

test('it is OpenAPI 3.1 and every reference in it leads somewhere', () => {
  expect(document.openapi).toBe('3.1.0');
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
    (match) => match[1] ?? '',
  );
  expect(references.length).toBeGreaterThan(10);
  for (const reference of references) {
    let target: unknown = document;
    for (const part of reference.split('/')) target = (target as Record<string, unknown> | undefined)?.[part];
    expect([reference, typeof target]).toEqual([reference, 'object']);
  }
});

test('every schema is a valid JSON Schema', () => {
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  ajv.addFormat('idn-email', true);
  ajv.addSchema({ $id: 'https://perennial.invalid/api', ...document });
  for (const name of Object.keys(document.components.schemas)) {
    const schema = ajv.getSchema(`https://perennial.invalid/api#/components/schemas/${name}`);
    expect([name, typeof schema]).toEqual([name, 'function']);
  }
});

test('operations have names of their own, and path parameters are declared', () => {
  const names = operations.map(({ operation }) => operation.operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const { path, operation } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
    expect(declared.map(({ name }) => name)).toEqual(inPath);
    expect(declared.every(({ required }) => required === true)).toBe(true);
  }
});

test('what needs a key says which scope and which refusals; what does not says so', () => {
  for (const { path, operation } of operations) {
    const open = operation.security?.length === 0;
    const scope = /Scope: `([\w:]+)`/.exec(operation.description ?? '')?.[1];
    expect([path, open]).toEqual([path, scope === undefined]);
    if (scope === undefined) continue;
    expect(scopes).toContain(scope);
    expect(Object.keys(operation.responses)).toEqual(
      expect.arrayContaining(['401', '403', '422', '500', '503']),
    );
  }
});

/** Without an API key nothing is asked for but to hear what a provider tells, in the provider's own form. */
const fromProviders = ({ operation }: { operation: Operation }) => operation.operationId === 'receiveWebhook';

test('the webhooks of providers are the one thing that is sent without an API key', () => {
  const open = operations.filter(
    ({ method, operation }) => method !== 'get' && operation.security?.length === 0,
  );
  expect(open.map(({ operation }) => operation.operationId)).toEqual(['receiveWebhook']);
});

test('every POST that makes or changes something takes an Idempotency-Key', () => {
  const posts = operations.filter((one) => one.method === 'post' && !fromProviders(one));
  expect(posts.length).toBeGreaterThan(5);
  for (const { operation } of posts) {
    expect(operation.parameters).toContainEqual({ $ref: '#/components/parameters/IdempotencyKey' });
    expect(Object.keys(operation.responses)).toContain('409');
  }
});

test('unknown fields are refused in every body, and the document says so', () => {
  const ours = operations.filter((one) => !fromProviders(one));
  const bodies = ours.flatMap(({ operation }) => Object.values(operation.requestBody?.content ?? {}));
  expect(bodies.length).toBeGreaterThan(5);
  for (const { schema } of bodies) {
    const name = (schema as { $ref: string }).$ref.split('/').at(-1) ?? '';
    expect(document.components.schemas[name]).toMatchObject({ type: 'object', additionalProperties: false });
  }
});

test('I4: numbers of a query are whole numbers with bounds', () => {
  const limits = operations.flatMap(({ operation }) =>
    (operation.parameters ?? []).filter(({ name }) => name === 'limit' || name === 'version'),
  );
  expect(limits.length).toBeGreaterThan(10);
  for (const { name, schema } of limits) {
    const bounds = name === 'limit' ? { maximum: 100, default: 20 } : { maximum: 999_999_999 };
    expect(schema).toMatchObject({ type: 'integer', minimum: 1, ...bounds });
    expect(schema).not.toHaveProperty('pattern');
  }
});

test('I4: an id in a path may be that of nothing, and a query may be wrong, whatever the operation', () => {
  for (const { path, operation } of operations) {
    const expected = ['400', '422', ...(path.includes('{') ? ['404'] : [])];
    const statuses = Object.keys(operation.responses);
    expect([path, statuses]).toEqual([path, expect.arrayContaining(expected)]);
  }
});

test.each(['RequestId', 'Traceparent'])('I4: the header %s has no pattern: others are replaced', (name) => {
  const { schema } = document.components.parameters[name] as { schema: object };
  expect(schema).toEqual({ type: 'string' });
});

test.each<[string, (value: string) => unknown, string[], string[]]>([
  ['IdempotencyKey', readIdempotencyKey, ['a', 'order 1', '~'.repeat(255)], ['', 'é', 'x'.repeat(256)]],
  ['IfMatch', readIfMatch, ['*', '"3"', '"123456789"'], ['3', '""', '"1234567890"', 'W/"3"']],
])('I4: the pattern of the header %s is the one that is kept', (name, read, right, wrong) => {
  const { schema } = document.components.parameters[name] as { schema: { pattern: string } };
  for (const value of right) {
    expect([value, new RegExp(schema.pattern).test(value)]).toEqual([value, true]);
    expect(() => read(value)).not.toThrow();
  }
  for (const value of wrong) {
    expect([value, new RegExp(schema.pattern).test(value)]).toEqual([value, false]);
    expect(() => read(value)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
  }
});

test('problem answers have examples of the closed table', () => {
  const plan = operations.find(({ operation }) => operation.operationId === 'createPlan');
  const examples = Object.keys(
    plan?.operation.responses['422']?.content?.['application/problem+json']?.examples ?? {},
  );
  expect(examples).toEqual(expect.arrayContaining(['validation_failed', 'idempotency_key_reused']));
  for (const code of examples) expect(Object.keys(problems)).toContain(code);
});

test('I5: an entry of a timeline needs the scope of the operation that reads its source', () => {
  const scopeOf = (path: string) =>
    /Scope: `([\w:]+)`/.exec(document.paths[path]?.['get']?.description ?? '')?.[1];
  const readBy = {
    webhook_delivery: '/webhook-deliveries',
    retry_request: '/payments/{payment_id}/retry-requests',
    attempt: '/payments/{payment_id}',
    refund: '/payments/{payment_id}/refunds',
    change: '/subscriptions/{subscription_id}',
    retry_plan: '/payments/{payment_id}',
    retry_refusal: '/payments/{payment_id}/retry-requests',
    operator_task: '/operator-tasks',
    task_resolution: '/operator-tasks',
    audit: '/audit',
  } as const satisfies Record<keyof typeof scopeOfSource, string>;
  const expected = Object.entries(readBy).map(([source, path]) => [source, scopeOf(path)]);
  expect(scopeOfSource).toEqual(Object.fromEntries(expected));
});
