/**
 * A notice as a Slack message (Block Kit), within every limit Slack states and the one it does not. Pure. Texts of
 * providers and owners stand in plain-text objects, escaped as well: none can mention anybody, link or format.
 */
import type { Notice } from '../notice.ts';
import { fitted, type NoticeWords, noticeWords } from './notice-words.ts';

interface TextObject {
  readonly type: 'plain_text' | 'mrkdwn';
  readonly text: string;
  readonly emoji?: false;
  readonly verbatim?: true;
}

export type SlackBlock =
  | { readonly type: 'header'; readonly text: TextObject }
  | { readonly type: 'section'; readonly text: TextObject }
  | { readonly type: 'section'; readonly fields: readonly TextObject[] }
  | { readonly type: 'rich_text'; readonly elements: readonly Preformatted[] };

interface Preformatted {
  readonly type: 'rich_text_preformatted';
  readonly elements: readonly { readonly type: 'text'; readonly text: string }[];
}

export interface SlackMessage {
  /** What notifications and screen readers give; Slack shows the blocks. */
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
}

/** Slack's limits, in characters (docs.slack.dev, reference/block-kit/blocks). */
const headerLengthMax = 150;
const sectionLengthMax = 3_000;
const fieldLengthMax = 2_000;
const fieldsMax = 10;
/**
 * Over all blocks Slack takes about 13,200 characters before `msg_blocks_too_long` (bolt-js issues 2509 and 2867); what it
 * counts is not documented. The JSON text is longer than anything it can count.
 */
const blocksLengthMax = 12_000;
/** Keeps the whole below 50 blocks, whatever the facts. */
const factSectionsMax = 20;

/** So that the fixed parts leave room for facts in every case. */
const leadLengthMax = 400;
const adviceLengthMax = 1_200;
const commandLengthMax = 1_000;
const textLengthMax = 1_000;
/** For the line that says how many facts were left out, and its block. */
const leftOutLength = 200;

export function slackMessage(notice: Notice): SlackMessage {
  const words = noticeWords(notice);
  const headline = `${words.state}: ${words.title}`;
  const before: SlackBlock[] = [
    { type: 'header', text: plain(headline, headerLengthMax) },
    ...(escaped(headline).length > headerLengthMax ? [said(words.title)] : []),
    said(words.lead, leadLengthMax),
  ];
  const after = [...adviceBlock(words), ...linksBlock(words), ...commandBlock(words)];
  const room = blocksLengthMax - JSON.stringify([...before, ...after]).length;
  return {
    text: fitted([headline, ...words.advice].join('\n'), textLengthMax, escaped),
    blocks: [...before, ...factBlocks(words, room), ...after],
  };
}

/** `&`, `<` and `>` begin everything Slack reads as more than text (docs.slack.dev, messaging/formatting-message-text). */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function plain(text: string, lengthMax: number): TextObject {
  return { type: 'plain_text', text: fitted(text, lengthMax, escaped), emoji: false };
}

function said(text: string, lengthMax = sectionLengthMax): SlackBlock {
  return { type: 'section', text: plain(text, lengthMax) };
}

function factBlocks({ facts }: NoticeWords, room: number): SlackBlock[] {
  const sections: TextObject[][] = [];
  let left = room - leftOutLength;
  let shown = 0;
  for (const { label, value } of facts) {
    const section = sections.at(-1);
    const field = plain(`${label}\n${value}`, fieldLengthMax);
    const fits = section !== undefined && section.length < fieldsMax;
    left -= JSON.stringify(field).length + (fits ? 1 : JSON.stringify({ type: 'section', fields: [] }).length + 1);
    if (left < 0 || (!fits && sections.length === factSectionsMax)) break;
    if (fits) section.push(field);
    else sections.push([field]);
    shown += 1;
  }
  const leftOut = facts.length - shown;
  return [
    ...sections.map((fields): SlackBlock => ({ type: 'section', fields })),
    ...(leftOut === 0 ? [] : [said(`${leftOut} more ${leftOut === 1 ? 'fact is' : 'facts are'} left out here.`)]),
  ];
}

function adviceBlock({ advice }: NoticeWords): SlackBlock[] {
  return advice.length === 0 ? [] : [said(advice.join('\n'), adviceLengthMax)];
}

/**
 * Links, not buttons: a button sends an interaction too, and Slack shows a warning beside it where no app answers that.
 * Those that do not fit any more are left out; the first is the one that matters.
 */
function linksBlock({ links }: NoticeWords): SlackBlock[] {
  let text = '';
  for (const { label, url } of links) {
    // A bar would end the address; the URL parser writes every other sign that could.
    const link = `<${escaped(url.replaceAll('|', '%7C'))}|${fitted(label.replaceAll('|', '/'), 75, escaped)}>`;
    if (text.length + link.length + 1 > sectionLengthMax) break;
    text += text === '' ? link : `\n${link}`;
  }
  return text === '' ? [] : [{ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } }];
}

/** Rich text is taken letter by letter, so that what is copied is the command. Half a command is worse than none. */
function commandBlock({ command }: NoticeWords): SlackBlock[] {
  if (command === undefined || command === '' || command.length > commandLengthMax) return [];
  return [
    {
      type: 'rich_text',
      elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: command }] }],
    },
  ];
}
