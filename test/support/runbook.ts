/** What every section of the runbook that somebody is sent to at night says, in this order. */
export const runbookParts = ['**Means.**', '**Look.**', '**Do.**', '**Wake.**'];
