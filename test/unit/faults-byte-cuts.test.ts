/** The tools of the byte-cut and peer suites: a cut is where it says it is, and a leak is found where there is one. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/runtime/random.ts';
import { tokenMark } from '../../src/sandbox/providers/mint.ts';
import { borders, cutOf, cutsAt, drawn, everyOffset, wordOf } from '../faults/byte-cuts/cases.ts';
import { type Cut, type Cutter, startCutter } from '../faults/byte-cuts/cutter.ts';
import { leaksIn } from '../faults/byte-cuts/leaks.ts';
import { eachOf } from '../faults/byte-cuts/side-by-side.ts';
import { planKills, points } from '../faults/peer/kills.ts';

describe('a cut', () => {
  const request = 'a whole request';
  const answer = 'an answer of some length';
  let provider: Server;
  let cutter: Cutter;
  let arrived: string;
  let near: Socket;

  beforeEach(async () => {
    arrived = '';
    provider = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      socket.on('data', (chunk) => {
        arrived += chunk.toString();
        if (arrived === request) socket.write(answer);
      });
    });
    await new Promise<void>((listening) => provider.listen(0, '127.0.0.1', listening));
    cutter = await startCutter({ host: '127.0.0.1', port: (provider.address() as { port: number }).port });
  });
  afterEach(async () => {
    near.destroy();
    await cutter.stop();
    await new Promise((closed) => provider.close(closed));
  });

  /** What came back, and how it ended; a silent connection ends with our own patience. */
  function send(cut: Cut | undefined) {
    const passage = cutter.next(cut);
    near = connect(cutter.port, '127.0.0.1');
    let came = '';
    return new Promise<{ came: string; end: string; fired: boolean; through: string }>((done) => {
      const over = (end: string) => done({ came, end, fired: passage.fired, through: passage.request.toString() });
      near.on('error', (error) => over((error as { code?: string }).code ?? 'error'));
      near.on('end', () => over('end'));
      near.on('data', (chunk) => {
        came += chunk.toString();
        if (came === answer) setImmediate(() => over('open'));
      });
      near.write(request);
    });
  }

  test.each([0, 1, 7, answer.length - 1])('lets exactly %i bytes of the answer through, then resets', async (at) => {
    expect(await send({ direction: 'answer', at, manner: 'reset' })).toEqual({
      came: answer.slice(0, at),
      end: 'ECONNRESET',
      fired: true,
      through: request,
    });
  });

  test.each([0, 1, 7, answer.length - 1])('lets exactly %i bytes of the answer through, then ends it', async (at) => {
    expect(await send({ direction: 'answer', at, manner: 'end' })).toMatchObject({
      came: answer.slice(0, at),
      end: 'end',
      fired: true,
    });
  });

  test.each([0, 1, 7, request.length - 1])('lets exactly %i bytes of the request through', async (at) => {
    expect(await send({ direction: 'request', at, manner: 'end' })).toEqual({
      came: '',
      end: 'end',
      fired: true,
      through: request.slice(0, at),
    });
    expect(arrived).toBe(request.slice(0, at));
  });

  test('that ends the request behind its last byte lets the answer through', async () => {
    expect(await send({ direction: 'request', at: request.length, manner: 'end' })).toMatchObject({ came: answer });
  });

  test('at the door lets nothing through', async () => {
    expect(await send({ direction: 'request', at: -1, manner: 'reset' })).toMatchObject({ came: '', fired: true });
    expect(arrived).toBe('');
  });

  test('that is none, or lies behind the end, does not fire', async () => {
    expect(await send(undefined)).toMatchObject({ came: answer, fired: false });
    near.destroy();
    arrived = '';
    expect(await send({ direction: 'answer', at: 1_000, manner: 'reset' })).toMatchObject({
      came: answer,
      fired: false,
    });
  });
});

describe('the cases', () => {
  const bytes = Buffer.from('{"a":"b"}');

  test('are every offset, both ends included, or the borders between one thing and the next', () => {
    expect(everyOffset(bytes)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(borders(Buffer.from('abcdef:ghijkl'))).toEqual([0, 1, 6, 7, 12, 13]);
  });

  test('are drawn once each, the same for a seed', () => {
    const from = everyOffset(Buffer.alloc(99));
    const one = drawn(from, 40, seededRandom(4));
    expect(new Set(one).size).toBe(40);
    expect(drawn(from, 40, seededRandom(4))).toEqual(one);
    expect(drawn(from, 200, seededRandom(4))).toHaveLength(100);
  });

  test('are found again by the word of their replay', () => {
    for (const cut of cutsAt({ request: [0, 7], answer: [3] }))
      expect(cutOf(wordOf('client-tls', cut), 'client-tls')).toEqual(cut);
    expect(cutOf('client-tls:answer:3:end', 'client-plain')).toBeUndefined();
    expect(cutOf('client-tls:answer:3:bang', 'client-tls')).toBeUndefined();
  });

  test('whose cut never comes are tried again, and told at last', async () => {
    const tried: string[] = [];
    const missed = await eachOf(['late', 'never', 'at once'], [1], async (one, _, tries) => {
      tried.push(`${one} ${tries}`);
      return one === 'at once' || (one === 'late' && tries === 1);
    });
    expect(missed).toEqual(['never']);
    expect(tried.filter((word) => word.startsWith('never'))).toHaveLength(4);
  });
});

describe('the search for leaks', () => {
  const token = `eyJ0eXAiOiJNVCIsImFsZyI6IlJTMjU2In0.${tokenMark}${'k7Qx2vBn0aLw'.repeat(6)}`;
  const secret = token.slice(token.indexOf(tokenMark));

  test.each([
    ['the whole token', token],
    ['a piece of it', secret.slice(20, 44)],
    ['a piece in another case', secret.slice(31, 60).toUpperCase()],
    ['hex', Buffer.from(secret).toString('hex').slice(50, 90)],
    ['base64', Buffer.from(`x${secret}`).toString('base64')],
  ])('finds %s', (_, leaked) => {
    const found = leaksIn(`before ${leaked} after`, [token]);
    expect(found).not.toEqual([]);
    expect(found.join()).not.toContain(secret.slice(8, 20));
  });

  test('finds the mark of a token it does not know, and nothing where nothing is', () => {
    expect(leaksIn(`x ${tokenMark.toLowerCase()} y`, [])).toEqual(['the mark of a sandbox token']);
    expect(leaksIn('eyJ0eXAiOiJNVCIsImFsZyI6IlJTMjU2In0. and 0123456789abcdef', [token])).toEqual([]);
  });
});

test('in each round half of the grants meet a death, every point as often as any other, the same for a seed', () => {
  const plan = planKills(300, 2, 0.5, seededRandom(1));
  for (const round of plan) {
    expect(round.size).toBe(150);
    for (const point of points) {
      const times = [...round.values()].filter((one) => one === point).length;
      expect([16, 17]).toContain(times);
    }
  }
  expect([...(plan[0] ?? [])]).not.toEqual([...(plan[1] ?? [])]);
  expect(planKills(300, 2, 0.5, seededRandom(1))).toEqual(plan);
});
