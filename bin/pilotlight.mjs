#!/usr/bin/env node
/*
 * Finds a Node.js that can run Pilotlight (it runs TypeScript as is) and starts it: in this process where this Node.js
 * can, else in the one that `npm ci` installed beside it, else in one found on PATH. Plain old JavaScript, because it must
 * also run, and say what to do, under a Node.js from years ago.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const needed = [24, 12];
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const main = path.join(root, 'src', 'main.ts');
const windows = process.platform === 'win32';

function newEnough(version) {
  const parts = /^v?(\d+)\.(\d+)\./.exec(version);
  if (parts === null) return false;
  const major = Number(parts[1]);
  return major > needed[0] || (major === needed[0] && Number(parts[2]) >= needed[1]);
}

/** Places where a Node.js may be: our own first, then PATH. Relative PATH entries are left out, as they change with the folder. */
function candidates() {
  const name = windows ? 'node.exe' : 'node';
  const own = [
    path.join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', name),
    path.join(root, 'node_modules', '.bin', name),
  ];
  const found = (process.env.PATH || '')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name));
  return own.concat(found).filter((file, index, all) => all.indexOf(file) === index && existsSync(file));
}

/** The version a candidate says it has; '' where it does not run here (another architecture or C library). */
function versionOf(file) {
  const answer = spawnSync(file, ['--version'], {
    encoding: 'utf8',
    timeout: 10000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return answer.status === 0 ? answer.stdout.trim() : '';
}

function giveUp(lines) {
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exitCode = 1;
}

/** Runs the service in another Node.js and becomes a window to it: signals go in, exit code or signal come out. */
function runIn(node) {
  const child = spawn(node, [main].concat(process.argv.slice(2)), { stdio: 'inherit' });
  const forward = (signal) => {
    // On a terminal Ctrl-C reaches the child by itself; a second one would mean "stop at once".
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  child.on('error', (error) => giveUp([`pilotlight: ${node} could not be started (${error.code}).`]));
  child.on('exit', (code, signal) => {
    for (const name of signals) process.removeListener(name, forward);
    if (signal === null) process.exitCode = code;
    else {
      process.exitCode = 128 + (constants.signals[signal] || 0);
      process.kill(process.pid, signal);
    }
  });
}

function start() {
  if (!existsSync(path.join(root, 'node_modules'))) {
    return giveUp(['pilotlight: its packages are not installed.', `Run: npm ci   (in ${root})`]);
  }
  if (newEnough(process.versions.node)) {
    process.argv[1] = main;
    return import(pathToFileURL(main).href);
  }
  const node = candidates().find((file) => newEnough(versionOf(file)));
  if (node !== undefined) return runIn(node);
  return giveUp([
    `pilotlight: needs Node.js ${needed.join('.')} or newer; this is ${process.versions.node}, and no newer one was found on PATH.`,
    `Run \`npm ci\` in ${root} with optional packages (on Linux x64 and arm64 it brings its own), or install Node.js 24: https://nodejs.org/`,
  ]);
}

start();
