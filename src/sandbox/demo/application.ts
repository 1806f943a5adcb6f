/**
 * The customers' applications: they read a secret, do something of their own and write the whole document back, as real
 * ones do, without a thought for who else writes.
 */
import type { Member } from './cast.ts';
import { consent, currentDocument, type Document, documentOf, type World } from './world.ts';

/**
 * The application refreshes with the token it reads and writes all of it back. False where the token it read is not the
 * live one (our rotation is under way): it looks again later.
 */
export function refreshByItself(world: World, { id }: Member): boolean {
  const { double, sandbox, calendar } = world;
  const document = currentDocument(double, id);
  if (document === undefined || !sandbox.oracle.isLive(String(document.refresh_token))) return false;
  const { refreshToken, accessToken } = sandbox.oracle.applicationRefresh(id);
  write(world, id, {
    ...document,
    refresh_token: refreshToken,
    access_token: accessToken,
    refreshed_at: new Date(calendar.now()).toISOString(),
  });
  return true;
}

/** The customer authorises again; the application stores what came. */
export function consentAgain(world: World, member: Member): void {
  const held = consent(member, world.sandbox, world.calendar.now());
  write(world, member.id, documentOf(member, held));
}

/** Saved by the application in the middle of our rotation; must be there at the end. */
export const savedMember = 'last_export';

/**
 * The application saves another field between our POST and the write of what came back: around the old token, which it
 * still holds. Answers how often that happened (once at most).
 */
export function saveFieldMeanwhile(world: World, { id }: Member): () => number {
  const { double, sandbox } = world;
  let saved = 0;
  const save = () => {
    const document = currentDocument(double, id);
    // Ours to interrupt only once the POST has made the stored token an old one.
    if (document === undefined || document.refresh_token === sandbox.oracle.liveToken(id)) return;
    saved += 1;
    fault.remove();
    write(world, id, { ...document, [savedMember]: 'report-2027-01.csv' });
  };
  const times = Number.POSITIVE_INFINITY;
  const fault = double.faults.add({ op: 'PutSecretValue', secret: id, times, what: { call: save } });
  return () => saved;
}

function write({ double }: World, id: string, document: Document): void {
  double.secrets.put(id, JSON.stringify(document, null, 2));
}
