/** A notice as Block Kit: within every limit, complete, and deaf to whatever others wrote into names and errors. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type SlackBlock, slackMessage } from '../../src/alerts/channels/slack-blocks.ts';
import type { Notice } from '../../src/alerts/notice.ts';
import { hostileTexts, sampleNotice } from '../support/sample-notice.ts';
import { problemsOf } from '../support/slack-server.ts';

const shown = (notice: Notice) => JSON.stringify(slackMessage(notice).blocks);
const headerOf = (notice: Notice) => slackMessage(notice).blocks.find(({ type }) => type === 'header');
const ofType = (notice: Notice, type: SlackBlock['type']) =>
  slackMessage(notice).blocks.filter((block) => block.type === type);

describe('a Slack message', () => {
  test('says everything a person needs to act', () => {
    const notice = sampleNotice({ message: { hits: { count: 12, of: 400 } } });
    const text = shown(notice);
    for (const part of [
      'PAGE: Connection needs a new consent: acme/esign (DocuSign, production)',
      'Opened 2026-11-20 08:00 UTC, environment production',
      'Owner\\nAcme Ltd',
      'Deadline\\n2026-11-23 08:00 UTC, in 3 days (idle)',
      'Hit\\n12 of 400 connections',
      'Who can act: customer',
      'The customer authorises again',
      'Ends when the new grant is stored.',
      '<https://pilotlight.example.com/reconsent/abc?a=1&amp;b=2|Ask for a new consent>',
      'pilotlight show acme/esign',
    ])
      expect(text).toContain(part);
    expect(problemsOf(slackMessage(notice))).toEqual([]);
  });

  test('has a fallback text that is complete by itself', () => {
    expect(slackMessage(sampleNotice()).text).toBe(
      'PAGE: Connection needs a new consent: acme/esign (DocuSign, production)\nWho can act: customer\n' +
        'The customer authorises again with the link; the same connection then lives on.\n' +
        'Ends when the new grant is stored.',
    );
  });

  test.for<[Partial<Notice>, string]>([
    [{ severity: 'page' }, 'PAGE'],
    [{ severity: 'warn' }, 'WARN'],
    [{ event: 'updated', severity: 'warn' }, 'WARN'],
    [{ event: 'reminder' }, 'STILL OPEN'],
    [{ event: 'resolved' }, 'RESOLVED'],
  ])('%o begins with %s', ([change, state]) => {
    const { message: _, ...rest } = change;
    expect(headerOf(sampleNotice(rest))).toMatchObject({ text: { text: expect.stringMatching(`^${state}: `) } });
  });

  test('of what has ended asks nobody to act, and links to no consent any more', () => {
    const text = shown(sampleNotice({ event: 'resolved', at: Date.parse('2026-11-20T11:20:00Z') }));
    expect(text).toContain('ended 2026-11-20 11:20 UTC after 3 hours 20 minutes');
    expect(text).not.toMatch(/Who can act|reconsent|pilotlight show|authorises/);
  });

  test('repeats a title in full where the header cuts it', () => {
    const title = `Connection needs a new consent: ${'a'.repeat(210)}/end`;
    const notice = sampleNotice({ message: { title } });
    expect(headerOf(notice)).toMatchObject({ text: { text: expect.stringMatching(/^.{149}…$/u) } });
    expect(shown(notice)).toContain(`"${title}"`);
  });

  test('says how many facts it left out', () => {
    const facts = Array.from({ length: 60 }, (_, at) => ({ label: `Fact ${at}`, value: 'v'.repeat(600) }));
    const notice = sampleNotice({ message: { facts } });
    const fields = ofType(notice, 'section').flatMap((block) => ('fields' in block ? block.fields : []));
    // Connection, owner, provider and client stand before them.
    expect(shown(notice)).toContain(`${60 + 4 - fields.length} more facts are left out here.`);
    expect(fields.length).toBeGreaterThan(10);
    expect(problemsOf(slackMessage(notice))).toEqual([]);
  });

  test('never shows half a command, and gives a whole one letter by letter', () => {
    const command = "pilotlight show 'a<b>&`c`'";
    expect(ofType(sampleNotice({ message: { command } }), 'rich_text')).toMatchObject([
      { elements: [{ elements: [{ text: command }] }] },
    ]);
    expect(ofType(sampleNotice({ message: { command: 'x'.repeat(1_001) } }), 'rich_text')).toEqual([]);
  });
});

describe('nobody is mentioned, linked or deceived', () => {
  test.for(hostileTexts)('by %j in any place of a message', (text) => {
    const notice = sampleNotice({
      message: {
        title: text,
        environment: text,
        provider: text,
        client: text,
        connection: text,
        owner: text,
        action: text,
        ends: text,
        facts: [{ label: text, value: text }],
        links: [{ label: text, url: 'https://runbooks.example.com/' }],
      },
    });
    expect(problemsOf(slackMessage(notice))).toEqual([]);
    // Of the types that are read as markup, only the list of links is there.
    expect(shown(notice).match(/"mrkdwn"/g)).toHaveLength(1);
    expect(shown(notice)).not.toMatch(/<[!@#]|<https:\/\/evil/);
    expect(shown(notice)).not.toMatch(/[\u202E\u200B\u2028]|\\u(?:0000|d800)/);
  });

  test.for([
    'javascript:alert(1)',
    'https://user:password@evil.example.com/',
    'slack://channel?team=1',
    'not a URL',
    'https://',
    'file:///etc/passwd',
  ])('by a link to %s', (url) => {
    expect(shown(sampleNotice({ message: { links: [{ label: 'Runbook', url }] } }))).not.toContain('mrkdwn');
  });

  test('by an address that tries to end its link', () => {
    const links = [{ label: 'a|b>c', url: 'https://example.com/x|y><!channel>' }];
    const notice = sampleNotice({ message: { links } });
    expect(shown(notice)).toContain('"<https://example.com/x%7Cy%3E%3C!channel%3E|a/b&gt;c>"');
    expect(problemsOf(slackMessage(notice))).toEqual([]);
  });
});

describe('whatever a notice holds', () => {
  const text = (maxLength: number) =>
    fc.oneof(
      fc.string({ unit: 'binary', maxLength }),
      fc.constantFrom('<', '&', '"\\', '😀', '\u0000').map((sign) => sign.repeat(maxLength)),
      fc.constantFrom(...hostileTexts),
    );
  const fact = fc.record({ label: text(300), value: text(4_000) });
  const link = fc.record({
    label: text(200),
    url: fc.oneof(text(50), fc.webUrl({ withQueryParameters: true, size: 'large' })),
  });
  const message = fc.record({
    title: text(250),
    environment: text(500),
    owner: text(2_000),
    connection: text(2_000),
    action: text(4_000),
    ends: text(4_000),
    command: text(2_000),
    facts: fc.oneof(
      fc.array(fact, { maxLength: 40, size: 'max' }),
      fact.map((one) => Array(500).fill(one)),
    ),
    links: fc.array(link, { maxLength: 30, size: 'max' }),
  });

  test('its message keeps all limits', () => {
    fc.assert(
      fc.property(message, fc.constantFrom('opened', 'updated', 'reminder', 'resolved'), (given, event) => {
        const made = slackMessage(sampleNotice({ event, message: given }));
        expect(problemsOf(made)).toEqual([]);
        expect(JSON.stringify(made.blocks).length).toBeLessThanOrEqual(12_000);
      }),
      // A failure is told with its seed before the test's own limit, however long it could be shrunk.
      { numRuns: 100, interruptAfterTimeLimit: 30_000 },
    );
  });
});

describe('the check of the recording server bites', () => {
  const fine = slackMessage(sampleNotice());
  const header = (text: string) => ({ type: 'header', text: { type: 'plain_text', text } });
  const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
  test.for<[string, object]>([
    ['without a fallback', { blocks: fine.blocks }],
    ['with a mention in the fallback', { ...fine, text: '<!channel>' }],
    ['with 51 blocks', { ...fine, blocks: Array(51).fill(header('a')) }],
    ['with a header of 151', { ...fine, blocks: [header('a'.repeat(151))] }],
    ['with a section of 3,001', { ...fine, blocks: [section('a'.repeat(3_001))] }],
    ['with a mention', { ...fine, blocks: [section('<@U012AB3CD>')] }],
    ['with a bare ampersand', { ...fine, blocks: [section('a & b')] }],
    [
      'with 11 fields',
      { ...fine, blocks: [{ type: 'section', fields: Array(11).fill({ type: 'plain_text', text: 'a' }) }] },
    ],
    ['with too much in all', { ...fine, blocks: Array(5).fill(section('a'.repeat(2_900))) }],
    ['with an unknown block', { ...fine, blocks: [{ type: 'marquee' }] }],
  ])('on a message %s', ([, payload]) => expect(problemsOf(payload)).not.toEqual([]));
});
