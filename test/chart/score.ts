/** kube-score's findings, and the few that are meant to be: each with what it is about and why. */

export interface Finding {
  readonly check: string;
  /** Kind/name of the manifest. */
  readonly about: string;
  readonly comment: string;
}

/** A critical finding that stands on purpose. One that nothing is found for any more must go. */
export const exceptions: readonly { readonly check: string; readonly about: RegExp; readonly why: string }[] = [
  {
    check: 'container-image-pull-policy',
    about: /^(?:Deployment|StatefulSet|Pod)\//,
    why: 'images are named by a version or a digest, and a pod must come back while the registry is away',
  },
];

/**
 * What kube-score is told to leave alone altogether. A limit on CPU stops a process in the middle of a rotation for the
 * rest of a period, with the token already spent; a request is what shares a node fairly.
 */
export const scoreOptions = ['--ignore-container-cpu-limit'] as const;

interface Scored {
  readonly type_meta: { readonly kind: string };
  readonly object_meta: { readonly name: string };
  readonly checks: readonly {
    readonly check: { readonly id: string };
    /** 1 critical, 5 warning, 7 almost well, 10 well. */
    readonly grade: number;
    readonly skipped: boolean;
    readonly comments: readonly { readonly path: string; readonly summary: string }[] | null;
  }[];
}

/** The critical findings in kube-score's JSON. */
export function findingsIn(json: string): Finding[] {
  return (JSON.parse(json) as Scored[]).flatMap(({ type_meta, object_meta, checks }) =>
    checks
      .filter(({ grade, skipped }) => grade === 1 && !skipped)
      .map(({ check, comments }) => ({
        check: check.id,
        about: `${type_meta.kind}/${object_meta.name}`,
        comment: (comments ?? []).map(({ path, summary }) => `${path} ${summary}`.trim()).join('; '),
      })),
  );
}

const excuses = (finding: Finding) =>
  exceptions.filter(({ check, about }) => check === finding.check && about.test(finding.about));

export function unexcused(findings: readonly Finding[]): string[] {
  return findings
    .filter((finding) => excuses(finding).length === 0)
    .map(({ check, about, comment }) => `${about}: ${check}: ${comment}`);
}

export function unusedExcuses(findings: readonly Finding[]): string[] {
  const used = new Set(findings.flatMap(excuses));
  return exceptions
    .filter((exception) => !used.has(exception))
    .map(({ check, about }) => `${check} of ${about} is found no more: take the exception out`);
}
