import assert from 'node:assert/strict';
import { test } from 'node:test';
import { html } from './dom';
import { renderMarkdown } from '../src/frame/markdown';

const shown = (text: string): string => html(renderMarkdown(text));
const A = 'target="_blank" rel="noopener noreferrer nofollow"';

test('what replies are made of', () => {
  const cases: [string, string][] = [
    ['a *b* **c** `d`', '<p>a <em>b</em> <strong>c</strong> <code>d</code></p>'],
    ['# Head\n\ntext', '<p><strong>Head</strong></p><p>text</p>'],
    ['one\ntwo', '<p>one\ntwo</p>'],
    ['one  \ntwo', '<p>one<br>two</p>'],
    ['- a\n- b', '<ul><li><p>a</p></li><li><p>b</p></li></ul>'],
    ['3. a\n4. b', '<ol start="3"><li><p>a</p></li><li><p>b</p></li></ol>'],
    ['> q', '<blockquote><p>q</p></blockquote>'],
    ['```js\nlet a = "<b>";\n```', '<pre dir="ltr"><code>let a = "&lt;b&gt;";</code></pre>'],
    ['a\n\n---\n\nb', '<p>a</p><hr><p>b</p>'],
    ['&copy; &amp; &hellip; &nope; &#8364;', '<p>© &amp; … &amp;nope; €</p>'],
    ['', ''],
  ];
  for (const [text, expected] of cases) assert.equal(shown(text), expected, text);
});

test('links lead to whole addresses of the web or of mail, in a new tab', () => {
  assert.equal(shown('[x](https://a.example/?q=1)'), `<p><a href="https://a.example/?q=1" ${A}>x</a></p>`);
  assert.equal(
    shown('see https://a.example/b.'),
    `<p>see <a href="https://a.example/b" ${A}>https://a.example/b</a>.</p>`,
  );
  assert.equal(shown('[x](mailto:a@b.example)'), `<p><a href="mailto:a@b.example" ${A}>x</a></p>`);
  const bad = [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'http://a.example',
    '/admin',
    '//a.example',
    '#x',
    'blob:https://a.example/1',
    'java&#10;script:x',
    ' ',
  ];
  for (const url of bad) {
    for (const text of [`[x](<${url}>)`, `<${url}>`]) assert.doesNotMatch(shown(text), /<a /, text);
  }
});

test('HTML, images and references are text', () => {
  for (const text of [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    'a <b onclick=x>c</b>',
    '<!-- x -->',
    '<div>\n\n*x*\n\n</div>',
    '![alt](https://a.example/p.png)',
    '[a][b]\n\n[b]: https://a.example',
    '<iframe srcdoc="<script>">',
  ]) {
    const elements = shown(text).match(/<(\w+)/g) ?? [];
    for (const element of elements) assert.match(element, /^<(p|em|a)$/, text);
    assert.doesNotMatch(shown(text), /<a(?![^>]*>https:)/, text);
  }
  assert.equal(shown('![alt](https://a.example/p.png)'), '<p>alt</p>');
  assert.equal(shown('<b>x</b>'), '<p>&lt;b&gt;x&lt;/b&gt;</p>');
});

test('a reply that is made to take long is shown as it was written', () => {
  const size = 32_000;
  for (const part of ['>', '> ', '1) ', '- ', '*a_ ', '_a*', '**a *b ']) {
    const text = part.repeat(size / part.length);
    const [first, ...others] = renderMarkdown(text) as HTMLElement[];
    assert.deepEqual(others, []);
    assert.equal(first?.textContent, text, part);
    assert.equal(first.childElementCount, 0);
  }
});

test('nesting ends somewhere', () => {
  const deep = Array.from({ length: 60 }, (_, level) => `${'  '.repeat(level)}- a`).join('\n');
  assert.ok((shown(deep).match(/<ul>/g) ?? []).length <= 20);
});
