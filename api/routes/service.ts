/** Routes about the service itself, served to anyone: liveness, readiness, documentation, problems. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { alive, problemExplanation, readiness, type Readiness } from '../../contracts/http/service';
import { problems, type ProblemCode } from '../../contracts/problems';
import type { ApiDependencies } from '../http/dependencies';
import { problemTexts } from '../http/problem-texts';
import { notFound } from '../../contracts/problem-error';
import { sharedReadiness } from '../http/readiness';
import { route, type Answer, type Route } from '../http/route';

const tag = 'Service';
const html = 'text/html; charset=utf-8';
const script = 'text/javascript; charset=utf-8';

/** No inline script: the content security policy allows files of our own origin only. */
const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Perennial API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/init.js"></script>
</body>
</html>
`;
const docsInit = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;
const docsFiles: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': script,
  'favicon-32x32.png': 'image/png',
};

/** Read once; never more than the names above. */
const loadedFiles = new Map<string, Buffer>();

function docsFile(name: string): Answer {
  if (name === 'init.js') return { status: 200, file: { contentType: script, data: docsInit } };
  const contentType = Object.hasOwn(docsFiles, name) ? docsFiles[name] : undefined;
  if (contentType === undefined) throw notFound('file');
  const folder = dirname(require.resolve('swagger-ui-dist/package.json'));
  const data = loadedFiles.get(name) ?? readFileSync(join(folder, name));
  loadedFiles.set(name, data);
  return { status: 200, headers: { 'Cache-Control': 'public, max-age=3600' }, file: { contentType, data } };
}

/** One for each application, so that all who ask it share an answer. */
function readyHandler(): (call: unknown, deps: ApiDependencies) => Promise<Answer> {
  let ask: (() => Promise<Readiness>) | undefined;
  return async (_call, { readiness: checks }) => {
    ask ??= sharedReadiness(checks);
    const body = await ask();
    return { status: body.status === 'ready' ? 200 : 503, body };
  };
}

const explainProblem = route({
  method: 'get',
  path: '/problems/{code}',
  operationId: 'explainProblem',
  tag,
  summary: 'What a problem means',
  scope: null,
  params: z.object({ code: z.string() }),
  answers: { 200: { description: 'The meaning of the code.', schema: problemExplanation } },
  problems: ['not_found'],
  handle({ params }) {
    if (!Object.hasOwn(problems, params.code)) throw notFound('problem');
    const code = params.code as ProblemCode;
    return { status: 200, body: { code, ...problems[code], text: problemTexts[code] } };
  },
});

export function serviceRoutes(): Route[] {
  return [
    route({
      method: 'get',
      path: '/',
      operationId: 'root',
      tag,
      summary: 'Leads to the documentation',
      scope: null,
      answers: { 302: { description: 'To /docs.' } },
      handle: () => ({ status: 302, headers: { Location: '/docs' } }),
    }),
    route({
      method: 'get',
      path: '/healthz',
      operationId: 'isAlive',
      tag,
      summary: 'The process runs and answers',
      scope: null,
      unlimited: true,
      answers: { 200: { description: 'It does.', schema: alive } },
      handle: () => ({ status: 200, body: { status: 'ok' } }),
    }),
    route({
      method: 'get',
      path: '/readyz',
      operationId: 'isReady',
      tag,
      summary: 'Every part that the API needs is there',
      description: 'Found out once a second at most, however many ask.',
      scope: null,
      answers: {
        200: { description: 'Ready.', schema: readiness },
        503: { description: 'At least one part is down; each is named.', schema: readiness },
      },
      handle: readyHandler(),
    }),
    route({
      method: 'get',
      path: '/docs',
      operationId: 'docs',
      tag,
      summary: 'The documentation, to read and try',
      scope: null,
      answers: { 200: { description: 'A web page.', contentType: 'text/html' } },
      handle: () => ({ status: 200, file: { contentType: html, data: docsPage } }),
    }),
    route({
      method: 'get',
      path: '/docs/{file}',
      operationId: 'docsFile',
      tag,
      summary: 'Files of the documentation page',
      scope: null,
      params: z.object({ file: z.string() }),
      answers: { 200: { description: 'The file.', contentType: '*/*' } },
      problems: ['not_found'],
      handle: ({ params }) => docsFile(params.file),
    }),
    explainProblem,
  ];
}
