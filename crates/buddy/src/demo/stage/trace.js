// Draws the trace of one session. No text of it is ever read as HTML.

const PHASES = ['queue', 'dns', 'connect', 'tls', 'headers', 'body'];
const SVG = 'http://www.w3.org/2000/svg';
/** Narrower, a bar's part could not be seen. */
const NARROWEST_PERCENT = 0.7;

export const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const milliseconds = (time) => `${time < 100 ? time.toFixed(1) : Math.round(time).toLocaleString('en')} ms`;

function step(kind, title, ...details) {
  return element('li', { class: kind }, element('strong', {}, title), ...details);
}

const named = (name) => name.charAt(0).toUpperCase() + name.slice(1);
const small = (...parts) => element('small', {}, ...parts);
const code = (text) => element('code', {}, text);

/** One attempt's time, phase after phase, where it lies in the time of all attempts. */
function waterfall(attempt, resolution) {
  const total = Math.max(resolution.durationMs, 0.1);
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'fall');
  svg.setAttribute('role', 'img');
  const told = PHASES.map((name) => [name, attempt.phases[`${name}Ms`]]).filter(([, time]) => time !== null);
  svg.setAttribute('aria-label', told.map(([name, time]) => `${name} ${milliseconds(time)}`).join(', '));
  let from = (100 * (Date.parse(attempt.startedAt) - Date.parse(resolution.attempts[0].startedAt))) / total;
  for (const [name, time] of told) {
    const width = (100 * time) / total;
    const part = document.createElementNS(SVG, 'rect');
    part.setAttribute('class', name);
    part.setAttribute('x', `${Math.min(from, 100 - NARROWEST_PERCENT)}%`);
    part.setAttribute('width', `${Math.max(width, NARROWEST_PERCENT)}%`);
    part.setAttribute('height', '100%');
    svg.append(part);
    from += width;
  }
  const legend = told.map(([name, time]) =>
    element('span', {}, element('i', { class: name }), `${name} ${milliseconds(time)}`),
  );
  return [svg, element('div', { class: 'legend' }, ...legend)];
}

function claimStep(claim) {
  if (!claim) return step('now', 'The page asks the shop whose session this is…');
  switch (claim.outcome) {
    case 'bound':
      return step('good', `The shop noted that it is ${named(claim.detail)}’s`, small('By its own cookie, which no script can read. The page got a ticket that says nothing of the user.'));
    case 'nobody':
      return step('good', 'The shop says: nobody is signed in', small('204, no ticket. The endpoint need not be asked.'));
    default:
      return step('care', 'The shop did not bind it', small(code(claim.detail)));
  }
}

/** An attempt as the shop saw it (`visit`) and as Buddy timed it (`attempt`); either may be missing. */
function attemptStep(number, visit, attempt, resolution) {
  const details = [];
  if (visit) details.push(small('POST signed ', code(visit.signature), ' arrived at the endpoint'));
  else if (attempt) details.push(small('It never arrived at the endpoint.'));
  if (visit?.answer) details.push(small('answered ', code(visit.answer)));
  else if (attempt) details.push(small('no answer: ', code(attempt.reason ?? '')));
  if (attempt) details.push(...waterfall(attempt, resolution));
  else details.push(element('div', { class: 'fall waiting' }));
  const took = attempt ? ` · ${milliseconds(attempt.durationMs)}` : '';
  const kind = attempt ? (attempt.reason ? 'care' : 'good') : 'now';
  return step(kind, `Attempt ${number}: Buddy asks the shop${took}`, ...details);
}

export function steps(trace) {
  const { claims, visits, settled } = trace;
  const list = [
    step('good', 'The chat began a session', small(code(trace.sessionId), ' · a name that grants nothing')),
    claimStep(claims[0]),
  ];
  const attempts = settled?.resolution?.attempts ?? [];
  const count = Math.max(visits.length, attempts.length);
  for (let index = 0; index < count; index += 1) {
    list.push(attemptStep(index + 1, visits[index], attempts[index], settled?.resolution));
  }
  if (!settled && claims[0]?.outcome === 'bound' && count === 0) list.push(step('now', 'Buddy asks the shop…'));
  // What came before the last time was the same page, loaded anew.
  if (settled && claims.length > 1) list.push(step('good', 'The page came back', small('The shop says: still the same visitor. The chat goes on.')));
  return list;
}

export function attackSteps(trace) {
  return trace.attack.map(({ does, refusedBy, outcome }) =>
    step(
      refusedBy ? 'good' : '',
      does,
      ...(refusedBy ? [element('span', { class: 'refused' }, `refused by ${refusedBy}`)] : []),
      small(outcome),
    ),
  );
}

/** What the agent's software is told, in the order of its documentation. */
export function identity(trace) {
  if (!trace?.settled) return '…';
  const { status, identity: user, error } = trace.settled.identity;
  const facts = user && { userId: user.userId, email: user.email, role: user.role, customAttributes: user.customAttributes };
  return JSON.stringify({ status, identity: facts, ...(error ? { error: { code: error.code, reason: error.reason } } : {}) }, null, 2);
}

/** What came of it: a class, a title, and what to say of it. */
export function verdict(trace, buddy) {
  if (!trace) return { kind: '', title: 'No session yet', said: [element('p', {}, 'One begins when the chat is opened: a visitor who never does costs nothing.')] };
  const { settled } = trace;
  if (!settled) return { kind: '', title: 'Buddy finds out who this is…', said: [element('p', {}, 'The visitor does not wait: the chat is open already.')] };
  const { identity, resolution, code: failure, reason, mend } = settled;
  if (identity.status === 'authenticated') {
    const said = `Said by the shop’s own server, to Buddy alone, in ${milliseconds(resolution.durationMs)}.`;
    return { kind: 'good', title: 'The agent knows who this is', said: [element('p', {}, said)] };
  }
  if (!failure) {
    return { kind: 'good', title: 'A guest: nobody is signed in', said: [element('p', {}, 'That is no error, and cost the shop’s endpoint nothing. The chat goes on.')] };
  }
  const link = element('a', { href: `${buddy}/e/${failure}`, target: '_blank', rel: 'noopener' }, failure);
  return {
    kind: 'care',
    title: 'A guest: the shop could not say who this is',
    said: [
      element('p', {}, `After ${milliseconds(resolution.durationMs)} the chat went on. The visitor saw no error; the integrator sees:`),
      element('div', { class: 'code' }, link, element('span', {}, reason)),
      element('p', {}, mend),
    ],
  };
}
