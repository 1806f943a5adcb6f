/**
 * The programs that look at the chart, each built once from its Go module at one version and kept in the user's cache,
 * never in the project. Go checks what it downloads against the checksum database; nothing here trusts a download page.
 */
import { execFile, spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export type ToolName = 'helm' | 'helm3' | 'helm-unittest' | 'kubeconform' | 'kube-score' | 'helm-docs';

interface Tool {
  readonly module: string;
  readonly version: string;
  /** Folder of the main package, below the module. */
  readonly command: string;
  /** `go install` refuses a module that replaces others; it is then built from a module of ours that replaces the same. */
  readonly replaces?: true;
}

export const tools: Readonly<Record<ToolName, Tool>> = {
  helm: { module: 'helm.sh/helm/v4', version: 'v4.3.1', command: 'cmd/helm' },
  helm3: { module: 'helm.sh/helm/v3', version: 'v3.22.0', command: 'cmd/helm' },
  'helm-unittest': {
    module: 'github.com/helm-unittest/helm-unittest',
    version: 'v1.1.2',
    command: 'cmd/helm-unittest',
    replaces: true,
  },
  kubeconform: { module: 'github.com/yannh/kubeconform', version: 'v0.8.0', command: 'cmd/kubeconform' },
  'kube-score': { module: 'github.com/zegl/kube-score', version: 'v1.20.0', command: 'cmd/kube-score' },
  'helm-docs': { module: 'github.com/norwoodj/helm-docs', version: 'v1.14.2', command: 'cmd/helm-docs' },
};

export const toolNames = Object.keys(tools) as readonly ToolName[];

/** Says what takes long: on standard error, so that results on standard output stay readable by programs. */
export type Say = (line: string) => void;
const toStderr: Say = (line) => void process.stderr.write(`${line}\n`);

const run = promisify(execFile);

/** Where tools and schemas are kept between runs. */
export function cacheFolder(...parts: readonly string[]): string {
  const { XDG_CACHE_HOME = '' } = process.env;
  return join(XDG_CACHE_HOME === '' ? join(homedir(), '.cache') : XDG_CACHE_HOME, 'pilotlight', ...parts);
}

/** What this machine lacks for the checks, each with how to have it; nothing is installed on the system by itself. */
export async function missingPrograms(): Promise<string[]> {
  const lacking: string[] = [];
  const has = async (program: string, args: readonly string[]) =>
    run(program, args).then(
      () => true,
      () => false,
    );
  const unbuilt: string[] = [];
  for (const name of toolNames) {
    const { version } = tools[name];
    if (!(await exists(toolPath(name)))) unbuilt.push(`${name} ${version}`);
  }
  if (unbuilt.length > 0 && !(await has('go', ['version'])))
    lacking.push(`Go 1.26 or later, to build ${unbuilt.join(', ')}`);
  if (!(await has('promtool', ['--version'])))
    lacking.push('promtool, to check the alerting rules (Debian: prometheus)');
  if (!(await has('python3', ['-m', 'pip', '--version'])))
    lacking.push('python3 with pip, to fetch the schemas of Kubernetes (Debian: python3-pip)');
  return lacking;
}

function toolPath(name: ToolName): string {
  const tool = tools[name];
  return join(cacheFolder('tools', `${name}-${tool.version}`), programOf(tool));
}

const found = new Map<ToolName, Promise<string>>();

/**
 * Absolute path of a tool of the version above, built first where the cache has none (minutes). Throws in words that say
 * what to install where there is no Go.
 */
export function findTool(name: ToolName, say: Say = toStderr): Promise<string> {
  const known = found.get(name);
  if (known !== undefined) return known;
  const looking = findOrBuild(name, say);
  found.set(name, looking);
  looking.catch(() => found.delete(name));
  return looking;
}

async function findOrBuild(name: ToolName, say: Say): Promise<string> {
  const tool = tools[name];
  const program = toolPath(name);
  const folder = dirname(program);
  if (await exists(program)) return program;
  await goAtHand(name, tool);
  const startedMs = performance.now();
  say(`building ${name} ${tool.version} (once; minutes)`);
  await mkdir(cacheFolder('tools'), { recursive: true });
  // Built beside its place and moved there whole, so that nobody finds half of it; the later of two builders yields.
  const building = await mkdtemp(join(cacheFolder('tools'), '.building-'));
  try {
    await (tool.replaces === true ? buildWrapped(tool, building) : install(tool, building));
    await rename(building, folder).catch(async (error: unknown) => {
      if (!(await exists(program))) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  say(`built ${name} in ${Math.round((performance.now() - startedMs) / 1_000)} s`);
  return program;
}

const programOf = ({ command }: Tool) => command.split('/').at(-1) ?? command;

async function goAtHand(name: string, { module, version }: Tool): Promise<void> {
  const ends = await run('go', ['version']).catch(() => undefined);
  if (ends === undefined)
    throw new Error(
      `${name} ${version} is missing and there is no Go to build it with: install Go 1.26 or later (it builds ${module}), then run this again`,
    );
}

function install({ module, version, command }: Tool, folder: string): Promise<void> {
  return go(['install', `${module}/${command}@${version}`], { GOBIN: folder });
}

/** A module of our own that needs the tool and replaces what the tool's own go.mod replaces. */
async function buildWrapped({ module, version, command }: Tool, folder: string): Promise<void> {
  const { GoMod } = await goModule(module, version);
  const text = await readFile(GoMod, 'utf8');
  const own = await mkdtemp(join(tmpdir(), 'pilotlight-build-'));
  try {
    const wanted = `module pilotlight.invalid/build\n\n${text.match(/^go .*$/m)?.[0] ?? ''}\n\nrequire ${module} ${version}\n`;
    const replaces = text.match(/^replace \([\s\S]*?^\)|^replace .*$/gm) ?? [];
    if (replaces.length === 0) throw new Error(`${module} ${version} replaces nothing: install it directly`);
    await writeFile(join(own, 'go.mod'), `${wanted}\n${replaces.join('\n')}\n`);
    await writeFile(join(own, 'tools.go'), `//go:build tools\n\npackage build\n\nimport _ "${module}/${command}"\n`);
    await go(['mod', 'tidy'], {}, own);
    await go(['build', '-o', join(folder, programOf({ module, version, command })), `${module}/${command}`], {}, own);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** A module's files in Go's own cache, downloaded and checked where they are not there yet. Throws what Go says. */
export async function goModule(module: string, version: string): Promise<{ Dir: string; GoMod: string }> {
  const asked = await run('go', ['mod', 'download', '-json', `${module}@${version}`], {
    cwd: tmpdir(),
    env: { ...process.env, GOWORK: 'off' },
  }).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? '{}' }));
  const answer = JSON.parse(asked.stdout === '' ? '{}' : asked.stdout) as {
    Dir?: string;
    GoMod?: string;
    Error?: string;
  };
  const { Dir, GoMod, Error: why = 'is Go installed?' } = answer;
  if (Dir === undefined || GoMod === undefined) throw new Error(`cannot have ${module} ${version}: ${why}`);
  return { Dir, GoMod };
}

/** Niced: a build takes every core for minutes, and whoever runs it has other things to do. */
function go(args: readonly string[], env: Record<string, string>, cwd = tmpdir()): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn('nice', ['-n', '10', 'go', ...args], {
      cwd,
      env: { ...process.env, GOWORK: 'off', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => (said += chunk));
    child.on('error', failed);
    child.on('close', (code) =>
      code === 0 ? done() : failed(new Error(`go ${args.join(' ')} ended with ${code}:\n${said.slice(-2_000)}`)),
    );
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end; a bad end is a result, not an error. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = spawn(program, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: options.env ?? process.env,
      timeout: 300_000,
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    child.on('error', failed);
    child.on('close', (code, signal) =>
      done({ code: code ?? 128, out, err: signal === null ? err : `${err}ended by ${signal}` }),
    );
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}
