/**
 * `npm run soak`: the real service through months of its calendar in minutes, with the troubles of ordinary months, and a
 * verdict on whether anything in it, in Redis, on its disk or in the store grows. What it needs it starts, and what it
 * started it ends.
 */
import { createClosers } from '../../src/runtime/closers.ts';
import { help, readArguments, type SoakOptions } from './arguments.ts';
import { resultOf, table, unseenLeaks } from './report.ts';
import { soak } from './run.ts';
import { verdictOf } from './verdict.ts';

const hourMs = 3_600_000;

async function main(options: SoakOptions): Promise<number> {
  const closers = createClosers();
  const interrupted = async () => {
    await closers.closeAll().catch(() => undefined);
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    const soaked = await soak(options, closers, (line) => void process.stderr.write(`soak: ${line}\n`));
    const verdict = verdictOf(soaked.looks, soaked.realMs / hourMs);
    const result = resultOf(options, soaked, verdict);
    process.stdout.write(`${options.json ? JSON.stringify(result, null, 2) : table(options, soaked, verdict)}\n`);
    // A planted leak that is not found is the worse failure: it is said apart.
    const unseen = unseenLeaks(options, verdict);
    if (unseen.length > 0) process.stderr.write(`soak: planted and not found: ${unseen.join(', ')}\n`);
    return result.verdict === 'steady' ? 0 : 1;
  } finally {
    await closers.closeAll();
  }
}

try {
  const options = readArguments(process.argv.slice(2));
  if (options === 'help') process.stdout.write(help);
  else process.exitCode = await main(options);
} catch (error) {
  const isUsage =
    error instanceof RangeError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
  process.stderr.write(isUsage ? `${(error as Error).message}\n\n${help}` : `${(error as Error).stack ?? error}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
