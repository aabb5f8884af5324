'use strict';
// All pages work without this file; only the live list goes on by it.
(() => {
  const bar = document.getElementById('live');
  const table = document.querySelector('table.rows tbody');
  if (!bar || !table) return;

  // More are in the list of all resolutions.
  const ROWS_MAX = 200;
  // Below the begin of the list by this many pixels, somebody is reading: nothing moves until they come back.
  const READING = 80;
  const SVG = 'http://www.w3.org/2000/svg';

  const state = document.getElementById('live-state');
  const pause = document.getElementById('live-pause');
  const show = document.getElementById('live-show');
  const blank = document.getElementById('live-row').content.firstElementChild;
  const waiting = [];
  let paused = false;
  let over = '';

  const isReading = () => table.getBoundingClientRect().top < -READING;

  const rowOf = (data) => {
    const row = blank.cloneNode(true);
    const slot = (name) => row.querySelector(`[data-slot=${name}]`);
    slot('path').href = data.path;
    slot('time').dateTime = data.startedAt;
    for (const name of ['time', 'sessionId', 'outcome', 'attempts', 'took']) slot(name).textContent = data[name];
    slot('outcome').classList.add(data.outcome);
    if (data.code) {
      slot('reason').textContent = data.reason;
      slot('code').textContent = data.code;
    } else {
      slot('reason').parentElement.replaceChildren();
    }
    const drawing = slot('bar');
    drawing.setAttribute('aria-label', data.bar.said);
    for (const piece of data.bar.pieces) {
      const part = document.createElementNS(SVG, 'rect');
      part.setAttribute('class', piece.phase);
      part.setAttribute('x', piece.x);
      part.setAttribute('width', piece.width);
      part.setAttribute('height', '8');
      drawing.append(part);
    }
    return row;
  };

  const has = (path) => [...table.querySelectorAll('td.time a')].some((link) => link.getAttribute('href') === path);

  const put = () => {
    for (const data of waiting.splice(0)) {
      if (!has(data.path)) table.prepend(rowOf(data));
    }
    while (table.rows.length > ROWS_MAX) table.lastElementChild.remove();
    table.querySelector('tr.none')?.remove();
  };

  const tell = () => {
    const held = waiting.length > 0;
    show.hidden = !held;
    show.textContent = held ? `Show ${waiting.length} new` : 'Show';
    state.textContent = over || (paused || held ? 'paused' : 'listening');
  };

  const go = () => {
    if (!paused && !isReading()) put();
    tell();
  };

  pause.addEventListener('click', () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    go();
  });
  show.addEventListener('click', () => {
    put();
    tell();
    table.closest('.scroll').scrollIntoView({ block: 'nearest' });
    pause.focus();
  });
  addEventListener('scroll', go, { passive: true });

  const source = new EventSource(bar.dataset.stream);
  source.addEventListener('row', (event) => {
    waiting.push(JSON.parse(event.data));
    // Nobody reads more than the list has room for.
    if (waiting.length > ROWS_MAX) waiting.shift();
    go();
  });
  source.addEventListener('end', (event) => {
    if (JSON.parse(event.data).reason !== 'stopping') {
      source.close();
      over = 'The agent is gone.';
    }
    tell();
  });
  source.addEventListener('open', () => {
    over = '';
    tell();
  });
  source.addEventListener('error', () => {
    over =
      source.readyState === EventSource.CLOSED
        ? 'The list has ended: load the page again, and sign in if you are asked to.'
        : 'The server does not answer; it is tried again.';
    tell();
  });
  bar.hidden = false;
  state.textContent = 'connecting';
})();
