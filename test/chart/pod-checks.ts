/**
 * The rendered pods against the program they start: its loader takes the configuration with the files that are mounted, the
 * commands exist, the probes ask for what is served, the grace period outlives the drain, and an Ingress leads to the
 * customers' pages and to nothing else.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { type Config, loadConfig } from '../../config/load.ts';
import type { CommandContext } from '../../src/cli/context.ts';
import { createProgram } from '../../src/cli/program.ts';
import type { Reconsent } from '../../src/reconsent/reconsent.ts';
import { probeRoutes } from '../../src/web/probes.ts';
import { reconsentRoutes } from '../../src/web/reconsent-routes.ts';
import { type Chart, type Manifest, manifestsOf, nameOf, root } from './chart.ts';
import type { Check } from './check.ts';
import { environmentOf, type Mounted, missingPaths, mountedIn } from './pod-files.ts';
import { type Container, isService, ownContainers, type PodSpec } from './pods.ts';

export interface Started {
  readonly manifest: Manifest;
  readonly pod: PodSpec;
  readonly container: Container;
}

/** What every shape must have at least once over all of them, so that a chart that renders little does not pass by that. */
export function podChecks(chart: Chart): Check[] {
  const check = (group: string, find: (started: Started, all: readonly Manifest[]) => readonly string[]): Check[] =>
    chart.shapes.map((shape) => ({
      group,
      what: shape,
      run: async () => {
        const manifests = await manifestsOf(chart, shape);
        const own = ownContainers(manifests);
        if (own.length === 0) return ['starts no container of ours'];
        return own.flatMap((started) =>
          find(started, manifests).map(
            (problem) => `${nameOf(started.manifest)}, ${started.container.name}: ${problem}`,
          ),
        );
      },
    }));
  return [
    ...check('the loader takes the configuration', (started, all) => configProblems(started, all)),
    ...check('the commands exist', ({ container }) => commandProblems(argvOf(container))),
    ...check('probes ask for what is served', (started, all) => probeProblems(started, all)),
    ...check('the grace period outlives the drain', (started, all) => graceProblems(started, all)),
    ...chart.shapes.map((shape) => ({
      group: 'an Ingress leads to the customers’ pages alone',
      what: shape,
      run: async () => ingressProblems(await manifestsOf(chart, shape)),
    })),
  ];
}

/** What the container gives the program, after the image's own entry point. */
function argvOf({ command, args }: Container): readonly string[] {
  if (command === undefined) return args ?? ['run'];
  const at = command.findIndex((part) => /(?:^|\/)pilotlight(?:\.mjs)?$|main\.ts$/.test(part));
  return at === -1 ? ['(unknown program)', ...command] : [...command.slice(at + 1), ...(args ?? [])];
}

/** The configuration a container starts with: read by the real loader, from its files and with its environment. */
export function loadIn({ container, pod }: Started, manifests: readonly Manifest[]) {
  const mounted = mountedIn(container, pod, manifests);
  const env = { ...environmentOf(container.env ?? []), KUBERNETES_SERVICE_HOST: '10.96.0.1' };
  const argv = argvOf(container);
  const at = argv.findIndex((part) => part === '--config' || part === '-c');
  const file = at === -1 ? undefined : argv[at + 1];
  return { mounted, loaded: loadConfig({ file, env, cwd: '/app', ...diskOf(mounted) }) };
}

/** Reads what is mounted and what the image ships; nothing else of this machine. */
function diskOf({ files, mounts }: Mounted) {
  const shipped = join(root, 'config');
  const absent = (path: string) => Object.assign(new Error(`ENOENT: no such file, '${path}'`), { code: 'ENOENT' });
  return {
    readFile(path: string): Uint8Array {
      const text = files.get(path);
      if (text !== undefined) return Buffer.from(text);
      if (!resolve(path).startsWith(`${shipped}/`)) throw absent(path);
      return readFileSync(path);
    },
    listDir(path: string): readonly string[] {
      if (resolve(path).startsWith(shipped)) return readdirSync(path);
      const names = [...files.keys()]
        .filter((file) => file.startsWith(`${path}/`))
        .map((file) => file.slice(path.length + 1));
      if (names.length === 0 && !mounts.includes(path)) throw absent(path);
      return names;
    },
  };
}

/** Where the loader refuses what the pod gives it, or the configuration names a file the pod has not. */
export function configProblems(started: Started, manifests: readonly Manifest[]): string[] {
  const { mounted, loaded } = loadIn(started, manifests);
  if (!loaded.ok) return loaded.problems.map(({ file, key, message }) => `${file}: ${key} ${message}`);
  // What the chart writes, not what is derived from it: a default for another store's key is nobody's to mount.
  const written = loaded.sources.flatMap((source) => mounted.files.get(source) ?? []);
  if (written.length === 0) return ['reads no mounted configuration'];
  const { directory } = loaded.config.spool;
  return [...written.flatMap((text) => missingPaths(parse(text), mounted)), ...missingPaths({ directory }, mounted)];
}

const noContext = { version: { version: '0', commit: '', node: '' }, out: () => undefined, err: () => undefined };

/** Commands and options of `argv` that the command line does not have. */
export function commandProblems(argv: readonly string[]): string[] {
  let command = createProgram(noContext as unknown as CommandContext, () => undefined);
  const globals = command.options;
  let rest = [...argv];
  for (;;) {
    for (const option of globals) if (!command.options.includes(option)) command.addOption(option);
    const { operands, unknown } = command.parseOptions(rest);
    const next = command.commands.find((one) => one.name() === operands[0]);
    if (next === undefined) {
      const many = operands.length - command.registeredArguments.length;
      if (command.commands.length > 0) return [`there is no command ${operands[0] ?? '(none given)'}`];
      return [
        ...unknown.map((part) => `does not know ${part}`),
        ...(many > 0 ? [`does not take ${operands.at(-1)}`] : []),
      ];
    }
    command = next;
    rest = [...operands.slice(1), ...unknown];
  }
}

function served(): Set<string> {
  const nothing = {} as Parameters<typeof probeRoutes>[0];
  return new Set(probeRoutes(nothing, { takeMaxMs: () => 0 }).map(({ path }) => path));
}

/** Probes that ask for a path nobody serves, at a port nobody listens on. */
export function probeProblems({ manifest, container, pod }: Started, manifests: readonly Manifest[]): string[] {
  if (!isService(manifest)) return [];
  const { loaded } = loadIn({ manifest, container, pod }, manifests);
  const web = loaded.ok ? (loaded.config.web as Config['web'] & { readonly healthPort?: number }) : undefined;
  const port = web?.healthPort ?? web?.port;
  const probes = {
    startup: container.startupProbe,
    liveness: container.livenessProbe,
    readiness: container.readinessProbe,
  };
  const wants = { startup: '/livez', liveness: '/livez', readiness: '/readyz' };
  return Object.entries(probes).flatMap(([name, probe]) => {
    const { path = '', port: asked = '' } = probe?.httpGet ?? {};
    const number = container.ports?.find((one) => one.name === asked)?.containerPort ?? asked;
    const problems: string[] = [];
    if (!served().has(path) || path !== wants[name as keyof typeof wants]) problems.push(`${name} asks for '${path}'`);
    if (number !== port) problems.push(`${name} asks port ${asked}, probes are on ${port}`);
    if (web?.host !== '0.0.0.0' && web?.host !== '::') problems.push(`${name} cannot reach ${web?.host}`);
    return problems;
  });
}

/** A pod killed before its rotations under way may end. */
export function graceProblems({ manifest, container, pod }: Started, manifests: readonly Manifest[]): string[] {
  if (!isService(manifest)) return [];
  const { loaded } = loadIn({ manifest, container, pod }, manifests);
  if (!loaded.ok) return ['its configuration does not load'];
  const { drainLimit, requestLimit } = loaded.config.rotation;
  // A request that leaves at the end of the drain is waited for as long as it may take.
  const needed = (drainLimit + requestLimit) / 1_000 + 10;
  const given = pod.terminationGracePeriodSeconds ?? 30;
  return given >= needed ? [] : [`is given ${given} s, needs ${needed} s`];
}

interface IngressSpec {
  readonly rules?: readonly {
    readonly host?: string;
    readonly http: {
      readonly paths: readonly {
        readonly path: string;
        readonly pathType: string;
        readonly backend: { readonly service: { readonly name: string; readonly port: { readonly name?: string } } };
      }[];
    };
  }[];
}

/** Paths open to the world that are not the customers' own, and the customers' own that are not open. */
export function ingressProblems(manifests: readonly Manifest[]): string[] {
  const publicUrls = ownContainers(manifests).flatMap((started) => {
    const { loaded } = loadIn(started, manifests);
    return loaded.ok && loaded.config.reconsent.publicUrl !== undefined ? [loaded.config.reconsent.publicUrl] : [];
  });
  return manifests
    .filter(({ kind }) => kind === 'Ingress')
    .flatMap((ingress) => {
      const [publicUrl] = publicUrls;
      if (publicUrl === undefined) return [`${nameOf(ingress)}: there are no pages for it to lead to`];
      const { hostname, pathname } = new URL(publicUrl);
      const base = pathname.replace(/\/+$/, '');
      const routes = reconsentRoutes({ publicUrl, reconsent: {} as Reconsent });
      const below = routes
        .filter((route) => 'below' in route && route.below === true)
        .map(({ path }) => `${base}${path}`);
      const { rules = [] } = ingress.spec as IngressSpec;
      const paths = rules.flatMap(({ http }) => http.paths);
      const given = paths.map(({ path }) => path.replace(/\/*$/, '/'));
      return [
        ...given.filter((path) => !below.includes(path)).map((path) => `${nameOf(ingress)}: opens ${path}`),
        ...below.filter((path) => !given.includes(path)).map((path) => `${nameOf(ingress)}: does not lead to ${path}`),
        ...rules
          .filter(({ host }) => host !== hostname)
          .map(({ host }) => `${nameOf(ingress)}: is for ${host ?? 'any host'}`),
        ...paths
          .filter(({ pathType }) => pathType !== 'Prefix')
          .map(({ path }) => `${nameOf(ingress)}: ${path} is no Prefix`),
      ];
    });
}
