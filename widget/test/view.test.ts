import assert from 'node:assert/strict';
import { test } from 'node:test';
import { window } from './dom';
import { Composer, TEXT_CHARS_MAX, sendable } from '../src/frame/view/composer';
import { Transcript } from '../src/frame/view/transcript';
import type { Message } from '../src/frame/server';
import { stringsFor } from '../src/frame/strings';
import { settled } from './waits';

Object.assign(globalThis, {
  ResizeObserver: class {
    observe(): void {}
  },
  requestAnimationFrame: (draw: () => void) => setImmediate(draw),
});

const { strings } = stringsFor('en-GB');
const message = (messageId: string, from: Message['from'], text: string, second: number): Message => ({
  messageId,
  from,
  text,
  done: true,
  createdAt: `2026-01-01T00:00:0${second}.000Z`,
});

const visible = (transcript: Transcript): string[] =>
  [...transcript.element.querySelectorAll('li')]
    .filter((row) => !row.closest('[hidden]'))
    .map((row) => row.querySelector('.body')?.textContent ?? '');

test('messages stand in their order, whatever the order they come in, and unsent ones below', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const transcript = new Transcript(strings);
  const hello = transcript.element.querySelector('.hello') as HTMLElement;
  assert.equal(hello.hidden, false);
  transcript.addUnsent({ key: 1, text: 'unsent' });
  transcript.put(message('c', 'agent', 'third', 3));
  transcript.put(message('a', 'visitor', 'first', 1));
  transcript.put(message('b', 'agent', 'second', 2));
  assert.deepEqual(visible(transcript), ['first', 'second', 'third', 'unsent']);
  assert.equal(hello.hidden, true);
  transcript.removeUnsent({ key: 1, text: 'unsent' });
  transcript.clear();
  assert.deepEqual(visible(transcript), []);
  assert.equal(hello.hidden, false);
});

test('a reply grows, a visitor’s words are no Markdown', async () => {
  const transcript = new Transcript(strings);
  transcript.put({ ...message('a', 'agent', '**bo', 1), done: false });
  assert.equal(transcript.append('a', 'ld**', true)?.text, '**bold**');
  await settled(() => transcript.element.querySelector('strong')?.textContent === 'bold');
  assert.equal(transcript.append('unknown', 'x', true), null);
  transcript.put(message('b', 'visitor', '<b>*x*</b>', 2));
  assert.deepEqual(visible(transcript), ['bold', '<b>*x*</b>']);
});

test('concealed is what there was, and not what is written since', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const transcript = new Transcript(strings);
  transcript.put(message('a', 'agent', 'secret', 1));
  transcript.addUnsent({ key: 1, text: 'before' });
  transcript.conceal(true);
  transcript.addUnsent({ key: 2, text: 'since' });
  assert.deepEqual(visible(transcript), ['since']);
  transcript.conceal(false);
  assert.deepEqual(visible(transcript), ['secret', 'before', 'since']);
});

test('the visitor is told that a message is on its way, and when it takes long', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const transcript = new Transcript(strings);
  transcript.addUnsent({ key: 1, text: 'a' });
  const note = transcript.element.querySelector('.note');
  assert.equal(note?.textContent, '');
  t.mock.timers.tick(1_000);
  assert.equal(note?.textContent, strings.sending);
  t.mock.timers.tick(9_000);
  assert.equal(note?.textContent, strings.notSent);
});

test('the dots end with a reply, or after 30 seconds', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const transcript = new Transcript(strings);
  const dots = transcript.element.querySelector('.dots') as HTMLElement;
  transcript.setTyping(true);
  t.mock.timers.tick(29_999);
  assert.equal(dots.hidden, false);
  t.mock.timers.tick(1);
  assert.equal(dots.hidden, true);
  transcript.setTyping(true);
  transcript.put(message('a', 'agent', 'x', 1));
  assert.equal(dots.hidden, true);
});

function composer() {
  const sent: string[] = [];
  const made = new Composer(strings, (text) => sent.push(text));
  const area = made.element.querySelector('textarea') as HTMLTextAreaElement;
  const press = (key: string, more: object = {}): void => {
    area.dispatchEvent(new window.KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }) as never);
  };
  const write = (text: string): void => {
    area.value = text;
    area.dispatchEvent(new window.Event('input') as never);
  };
  return { made, area, press, write, sent };
}

test('Enter sends; with Shift, or while a word is being composed, it does not', () => {
  const { area, press, write, sent } = composer();
  write(' hello ');
  press('Enter', { shiftKey: true });
  press('Enter', { isComposing: true });
  press('Enter', { keyCode: 229 });
  assert.deepEqual(sent, []);
  press('Enter');
  assert.deepEqual(sent, ['hello']);
  assert.equal(area.value, '');
  press('Enter');
  assert.deepEqual(sent, ['hello']);
});

test('what is too long is counted, not sent and not lost', () => {
  const { made, area, press, write, sent } = composer();
  const count = made.element.querySelector('.count') as HTMLElement;
  write('🦀'.repeat(TEXT_CHARS_MAX + 1));
  assert.equal(count.textContent, `${strings.over} 1`);
  press('Enter');
  assert.deepEqual(sent, []);
  assert.equal([...area.value].length, TEXT_CHARS_MAX + 1);
  write('🦀'.repeat(TEXT_CHARS_MAX));
  assert.equal(count.textContent, `${strings.left} 0`);
  press('Enter');
  assert.equal(sent.length, 1);
});

test('a draft is put back, but not over a newer one, and not to another', () => {
  const { made, area, write } = composer();
  write('draft');
  made.stash();
  assert.equal(area.value, '');
  made.stash();
  made.unstash();
  assert.equal(area.value, 'draft');
  made.stash();
  write('newer');
  made.unstash();
  assert.equal(area.value, 'newer');
  made.stash();
  made.clear();
  made.unstash();
  assert.equal(area.value, '');
});

test('what the server takes in no text is left out', () => {
  assert.equal(sendable(' a\r\nb\rc\u0000\u001b[31m\u0085\td\u2028\n'), 'a\nb\nc[31m\td');
});

test('every language has every word', () => {
  for (const lang of ['en', 'de', 'fr', 'es', 'ar', 'he']) {
    const { lang: spoken, strings: words } = stringsFor(`${lang}-XX`);
    assert.equal(spoken, lang);
    assert.ok(Object.values(words).every((word) => word.length > 0));
    if (lang !== 'en') assert.notEqual(words.hello, strings.hello);
  }
  assert.equal(stringsFor('nl').lang, 'en');
  assert.equal(stringsFor('').lang, 'en');
});
