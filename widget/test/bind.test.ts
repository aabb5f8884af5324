import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bind, csrfHeader, type BindPage } from '../src/embed/bind';

const URL = 'https://shop.example/buddy/session';
const TICKET = '0123456789abcdef'.repeat(4);

const pageOf = (cookie: string, meta?: string): BindPage['document'] => ({
  cookie,
  querySelector: (() => (meta === undefined ? null : { content: meta })) as unknown as Document['querySelector'],
});

test("the page's framework gets the header that it reads", () => {
  const cases: [string, string | undefined, Record<string, string>][] = [
    ['', undefined, {}],
    ['a=b; other=c', undefined, {}],
    ['', 'meta-token', { 'X-CSRF-Token': 'meta-token' }],
    ['XSRF-TOKEN=eyJ%3D%3D', undefined, { 'X-XSRF-TOKEN': 'eyJ==' }],
    ['csrftoken=abc', undefined, { 'X-CSRFToken': 'abc' }],
    ['a=b; csrftoken=abc;XSRF-TOKEN=def', undefined, { 'X-XSRF-TOKEN': 'def' }],
    ['csrftoken=abc', 'meta-token', { 'X-CSRF-Token': 'meta-token' }],
    ['XSRF-TOKEN=%zz', undefined, { 'X-XSRF-TOKEN': '%zz' }],
    ['notcsrftoken=abc', undefined, {}],
    ['csrftoken=abc', '', { 'X-CSRFToken': 'abc' }],
  ];
  for (const [cookie, meta, header] of cases) assert.deepEqual(csrfHeader(pageOf(cookie, meta)), header, cookie);
});

test('a page that may read no cookies sends none of these headers', () => {
  const page = pageOf('');
  Object.defineProperty(page, 'cookie', {
    get: () => {
      throw new Error('SecurityError');
    },
  });
  assert.deepEqual(csrfHeader(page), {});
});

test('the request is exact', async () => {
  let asked: [unknown, RequestInit | undefined] | undefined;
  const page: BindPage = {
    document: pageOf('csrftoken=abc'),
    fetch: async (url, init) => {
      asked = [url, init];
      return new Response(JSON.stringify({ ticket: TICKET }));
    },
  };
  const { bound, complaint } = await bind(page, URL, 'agt_1', 'sess_1');
  assert.deepEqual(bound, { outcome: 'ticket', ticket: TICKET });
  assert.equal(complaint, undefined);
  const [url, init] = asked ?? [];
  assert.equal(url, URL);
  assert.equal(init?.method, 'POST');
  assert.equal(init?.body, '{"sessionId":"sess_1","agentId":"agt_1"}');
  assert.equal(init?.credentials, 'same-origin');
  assert.equal(init?.redirect, 'error');
  assert.equal(init?.cache, 'no-store');
  assert.ok(init?.signal);
  assert.deepEqual(init?.headers, {
    'Content-Type': 'application/json',
    Accept: 'application/json',
    'X-CSRFToken': 'abc',
  });
});

test('each answer has its outcome, and a failure a sentence', async () => {
  const cases: [Response | Error, string, RegExp | null][] = [
    [new Response(null, { status: 204 }), 'nobody', null],
    [new Response('{}', { status: 409 }), 'taken', null],
    [new Response('{}', { status: 500 }), 'failed', /answered 500/],
    [new Response('{}', { status: 419 }), 'failed', /answered 419/],
    [new Response(JSON.stringify({ ticket: TICKET }), { status: 201 }), 'failed', /answered 201/],
    [new Response('<html>'), 'failed', /without a ticket/],
    [new Response('null'), 'failed', /without a ticket/],
    [new Response(JSON.stringify({ ticket: TICKET.toUpperCase() })), 'failed', /without a ticket/],
    [new Response(JSON.stringify({ ticket: 7 })), 'failed', /without a ticket/],
    [new TypeError('Failed to fetch'), 'failed', /could not be reached/],
    [new DOMException('late', 'TimeoutError'), 'failed', /within 2 seconds/],
  ];
  for (const [answer, outcome, sentence] of cases) {
    const fetch = async (): Promise<Response> => {
      if (answer instanceof Response) return answer;
      throw answer;
    };
    const result = await bind({ document: pageOf(''), fetch }, URL, 'agt_1', 'sess_1');
    assert.equal(result.bound.outcome, outcome);
    if (sentence) assert.match(result.complaint ?? '', sentence);
    else assert.equal(result.complaint, undefined);
  }
});
