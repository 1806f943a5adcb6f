/** What the exit codes of `pilotlight` mean, for scripts and probes. Stable; `pilotlight --help` lists them. */
export const exitCodes = {
  ok: 0,
  /** The command failed, or `status` found something that wants attention. */
  failure: 1,
  /** `status` found something that needs somebody now. */
  critical: 2,
  /** Unknown command, option or argument (EX_USAGE of sysexits). */
  usage: 64,
  /** The configuration cannot be used (EX_CONFIG of sysexits). */
  configuration: 78,
} as const;

export const exitCodesHelp =
  'Exit codes: 0 ok, 1 failed or warnings, 2 critical (status), 64 wrong usage, 78 configuration not usable.';
