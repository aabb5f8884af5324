import assert from 'node:assert/strict';
import { test } from 'node:test';
import './dom';
import { readOptions } from '../src/embed/options';

const AGENT = 'agt_01m84gfbdee6xbx8e4d7enhx52';
const SESSION = 'sess_01m84gfbdkem6r131qq1x7y3rw';
const TOKEN = `bst_${'a'.repeat(43)}`;
const PAGE = { origin: 'https://shop.example', baseURI: 'https://shop.example/products/' };

function read(attributes: Record<string, string>, page = PAGE) {
  const tag = document.createElement('script');
  for (const [name, value] of Object.entries(attributes)) tag.setAttribute(name, value);
  return readOptions(tag, page);
}

test('a tag with an agent alone is enough', () => {
  const { options, wrong } = read({ 'data-agent': AGENT });
  assert.deepEqual(wrong, []);
  assert.deepEqual(options, {
    agentId: AGENT,
    sessionUrl: null,
    session: null,
    title: null,
    accent: null,
    scheme: 'auto',
    position: 'right',
  });
});

test('every attribute is read', () => {
  const { options, wrong } = read({
    'data-agent': AGENT,
    'data-session-url': '/buddy/session',
    'data-session-id': SESSION,
    'data-session-token': TOKEN,
    'data-title': 'Help',
    'data-accent': '#1A2b3C',
    'data-color-scheme': 'dark',
    'data-position': 'left',
  });
  assert.deepEqual(wrong, []);
  assert.equal(options?.sessionUrl, 'https://shop.example/buddy/session');
  assert.deepEqual(options?.session, { sessionId: SESSION, sessionToken: TOKEN });
  assert.deepEqual(
    [options?.title, options?.accent, options?.scheme, options?.position],
    ['Help', '#1A2b3C', 'dark', 'left'],
  );
});

test('without a good agent there is no chat, and a sentence says so', () => {
  for (const attributes of [{}, { 'data-agent': 'agt_x' }] as Record<string, string>[]) {
    const { options, wrong } = read(attributes);
    assert.equal(options, null);
    assert.equal(wrong.length, 1);
    assert.match(wrong[0]?.message ?? '', /data-agent/);
  }
});

test('another wrong attribute is named and left out', () => {
  const wrongs: Record<string, string>[] = [
    { 'data-accent': 'red' },
    { 'data-title': '' },
    { 'data-title': 'x'.repeat(61) },
    { 'data-color-scheme': 'blue' },
    { 'data-position': 'top' },
    { 'data-session-id': 'sess_../..', 'data-session-token': TOKEN },
    { 'data-session-id': SESSION },
    { 'data-session-token': TOKEN },
  ];
  for (const attributes of wrongs) {
    const { options, wrong } = read({ 'data-agent': AGENT, ...attributes });
    const [name = ''] = Object.keys(attributes);
    assert.ok(
      wrong.some(({ message }) => message.includes(name)),
      name,
    );
    assert.equal(options?.session, null);
    assert.equal(options?.accent, null);
    assert.equal(options?.title, null);
  }
});

test('a token is never said', () => {
  const { wrong } = read({ 'data-agent': AGENT, 'data-session-id': 'x', 'data-session-token': 'bst_secret' });
  assert.ok(wrong.length > 0);
  assert.doesNotMatch(JSON.stringify(wrong), /secret/);
});

test("a session URL of another origin is refused, whatever the page's base is", () => {
  const base = { origin: 'https://shop.example', baseURI: 'https://cdn.example/' };
  for (const [url, page] of [
    ['https://evil.example/x', PAGE],
    ['//evil.example/x', PAGE],
    ['http://shop.example/x', PAGE],
    ['https://shop.example:444/x', PAGE],
    ['javascript:alert(1)', PAGE],
    ['data:text/plain,x', PAGE],
    ['https://', PAGE],
    ['  ', PAGE],
    ['/buddy/session', base],
  ] as const) {
    const { options, wrong } = read({ 'data-agent': AGENT, 'data-session-url': url }, page);
    assert.equal(options?.sessionUrl, null, url);
    assert.equal(wrong[0]?.code, 'SESSION_URL_REFUSED', url);
  }
  const { options } = read({ 'data-agent': AGENT, 'data-session-url': 'https://shop.example/b' }, base);
  assert.equal(options?.sessionUrl, 'https://shop.example/b');
});
