/** docker-compose.yml against the schema of the Compose Specification, and the check that uses it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  readComposeFile,
  referenceMistakes,
  schemaMistakes,
  type ComposeFile,
} from '../../../dev/tools/compose-file';
import { compose, composePath } from './files';

const folder = mkdtempSync(join(tmpdir(), 'perennial-compose-'));
afterAll(() => rmSync(folder, { recursive: true }));

function read(yaml: string, env: NodeJS.ProcessEnv = {}): ComposeFile {
  const path = join(folder, 'docker-compose.yml');
  writeFileSync(path, yaml);
  return readComposeFile(path, env);
}

describe('docker-compose.yml', () => {
  test('is valid', () => {
    expect(schemaMistakes(compose)).toEqual([]);
    expect(referenceMistakes(compose)).toEqual([]);
  });

  test('needs no variable, so that the platform can start and stop the servers without an API key', () => {
    expect(() => readComposeFile(composePath, {})).not.toThrow();
  });
});

describe('the check', () => {
  test('names an unknown key and a wrong value', () => {
    const file = read('services: { a: { image: x, read_onyl: true, stop_grace_period: 3 } }');
    expect(schemaMistakes(file)).toEqual(
      expect.arrayContaining([
        '/services/a must NOT have additional properties (read_onyl)',
        '/services/a/stop_grace_period must be string',
      ]),
    );
  });

  test('names references to what is not there and waits that never end', () => {
    const file = read(`
services:
  a:
    depends_on:
      b: { condition: service_healthy }
      c: { condition: service_started }
      d: { condition: service_completed_successfully }
    volumes: ['data:/data', './folder:/folder']
  b: { image: x }
  d: { image: x, restart: always }
`);
    expect(referenceMistakes(file)).toEqual([
      'services.a waits for b, which has no healthcheck',
      'services.a waits for c, which is no service',
      'services.a waits for d, which is started again',
      'services.a mounts data, which is no volume',
    ]);
  });

  test('interpolates as Compose does', () => {
    const yaml =
      "services: { a: { image: 'x:${TAG:-1}', command: ['$${TAG}', '$TAG', '${TAG}', '${SET:?is needed}'] } }";
    const { a } = read(yaml, { SET: 'set' }).services;
    expect(a).toEqual({ image: 'x:1', command: ['${TAG}', '$TAG', '', 'set'] });
    expect(() => read(yaml)).toThrow('SET is needed');
  });

  test('merges anchors, the nearer key first', () => {
    const { services } = read('x-a: &a { image: x, init: true }\nservices: { a: { <<: *a, image: y } }');
    expect(services['a']).toEqual({ image: 'y', init: true });
  });
});
