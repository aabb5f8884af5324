// The stage: buttons on top, the shop's page on the left, what becomes of its session on the right.
import { attackSteps, element, identity, steps, verdict } from './trace.js';

const id = (name) => document.getElementById(name);
const shop = id('shop');

/** What Buddy's address is, who shops here, and what would give them away. */
let stage = { buddy: '', attacker: '', users: [] };
const traces = new Map();
/** The session of the shop's page. */
let current = null;
/** Mallory's latest. */
let mallorys = null;
let source = '';

// --- What is told of the sessions ---

const events = new EventSource('/demo/events');
events.addEventListener('stage', ({ data }) => {
  const told = JSON.parse(data);
  // Another demo has begun at this port: the shop's page is of the one before.
  if (stage.buddy && stage.buddy !== told.buddy) return location.reload();
  stage = told;
  id('attack-url').textContent = `${stage.attacker}/`;
  draw();
});
events.addEventListener('act', ({ data }) => press('[data-act]', ({ dataset }) => dataset.act === JSON.parse(data).act));
events.addEventListener('trace', ({ data }) => {
  const trace = JSON.parse(data);
  traces.set(trace.sessionId, trace);
  if (trace.attack) mallorys = trace.sessionId;
  draw();
});
events.addEventListener('open', () => trouble(''));
events.addEventListener('error', () => trouble('The demo has ended, or cannot be reached. Start it again: buddy demo'));

// --- The shop's page ---

/** The page's own chat, through the same calls that the shop's scripts have. Before it is loaded, they wait in a list. */
const chat = () => (shop.contentWindow.Buddy ??= []);

shop.addEventListener('load', async () => {
  if (shop.contentWindow.location.href === 'about:blank') return;
  id('shop-url').textContent = shop.contentWindow.location.href;
  chat().push(['on', 'session', ({ sessionId }) => {
    current = sessionId;
    draw();
  }]);
  chat().push(['on', 'identity', draw]);
  chat().push(['on', 'error', ({ code, message }) => trouble(`The chat says ${code}: ${message}`)]);
  current = chat().state?.().sessionId ?? null;
  chat().push(['open']);
  draw();
  const [page, { name }] = await Promise.all([fetch('/').then((answer) => answer.text()), fetch('/demo/visitor').then((answer) => answer.json())]);
  source = page;
  press('[data-visitor]', ({ dataset }) => dataset.visitor === (name ?? ''));
  draw();
});

// Not in the page's source: there it could be loaded before this script listens.
shop.src = '/';

// --- The buttons ---

async function post(path, body, type) {
  const answer = await fetch(path, { method: 'POST', body, ...(type ? { headers: { 'Content-Type': type } } : {}) });
  if (!answer.ok) trouble(`${path} was answered ${answer.status}: see the terminal.`);
}

for (const button of document.querySelectorAll('[data-visitor]')) {
  button.addEventListener('click', async () => {
    const { visitor } = button.dataset;
    endAttack();
    await post(visitor ? '/sign-in' : '/sign-out', new URLSearchParams(visitor ? { user: visitor } : {}));
    current = null;
    shop.contentWindow.location.replace('/');
  });
}

for (const button of document.querySelectorAll('[data-act]')) {
  button.addEventListener('click', async () => {
    endAttack();
    await post('/demo/act', JSON.stringify({ act: button.dataset.act }), 'application/json');
    chat().push(['reset']);
    chat().push(['open']);
  });
}

id('attack').addEventListener('click', () => {
  if (!id('attacked').hidden) return endAttack();
  mallorys = null;
  id('attacked').hidden = false;
  id('traced').hidden = true;
  id('attack').setAttribute('aria-pressed', 'true');
  id('attack-frame').replaceChildren(element('iframe', { src: `${stage.attacker}/`, title: "Another site's page" }));
  id('panel').scrollTop = 0;
  draw();
});

function endAttack() {
  id('attacked').hidden = true;
  id('traced').hidden = false;
  id('attack').setAttribute('aria-pressed', 'false');
  id('attack-frame').replaceChildren();
}

function press(buttons, isPressed) {
  for (const button of document.querySelectorAll(buttons)) button.setAttribute('aria-pressed', String(isPressed(button)));
}

// --- The panel ---

function draw() {
  const trace = traces.get(current);
  const { kind, title, said } = verdict(trace, stage.buddy);
  id('verdict').className = `verdict ${kind}`;
  const heading = element('h2', { id: 'verdict-title' }, title);
  // What is told anew though nothing has changed would be read aloud anew.
  if (id('verdict').textContent !== heading.textContent + said.map((part) => part.textContent).join('')) {
    id('verdict').replaceChildren(heading, ...said);
  }
  id('steps').replaceChildren(...(trace ? steps(trace) : []));
  id('identity').textContent = identity(trace);
  drawSeen();
  drawAttack();
}

function drawSeen() {
  const state = chat().state?.() ?? {};
  const page = shop.contentDocument;
  // Between two pages there is none.
  if (!page?.documentElement) return;
  const readable = [source, page.documentElement.outerHTML, page.cookie, JSON.stringify({ ...shop.contentWindow.localStorage }), JSON.stringify(state)];
  const found = stage.users.flatMap(({ traces: values }) => values).filter((value) => readable.some((text) => holds(text, value)));
  const row = (name, text, kind) => [element('dt', {}, name), element('dd', { class: kind }, text)];
  id('seen').replaceChildren(
    ...row('The chat’s status', state.status ?? '…'),
    ...row('Error', state.code ?? 'none'),
    ...row('document.cookie', page.cookie || '(empty)'),
    ...row('User data in the source, the document, cookies and storage', found.length ? found.join(', ') : 'none', found.length ? 'bad' : 'good'),
  );
  id('source').textContent = source;
}

/** Whether the text has this value as a word of its own. */
function holds(text, value) {
  const word = value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])`, 'iu').test(text);
}

function drawAttack() {
  const trace = traces.get(mallorys);
  const status = trace?.settled?.identity.status;
  id('attack-steps').replaceChildren(...(trace ? attackSteps(trace) : []));
  id('attack-verdict').className = `verdict ${status === 'anonymous' ? 'good' : 'bad'}`;
  id('attack-title').textContent = status ? `Mallory’s session is ${status}` : 'Mallory’s page is open in the same browser';
  id('attack-said').textContent = status === 'anonymous'
    ? 'His page got no ticket, and his session tells the agent of nobody.'
    : 'It tries to have a session of its own taken for the visitor’s.';
}

function trouble(text) {
  id('trouble').textContent = text;
  id('trouble').hidden = !text;
}
