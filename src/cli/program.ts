/**
 * The command line: which commands there are, what they share, and how a call ends. Every word goes through the context and
 * every end is an exit code; nothing here or below touches the process.
 */
import { Command, Option } from 'commander';
import { addAlerts } from './alerts.ts';
import { addConfig } from './config.ts';
import type { CommandContext } from './context.ts';
import { addDemo } from './demo.ts';
import { addDoctor } from './doctor.ts';
import { exitCodes, exitCodesHelp } from './exit-codes.ts';
import { argumentProblem, reportFailure } from './failure.ts';
import { addImport } from './import.ts';
import { type Act, createInvocation, type GlobalOptions, type Invocation } from './invocation.ts';
import { addLinks } from './links.ts';
import { addList } from './list.ts';
import { addPlan } from './plan.ts';
import { addRefresh } from './refresh.ts';
import { addRevoke } from './revoke.ts';
import { addRun } from './run.ts';
import { addShow } from './show.ts';
import { addSpool } from './spool.ts';
import { addStatus } from './status.ts';
import { harmless } from './terminal-text.ts';
import { addVersion, versionLine } from './version.ts';

const helpWidthMax = 100;

const examples = `
Examples:
  pilotlight demo                                60 days in about a minute, all on this machine
  pilotlight import connections.json             start keeping connections alive
  pilotlight status                              is everything well, and what dies next?
  pilotlight list --deadline-within 72h          who is affected
  pilotlight show acme/esign                     one connection: state, deadline, who can act

${exitCodesHelp}
Instants in JSON are ISO 8601 in UTC; spans end in their unit, like withinMs.`;

/** The whole command line. `end` is told the exit code of the command that ran. */
export function createProgram(context: CommandContext, end: (code: number) => void): Command {
  const program = new Command('pilotlight');
  const width = () => Math.min(context.columns ?? helpWidthMax, helpWidthMax);
  program
    .description('Keeps OAuth connections alive: refreshes them before they die, and says which need a new consent.')
    .usage('<command> [options]')
    .option('-c, --config <file>', 'configuration file (default: PILOTLIGHT_CONFIG, then config/pilotlight.yaml)')
    .addOption(new Option('-o, --output <format>', 'how results are shown').choices(['table', 'json']).default('table'))
    .option('--no-color', 'no colour (also: NO_COLOR)')
    .version(versionLine(context.version), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .configureOutput({
      writeOut: (text) => context.out(text),
      writeErr: (text) => context.err(text),
      outputError: (text, write) => write(`pilotlight: ${harmless(argumentProblem(text))}\n`),
      getOutHelpWidth: width,
      getErrHelpWidth: width,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addHelpText('after', examples);
  addCommands(program, actIn(context, end), context);
  for (const command of everyCommand(program)) command.showHelpAfterError(`See ${pathOf(command)} --help`);
  return program;
}

/** Commander hands an action its arguments, its options and last the command itself. */
function actIn(context: CommandContext, end: (code: number) => void): Act {
  return <A extends unknown[]>(run: (invocation: Invocation, ...given: A) => Promise<number>) =>
    async (...given: [...A, Command]) => {
      const command = given.at(-1) as Command;
      const own = given.slice(0, -1) as unknown[] as A;
      end(await run(createInvocation(context, command.optsWithGlobals<GlobalOptions>()), ...own));
    };
}

function addCommands(program: Command, act: Act, context: CommandContext): void {
  program.commandsGroup('Service:');
  addRun(program, act);
  addDemo(program, act);
  program.commandsGroup('Look:');
  addStatus(program, act);
  addList(program, act, context);
  addShow(program, act);
  addPlan(program, act, context);
  addDoctor(program, act);
  program.commandsGroup('Act:');
  addImport(program, act);
  addRefresh(program, act);
  addRevoke(program, act);
  addSpool(program, act);
  addAlerts(program, act);
  addLinks(program, act);
  program.commandsGroup('Other:');
  addConfig(program, act);
  addVersion(program, act);
  program.addHelpCommand(new Command('help').argument('[command]').description('show help for a command'));
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Runs what `argv` (without node and script) asks for. Resolves to the exit code and never rejects. */
export async function runCommand(argv: readonly string[], context: CommandContext): Promise<number> {
  let code: number = exitCodes.ok;
  try {
    const program = createProgram(context, (ended) => {
      code = ended;
    });
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return reportFailure(error, context);
  }
}
